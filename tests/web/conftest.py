"""A real daemon and a real browser for the tests of the dashboard."""
import os
import pathlib
import re
import select
import signal
import subprocess
import tempfile
import time
from urllib.parse import quote

import pytest
import requests
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common import utils

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = (ROOT / os.environ.get("FORECASTD_BIN", "build/forecastd")).resolve()
AIR = ROOT / "examples" / "air-passengers.csv"
AIR_POINTS = 144
HORIZON = 12
START_LIMIT = 60   # seconds; sanitizer builds are slow
TRAIN_LIMIT = 240


def wait_for(what, condition, limit=30.0, every=0.1):
    """The first true result of condition(); fails when there is none in time."""
    deadline = time.monotonic() + limit
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, f"no {what} within {limit} s"
        time.sleep(every)


class Daemon:
    """One forecastd on a free loopback port and a database of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.process = None
        self.url = None

    def start(self, port=0):
        self.log = open(self.folder / "daemon.log", "ab")
        self.process = subprocess.Popen(
            [str(BINARY), "--listen", f"127.0.0.1:{port}", "--database", str(self.folder / "test.db"), "--workers", "1"],
            stdout=subprocess.PIPE, stderr=self.log, cwd=self.folder)
        ready, _, _ = select.select([self.process.stdout], [], [], START_LIMIT)
        line = self.process.stdout.readline().decode() if ready else ""
        found = re.match(r"listening on (http://127\.0\.0\.1:(\d+))$", line.strip())
        if not found:
            self.stop()
        assert found, f"no address on stdout but {line!r}; log: {(self.folder / 'daemon.log').read_text()[-2000:]}"
        self.url, self.port = found.group(1), int(found.group(2))
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process:
            self.process.stdout.close()
            self.log.close()

    def ask(self, method, path, status=200, **options):
        response = requests.request(method, self.url + path, timeout=60, **options)
        assert response.status_code == status, f"{method} {path}: {response.status_code} {response.text[:500]}"
        return response.json() if response.content else None

    def post_points(self, series, body):
        return self.ask("POST", f"/v1/series/{quote(series, safe='')}/points", json=body)

    def train(self, **request):
        """Starts a training and waits for its end; the job as it ended."""
        job = self.ask("POST", "/v1/models", 202, json=request)["job"]["id"]
        ended = ("succeeded", "failed", "cancelled")
        return wait_for("end of the training", lambda: next(
            (j for j in [self.ask("GET", f"/v1/jobs/{job}")] if j["state"] in ended), None), TRAIN_LIMIT)


@pytest.fixture
def new_daemon(tmp_path):
    """An empty daemon for one test."""
    daemon = Daemon(tmp_path).start()
    yield daemon
    daemon.stop()


@pytest.fixture(scope="session")
def daemon(tmp_path_factory):
    """A daemon with the airline passengers and a model of them."""
    daemon = Daemon(tmp_path_factory.mktemp("daemon")).start()
    try:
        daemon.ask("POST", "/v1/series/air/points", data=AIR.read_bytes(), headers={"Content-Type": "text/csv"})
        job = daemon.train(name="air-model", series=["air"], horizon=HORIZON, training={"epochs": 3, "seed": 1, "time_limit": "20s"})
        assert job["state"] == "succeeded", job
        yield daemon
    finally:
        daemon.stop()


class Driver(Service):
    """chromedriver, reached by its address."""

    @property
    def service_url(self):
        return f"http://127.0.0.1:{self.port}"

    def is_connectable(self):
        return utils.is_connectable(self.port, "127.0.0.1")


FLAGS = ("headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update",
         "disable-sync", "disable-dev-shm-usage", "lang=en-US", "window-size=1280,1000", "remote-debugging-port=0")


class Browser:
    """Chromium, started by ourselves, and a driver for it. Everything goes by address: a minimal root file system has no /etc/hosts, hence no localhost."""

    def __init__(self, profile):
        self.process = subprocess.Popen(["/usr/bin/chromium", *(f"--{flag}" for flag in FLAGS), f"--user-data-dir={profile}", "about:blank"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        port = wait_for("the browser's port", lambda: self.port(pathlib.Path(profile)), START_LIMIT)
        options = Options()
        options.debugger_address = f"127.0.0.1:{port}"
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Driver("/usr/bin/chromedriver"), options=options)

    def port(self, profile):
        assert self.process.poll() is None, "chromium ended at its start"
        file = profile / "DevToolsActivePort"
        lines = file.read_text().splitlines() if file.exists() else []
        return lines[0] if len(lines) > 1 else None

    def stop(self):
        self.driver.quit()
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture(scope="session")
def session_browser():
    with tempfile.TemporaryDirectory(prefix="forecastd-browser-", ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        yield browser.driver
        browser.stop()


@pytest.fixture
def browser(session_browser):
    """The browser with the usual window, a light page and an empty console."""
    session_browser.get("about:blank")
    window(session_browser, 1280, 1000)
    scheme(session_browser, "light")
    session_browser.get_log("browser")
    return session_browser


def window(browser, width, height):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})


def scheme(browser, name):
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]})
