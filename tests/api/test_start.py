"""test_start.py: how the process starts, refuses to start, reads its configuration again and stops."""

import os
import signal
import socket
import subprocess
import time

import pytest

from forecastd_process import BIN


def run(*flags, env=None, cwd=None):
    return subprocess.run([BIN, *flags], env={**os.environ, **(env or {})}, cwd=cwd, capture_output=True, text=True, timeout=60)


def assert_refused(result, status, *parts):
    """Ended with the status, nothing on stdout, and one line on stderr that holds each part."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("forecastd: ")]
    assert result.returncode == status, result
    assert result.stdout == ""
    assert len(lines) == 1, result.stderr
    for part in parts:
        assert part in lines[0]


def wait_for_log(daemon, text, seconds=10):
    deadline = time.monotonic() + seconds
    while text not in daemon.stderr():
        assert time.monotonic() < deadline, f"no {text!r} in\n{daemon.stderr()}"
        time.sleep(0.02)


@pytest.mark.parametrize("flags, env, parts", [
    (["--workers", "many"], {}, ["--workers", '"many"', "0 to 256"]),
    (["--listen", "0.0.0.0:8077"], {}, ["--listen", "0.0.0.0:8077", "loopback"]),
    (["--nonsense"], {}, ["--nonsense"]),
    ([], {"FORECASTD_WORKER": "2"}, ["FORECASTD_WORKER", '"2"']),
    ([], {"FORECASTD_LOG_LEVEL": "loud"}, ["FORECASTD_LOG_LEVEL", '"loud"', "error|warn|info|debug"]),
    (["--config", "/nowhere/forecastd.conf"], {}, ["/nowhere/forecastd.conf"]),
])
def test_bad_configuration_is_status_2(flags, env, parts, tmp_path, binary):
    assert_refused(run(*flags, env=env, cwd=tmp_path), 2, *parts)
    assert list(tmp_path.iterdir()) == []  # no database was made


def test_bad_file_names_line_key_and_value(tmp_path, binary):
    file = tmp_path / "a.conf"
    file.write_text("# ours\nlog_level = info\nqueue_limit = -1\n")
    assert_refused(run("--config", str(file)), 2, f"{file}:3:", "queue_limit", '"-1"')


def test_database_that_cannot_be_opened_is_status_1(tmp_path, binary):
    assert_refused(run("--listen", "127.0.0.1:0", "--database", str(tmp_path / "no" / "a.db")), 1, "a.db")
    (tmp_path / "b.db").write_bytes(b"this is not a database, whatever its name says\n" * 200)
    assert_refused(run("--listen", "127.0.0.1:0", "--database", str(tmp_path / "b.db")), 1, "b.db")


def test_taken_port_is_status_1(tmp_path, binary):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert_refused(run("--listen", f"127.0.0.1:{port}", "--database", str(tmp_path / "a.db")), 1, str(port))


def test_texts(tmp_path, binary):
    assert run("--version").stdout.startswith("forecastd 0.")
    assert "--listen ADDRESS:PORT" in run("--help").stdout
    file = tmp_path / "sample.conf"
    file.write_text(run("--sample-config").stdout)
    result = run("--config", str(file), "--check-config", "--workers", "3")
    assert result.returncode == 0
    assert result.stdout.startswith("configuration ok\n")
    assert "workers = 3 " in result.stdout
    with open("/dev/full", "w") as full:
        assert subprocess.run([BIN, "--help"], stdout=full, stderr=subprocess.DEVNULL, timeout=60).returncode == 1


def test_ipv6_loopback(tmp_path, binary):
    if not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("no IPv6 here")
    with subprocess.Popen([BIN, "--listen", "[::1]:0", "--database", str(tmp_path / "a.db")], stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            assert line.startswith("listening on http://[::1]:")
            port = int(line.rsplit(":", 1)[1])
            socket.create_connection(("::1", port), timeout=10).close()
        finally:
            process.terminate()
        assert process.wait(30) == 0


def test_hangup_applies_the_log_level_and_names_the_rest(start, tmp_path):
    file = tmp_path / "a.conf"
    file.write_text("log_level = error\n")
    daemon = start("--config", str(file))
    daemon.get("/healthz")
    file.write_text("log_level = debug\nworkers = 2\n")
    daemon.process.send_signal(signal.SIGHUP)
    wait_for_log(daemon, "event=reloaded")
    assert "workers has changed" in daemon.stderr()
    assert "event=started" not in daemon.stderr()  # it was said while only errors were wanted
    file.write_text("log_level = loud\n")
    daemon.process.send_signal(signal.SIGHUP)
    wait_for_log(daemon, "event=reload_failed")
    assert ":1: log_level" in daemon.stderr() and daemon.get("/readyz").status_code == 200


def test_hangups_never_end_the_process(start):
    """OpenBLAS's own thread has no signal blocked: a signal that met the main thread busy went there and killed the daemon."""
    daemon = start()
    for _ in range(300):
        daemon.process.send_signal(signal.SIGHUP)
    wait_for_log(daemon, "event=reloaded")
    assert daemon.get("/readyz").status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_stop_in_order(start, number):
    daemon = start()
    daemon.load("kept", [1, 2, 3])
    daemon.process.send_signal(number)
    assert daemon.process.wait(30) == 0
    wait_for_log(daemon, "event=stopped")
    daemon.process.stdout.close()
    daemon.start()
    assert daemon.get("/v1/series/kept").json()["points"] == 3
