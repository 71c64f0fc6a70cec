#!/usr/bin/python3
"""Measures the daemon on this machine: ingest, training, forecasts served, grouped writes beside a reader, and both beside trainings.

usage: run.py [--binary build/forecastd] [--series FILE.ndjson --horizon 48] [--quick]
Needs wrk. Without --series, 414 hourly series of the M4's lengths are made up (daily and weekly profile, noise; fixed seed). The last `horizon` values of each are
held back and scored. Prints one line a figure; nothing here passes or fails."""
import argparse
import json
import math
import random
import re
import signal
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Daemon:
    def __init__(self, binary, folder):
        self.process = subprocess.Popen([binary, "--listen", "127.0.0.1:0", "--database", f"{folder}/bench.db", "--log-level", "warn"],
                                        stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.url = re.match(r"listening on (http://\S+)", line).group(1)

    def call(self, method, path, body=None):
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"} if data else {}, method=method)
        with urllib.request.urlopen(request) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def peak_mib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) / 1024

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def made_up_series():
    rng = random.Random(1)
    for number in range(414):
        n, size = (700, 960)[number % 3 > 0], math.exp(rng.uniform(2, 9))
        day = [1 + 0.4 * math.sin(2 * math.pi * (h + number) / 24) for h in range(24)]
        yield {"id": f"S{number}", "step": "1h", "start": "2000-01-03",
               "values": [round(size * day[t % 24] * (0.8 if t // 24 % 7 > 4 else 1) * math.exp(rng.gauss(0, 0.05)), 2) for t in range(n)]}


def load(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


def say(name, value):
    print(f"{name:58} {value}", flush=True)


def ingest(daemon, series, horizon):
    bodies, points = [], 0
    for i in range(0, len(series), 200):
        part = [{"id": s["id"], "step": s["step"], "start": s["start"], "values": s["values"][:-horizon]} for s in series[i:i + 200]]
        points += sum(len(s["values"]) for s in part)
        bodies.append(json.dumps({"series": part}).encode())
    start = time.perf_counter()
    received = sum(daemon.call("POST", "/v1/points", body)["received"] for body in bodies)
    seconds = time.perf_counter() - start
    assert received == points
    say("ingest, series objects, 200 a body", f"{points / seconds:,.0f} points/s ({points:,} points)")


def train(daemon, series, horizon):
    reply = daemon.call("POST", "/v1/models", {"name": "bench", "series": [s["id"] for s in series], "horizon": horizon})
    start, job = time.perf_counter(), reply["job"]["id"]
    while True:
        state = daemon.call("GET", f"/v1/jobs/{job}")
        if state["state"] not in ("queued", "running"):
            break
        time.sleep(0.5)
    say("training, one model over all series", f"{state['state']} in {time.perf_counter() - start:.0f} s, daemon's peak memory {daemon.peak_mib():.0f} MiB")


def score(daemon, series, horizon):
    answers = {f["series"]: f for f in daemon.call("GET", "/v1/models/bench/forecasts?levels=80,95")["forecasts"]}
    mase, naive, covered, n = [], [], {"80": 0, "95": 0}, 0
    for s in series:
        past, future, m = s["values"][:-horizon], s["values"][-horizon:], s.get("season", 24)
        scale = sum(abs(past[t] - past[t - m]) for t in range(m, len(past))) / (len(past) - m)
        rows = answers[s["id"]]["forecast"]
        mase.append(sum(abs(y - r["median"]) for y, r in zip(future, rows)) / horizon / scale)
        naive.append(sum(abs(y - past[len(past) - m + h % m]) for h, y in enumerate(future)) / horizon / scale)
        n += horizon
        for level in covered:
            covered[level] += sum(r[f"lower_{level}"] <= y <= r[f"upper_{level}"] for y, r in zip(future, rows))
    say("held-back values: mean MASE, seasonal naive's", f"{sum(mase) / len(mase):.3f}, {sum(naive) / len(naive):.3f}")
    say("held-back values: coverage of 80, of 95", f"{100 * covered['80'] / n:.1f} %, {100 * covered['95'] / n:.1f} %")


def wrk(url, connections, seconds, script=None):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", url] + (["-s", script] if script else [])
    text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
    errors = re.search(r"(Non-2xx.*|Socket errors.*)", text)
    milliseconds = float(p99.group(1)) * {"us": 1e-3, "ms": 1, "s": 1e3}[p99.group(2)]
    return rate, milliseconds, errors.group(1).strip() if errors else ""


POST_ONE = """
local t = 0
function request()
  t = t + 1
  local id = "w" .. (t % 64)
  local body = string.format('{"points":[[%d,%d.5]]}', 1000000000 + t * 60, t % 977)
  return wrk.format("POST", "/v1/series/" .. id .. "/points", {["Content-Type"] = "application/json"}, body)
end
"""


def serve(daemon, path, seconds, label):
    rate, p99, errors = wrk(daemon.url + path, 16, seconds)
    say(f"forecast over keep-alive, 16 connections{label}", f"{rate:,.0f} requests/s, p99 {p99:.2f} ms {errors}")


def write_and_read(daemon, path, seconds, folder):
    script = f"{folder}/post.lua"
    Path(script).write_text(POST_ONE)
    reader = {}
    thread = threading.Thread(target=lambda: reader.update(zip(("rate", "p99", "errors"), wrk(daemon.url + path, 1, seconds))))
    thread.start()
    rate, p99, errors = wrk(daemon.url, 64, seconds, script)
    thread.join()
    say("64 clients, a point a request, synchronous=FULL", f"{rate:,.0f} acknowledged/s, p99 {p99:.2f} ms {errors}")
    say("a reader of stored points meanwhile", f"p99 {reader['p99']:.2f} ms {reader['errors']}")


def trainings_beside(daemon, series, seconds, path):
    jobs = [daemon.call("POST", "/v1/models", {"series": [s["id"] for s in series[i::2]], "horizon": 24, "training": {"epochs": 50}})["job"]["id"] for i in (0, 1)]
    time.sleep(2)
    serve(daemon, path, seconds, ", two trainings running")
    for job in jobs:
        try:
            daemon.call("DELETE", f"/v1/jobs/{job}")
        except urllib.error.HTTPError as gone:
            say(f"job {job}", f"ended before it could be cancelled: {gone.code}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / "build/forecastd"))
    parser.add_argument("--series")
    parser.add_argument("--horizon", type=int, default=48)
    parser.add_argument("--quick", action="store_true", help="a tenth of the series, short loads")
    options = parser.parse_args()
    series = load(options.series) if options.series else list(made_up_series())
    if options.quick:
        series = series[::10]
    seconds = 3 if options.quick else 10
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(options.binary, folder)
        try:
            ingest(daemon, series, options.horizon)
            train(daemon, series, options.horizon)
            score(daemon, series, options.horizon)
            path = f"/v1/series/{series[0]['id']}/forecast?horizon=48&levels=80,95"
            serve(daemon, path, seconds, "")
            write_and_read(daemon, f"/v1/series/{series[1]['id']}/points?limit=100", seconds, folder)
            trainings_beside(daemon, series, seconds, path)
            say("daemon's peak memory", f"{daemon.peak_mib():.0f} MiB")
        finally:
            daemon.stop()


if __name__ == "__main__":
    main()
