"""forecastd_process.py: the daemon as the tests see it: a process of its own, on a free port of 127.0.0.1, with a database in a folder of its own.

Every daemon must stop with status 0 on SIGTERM and, in a build with sanitizers, without a report on stderr. FORECASTD_BIN names another binary
than build/forecastd.
"""

import json
import math
import os
import pathlib
import re
import select
import signal
import subprocess
import time

import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = os.environ.get("FORECASTD_BIN", str(ROOT / "build" / "forecastd"))
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|runtime error:|WARNING: ThreadSanitizer")
SMALL = {"network": {"hidden": 16}, "training": {"epochs": 3, "seed": 1}}  # a training of a second or so
START_SECONDS = 30
STOP_SECONDS = 30


def clean_environment(**more):
    """Ours without the variables of the tests: the daemon refuses FORECASTD_ variables that it does not know."""
    return {**{k: v for k, v in os.environ.items() if not k.startswith("FORECASTD_")}, **more}


class Daemon:
    """One forecastd process; start() again after stop() or kill() keeps the database and takes a new port."""

    def __init__(self, folder, *options, env=None):
        self.folder = pathlib.Path(folder)
        self.database = self.folder / "forecastd.db"
        self.options = list(options)
        self.env = env or {}
        self.process = None
        self.http = requests.Session()
        self.http.trust_env = False
        self.log = self.folder / "stderr.log"
        self.start()

    def start(self):
        command = [BIN, "--listen", "127.0.0.1:0", "--database", str(self.database), *self.options]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=clean_environment(**self.env))
        line = self._first_line()
        found = re.fullmatch(r"listening on (http://127\.0\.0\.1:(\d+))", line)
        assert found, f"first line on stdout: {line!r}\n{self.stderr()}"
        self.url, self.port = found.group(1), int(found.group(2))

    def _first_line(self):
        line, deadline = b"", time.monotonic() + START_SECONDS
        while not line.endswith(b"\n") and time.monotonic() < deadline:
            if select.select([self.process.stdout], [], [], 0.2)[0]:
                byte = os.read(self.process.stdout.fileno(), 1)
                if not byte:
                    break
                line += byte
        return line.decode().rstrip("\n")

    def stderr(self):
        return self.log.read_text(errors="replace")[-5000:]

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """Asks it to stop and checks that it went well."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(STOP_SECONDS)
        self.process.stdout.close()
        self.process = None
        self.http.close()
        assert status == 0, f"exit status {status}\n{self.stderr()}"
        assert not SANITIZER.search(self.log.read_text(errors="replace")), self.stderr()

    def kill(self):
        """kill -9: no chance to finish anything."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)
        self.process.stdout.close()
        self.process = None
        self.http.close()

    def abandon(self):
        """After a failed test: end it whatever its state."""
        if self.running():
            self.kill()

    # ---- requests ----

    def call(self, method, path, **kwargs):
        kwargs.setdefault("timeout", 60)
        return self.http.request(method, self.url + path, **kwargs)

    def get(self, path, **kwargs):
        return self.call("GET", path, **kwargs)

    def post(self, path, body=None, **kwargs):
        """body: bytes or text go as they are (JSON unless a header says otherwise), anything else is encoded."""
        if body is not None:
            kwargs["data"] = body if isinstance(body, (bytes, str)) else json.dumps(body)
            kwargs["headers"] = {"Content-Type": "application/json", **kwargs.get("headers", {})}
        return self.call("POST", path, **kwargs)

    def put(self, path, body):
        return self.call("PUT", path, data=json.dumps(body), headers={"Content-Type": "application/json"})

    def delete(self, path, **kwargs):
        return self.call("DELETE", path, **kwargs)

    # ---- what most tests begin with ----

    def load(self, series, values, start="2026-01-01T00:00:00Z", step="1h", **more):
        reply = self.post(f"/v1/series/{series}/points", {"start": start, "step": step, "values": values, **more})
        assert reply.status_code == 200, reply.text
        return reply.json()

    def submit(self, body, small=True):
        """Starts a training; the reply's document."""
        reply = self.post("/v1/models", {**(SMALL if small else {}), **body})
        assert reply.status_code == 202, reply.text
        return reply.json()

    def wait_job(self, job, states=("succeeded", "failed", "cancelled"), seconds=120):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            document = self.get(f"/v1/jobs/{job}").json()
            if document["state"] in states:
                return document
            time.sleep(0.05)
        raise AssertionError(f"job {job} is still {document}")

    def train(self, body, small=True, seconds=120):
        """Trains to the end; the model's document."""
        made = self.submit(body, small)
        job = self.wait_job(made["job"]["id"], seconds=seconds)
        assert job["state"] == "succeeded", job
        reply = self.get(f"/v1/models/{made['model']['id']}")
        assert reply.status_code == 200, reply.text
        return reply.json()


def daily(n, level=100.0, seed=1):
    """Hourly values with a day's rhythm and a little noise of a fixed sequence."""
    state, out = seed, []
    for i in range(n):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        noise = (state >> 33) / 2**31 - 0.5
        out.append(round(level + 20 * math.sin(2 * math.pi * i / 24) + 0.01 * i + 2 * noise, 4))
    return out


def refused(reply, status, code, *named, pointer=None):
    """The reply is a problem document with this status and code whose detail names these words."""
    assert reply.status_code == status, f"{reply.status_code} {reply.text[:500]}"
    assert reply.headers["Content-Type"].split(";")[0] == "application/problem+json"
    problem = reply.json()
    assert {"type", "title", "status", "code", "detail"} <= set(problem)
    assert problem["status"] == status
    assert problem["code"] == code, problem
    for word in named:
        assert str(word) in problem["detail"], problem
    if pointer is not None:
        assert problem["pointer"] == pointer, problem
    return problem


def check_intervals(rows, levels):
    """Nested, around the median, finite."""
    for row in rows:
        order = [row[f"lower_{x:g}"] for x in sorted(levels, reverse=True)] + [row["median"]] + [row[f"upper_{x:g}"] for x in sorted(levels)]
        assert all(isinstance(x, (int, float)) and math.isfinite(x) for x in order + [row["mean"]]), row
        assert order == sorted(order), row
