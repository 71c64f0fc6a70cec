"""The configuration as a user meets it: unknown keys and bad values stop the start with status 2, and flags beat environment beats file."""

import json
import re
import subprocess

import pytest

from forecastd_process import BIN, clean_environment


def run(*flags, env=None, cwd=None):
    return subprocess.run([BIN, *flags], env=clean_environment(**(env or {})), cwd=cwd, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("line, key, value", [
    ("colour = red", "colour", "red"), ("workers = 257", "workers", "257"), ("body_limit = big", "body_limit", "big"),
    ("listen = 127.0.0.1:99999", "listen", "99999"),
    ("log_format = xml", "log_format", "xml"), ("max_horizon = 0", "max_horizon", "0"), ("workers = 1\nworkers = 2", "workers", "2"),
])
def test_bad_lines_in_the_file(tmp_path, binary, line, key, value):
    file = tmp_path / "forecastd.conf"
    file.write_text("# a comment\n" + line + "\n")
    for flags in ([], ["--check-config"]):
        result = run("--config", str(file), *flags, cwd=tmp_path)
        assert result.returncode == 2 and result.stdout == "", result
        number = 1 + len(line.split("\n"))
        for part in (f"{file}:{number}", key, value):
            assert part in result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["forecastd.conf"]  # no database was made


def test_flags_beat_environment_beats_file(tmp_path, binary):
    file = tmp_path / "forecastd.conf"
    file.write_text("workers = 3\nqueue_limit = 30\nmax_horizon = 300\n")
    result = run("--config", str(file), "--workers", "1", "--check-config", env={"FORECASTD_WORKERS": "2", "FORECASTD_QUEUE_LIMIT": "20"})
    assert result.returncode == 0, result.stderr
    found = dict(re.findall(r"^(\w+) = (\S+)", result.stdout, re.M))
    assert (found["workers"], found["queue_limit"], found["max_horizon"]) == ("1", "20", "300")


def test_version_and_help(binary):
    version = run("--version")
    assert version.returncode == 0 and re.fullmatch(r"forecastd \d+\.\d+\.\d+\n", version.stdout) and version.stderr == ""
    text = run("--help").stdout
    for option in ("--config", "--listen", "--database", "--workers", "--log-level", "--check-config", "--version", "--help", "--body-limit",
                   "--queue-limit", "--max-horizon"):
        assert option in text


def test_limits_reach_the_requests(start):
    d = start("--max-horizon", "48", env={"FORECASTD_BODY_LIMIT": "2000"})
    d.load("a", [1, 2, 3])
    assert d.get("/v1/series/a/forecast?horizon=49").json()["code"] == "out_of_range"
    assert d.post("/v1/models", {"series": ["a"], "horizon": 49}).json()["detail"].count("48") == 1
    assert d.post("/v1/series/a/points", {"start": "2026-01-01", "step": "1h", "values": [1.5] * 600}).status_code == 413


def test_log_lines(start):
    d = start("--log-format", "json", "--log-level", "info")
    d.get("/v1/series/none%22")
    d.stop()
    lines = [json.loads(x) for x in d.log.read_text().splitlines()]
    request = next(x for x in lines if x.get("event") == "request")
    assert request["status"] == 404 and request["method"] == "GET" and request["target"] == "/v1/series/none%22"
