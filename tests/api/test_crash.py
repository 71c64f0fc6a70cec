"""kill -9 during writes and during a training: every acknowledged point is there, the file is whole, the job runs again.

FORECASTD_CRASH_ROUNDS sets how many times (5)."""

import os
import random
import sqlite3
import threading
import time

import pytest
import requests

from forecastd_process import Daemon, daily

ROUNDS = int(os.environ.get("FORECASTD_CRASH_ROUNDS", "5"))
WRITERS = 4
LONG = {"network": {"hidden": 64}, "training": {"epochs": 100000, "patience": 100000, "time_limit": "10m"}, "horizon": 24}


class Writer(threading.Thread):
    """Posts one new point after another to a series of its own and remembers what was acknowledged."""

    def __init__(self, url, number, first):
        super().__init__()
        self.url, self.number, self.next = url, number, first
        self.acknowledged = {}

    def run(self):
        http = requests.Session()
        http.trust_env = False
        while True:
            at, value = 1767225600 + 60 * self.next, float(self.next * 10 + self.number)
            self.next += 1
            try:
                reply = http.post(f"{self.url}/v1/series/w{self.number}/points", json={"points": [[at, value]]}, timeout=30)
            except requests.RequestException:
                return  # killed: this one was not acknowledged, and may be there or not
            assert reply.status_code == 200, reply.text
            self.acknowledged[at] = value


def whole(database):
    with sqlite3.connect(database) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []


def stored(daemon, series):
    got, cursor = {}, None
    while True:
        page = daemon.get(f"/v1/series/{series}/points", params={"limit": 100000, "time": "s", **({"cursor": cursor} if cursor else {})}).json()
        got.update(zip(page["timestamps"], page["values"]))
        cursor = page["next"]
        if not cursor:
            return got


@pytest.mark.timeout(60 + 20 * ROUNDS)
def test_kill_during_writes_and_training(tmp_path, binary):
    rng = random.Random(5)
    d = Daemon(tmp_path)
    try:
        d.load("a", daily(24 * 60))
        acknowledged = [{} for _ in range(WRITERS)]
        following = [0] * WRITERS
        killed_during_training = 0
        for _ in range(ROUNDS):
            job = d.submit({**LONG, "series": ["a"]})["job"]["id"]
            writers = [Writer(d.url, i, following[i]) for i in range(WRITERS)]
            for w in writers:
                w.start()
            d.wait_job(job, ["running"], seconds=10)
            time.sleep(rng.uniform(0.05, 0.5))
            d.kill()
            for i, w in enumerate(writers):
                w.join()
                assert w.acknowledged, "nothing was written before the kill"
                acknowledged[i].update(w.acknowledged)
                following[i] = w.next
            whole(d.database)
            d.start()
            for i in range(WRITERS):
                got = stored(d, f"w{i}")
                lost = {t: v for t, v in acknowledged[i].items() if got.get(t) != v}
                assert not lost, f"{len(lost)} acknowledged points of w{i} are gone or changed"
                assert len(got) <= len(acknowledged[i]) + ROUNDS  # at most the one in flight a round besides
                row = d.get(f"/v1/series/w{i}").json()
                assert (row["points"], row["missing"]) == (len(got), 0)
            again = d.wait_job(job, ["running"], seconds=20)  # it runs again
            killed_during_training += again["state"] == "running"
            assert d.delete(f"/v1/jobs/{job}").status_code == 202
            assert d.wait_job(job, seconds=5)["state"] == "cancelled"
        assert killed_during_training == ROUNDS
        assert d.train({"series": ["a"], "horizon": 12})["state"] == "ready"
        d.stop()
        whole(d.database)
    finally:
        d.abandon()


def test_a_ready_model_survives(tmp_path, binary):
    """A job that is reported as succeeded, and its model, are there after kill -9."""
    d = Daemon(tmp_path)
    try:
        d.load("a", daily(24 * 21))
        d.train({"name": "m", "series": ["a"], "horizon": 24})
        before = d.get("/v1/series/a/forecast?shape=rows").content
        issued = d.get("/v1/series/a/forecasts").content
        d.kill()
        d.start()
        assert d.get("/v1/models/m").json()["state"] == "ready"
        assert d.get("/v1/series/a/forecast?shape=rows").content == before
        assert d.get("/v1/series/a/forecasts").content == issued
        d.stop()
    finally:
        d.abandon()
