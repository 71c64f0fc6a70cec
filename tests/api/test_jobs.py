"""Jobs: progress, cancelling, the bounded queue, lists, and what a graceful stop and a restart do to them."""

import time

import pytest

from forecastd_process import SMALL, daily, refused

LONG = {"network": {"hidden": 64}, "training": {"epochs": 100000, "patience": 100000, "time_limit": "10m"}}
FIELDS = {"id", "kind", "state", "progress", "epoch", "epochs", "loss", "validation_loss", "eta_seconds", "model", "skipped", "error", "created_at",
          "started_at",
          "finished_at"}
POLL = 0.02


@pytest.fixture(scope="module")
def loaded(daemon):
    daemon.load("a", daily(24 * 60))
    return daemon


def long_job(daemon, **more):
    made = daemon.submit({**LONG, "series": ["a"], "horizon": 24, **more})
    return made["job"]["id"]


def test_progress(loaded):
    """Epoch and progress rise while it runs; losses are known from the first epoch on."""
    job = long_job(loaded)
    seen, deadline = [], time.monotonic() + 30
    while len({j["epoch"] for j in seen}) < 5 and time.monotonic() < deadline:
        j = loaded.get(f"/v1/jobs/{job}").json()
        assert set(j) == FIELDS
        if j["state"] == "running" and j["epoch"] > 0:
            seen.append(j)
        time.sleep(POLL)
    assert len({j["epoch"] for j in seen}) >= 5
    assert [j["epoch"] for j in seen] == sorted(j["epoch"] for j in seen)
    assert [j["progress"] for j in seen] == sorted(j["progress"] for j in seen)
    assert all(0 <= j["progress"] <= 1 and j["epochs"] >= j["epoch"] and j["loss"] > 0 and j["validation_loss"] > 0 for j in seen)
    assert seen[-1]["started_at"] >= seen[-1]["created_at"] and seen[-1]["finished_at"] is None
    assert seen[-1]["eta_seconds"] is not None
    assert job in [j["id"] for j in loaded.get("/v1/jobs?state=running").json()["jobs"]]
    assert loaded.delete(f"/v1/jobs/{job}").status_code == 202
    loaded.wait_job(job, seconds=5)


def test_cancel_within_a_second(loaded):
    job = long_job(loaded, network={"hidden": 256})  # long epochs, so that the stop is polled inside one
    loaded.wait_job(job, ["running"])
    time.sleep(0.5)
    begun = time.monotonic()
    reply = loaded.delete(f"/v1/jobs/{job}")
    assert reply.status_code == 202 and reply.json()["id"] == job
    ended = loaded.wait_job(job, seconds=5)
    assert time.monotonic() - begun < 1.0
    assert ended["state"] == "cancelled" and ended["finished_at"] is not None
    refused(loaded.delete(f"/v1/jobs/{job}"), 409, "job_ended", "cancelled")


def test_ended_job_cannot_be_cancelled(loaded):
    made = loaded.submit({"series": ["a"], "horizon": 6})
    done = loaded.wait_job(made["job"]["id"])
    assert done["state"] == "succeeded" and done["progress"] == 1 and done["error"] is None and done["skipped"] == []
    refused(loaded.delete(f"/v1/jobs/{done['id']}"), 409, "job_ended")
    refused(loaded.delete("/v1/jobs/none"), 404, "unknown_job", "none")
    refused(loaded.get("/v1/jobs/none"), 404, "unknown_job", "none")


def test_lists_and_pages(loaded):
    for _ in range(3):
        loaded.wait_job(loaded.submit({"series": ["a"], "horizon": 6})["job"]["id"])
    numbers = [j["created_at"] for j in loaded.get("/v1/jobs?limit=1000&time=ms").json()["jobs"]]
    assert numbers == sorted(numbers, reverse=True)  # as text, 27Z would come after 27.056Z
    everything = loaded.get("/v1/jobs?limit=1000").json()["jobs"]
    done = loaded.get("/v1/jobs?state=succeeded&limit=1000").json()["jobs"]
    assert done == [j for j in everything if j["state"] == "succeeded"] and len(done) >= 3
    seen, cursor = [], None
    while cursor or not seen:
        page = loaded.get("/v1/jobs", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += page["jobs"]
        cursor = page["next"]
    assert seen == everything
    refused(loaded.get("/v1/jobs?state=sleeping"), 422, "bad_parameter", "state", "sleeping")
    assert isinstance(loaded.get(f"/v1/jobs/{everything[0]['id']}?time=ms").json()["created_at"], int)


def test_time_limit(loaded):
    """A training that runs into its limit ends early, is ready and says so."""
    m = loaded.train({"series": ["a"], "horizon": 24, "network": {"hidden": 256}, "training": {"epochs": 100000, "patience": 100000,
                                                                                               "time_limit": "1s"}}, small=False)
    assert "time_limit_reached" in m["warnings"]


def test_queue_is_bounded(start):
    """One runs, one waits, the third is refused; a queued one can be cancelled at once."""
    d = start("--workers", "1", "--queue-limit", "1")
    d.load("a", daily(24 * 60))
    first = long_job(d)
    d.wait_job(first, ["running"])
    second, refusal = None, None
    for _ in range(8):  # how many run at once is the daemon's choice
        reply = d.post("/v1/models", {**LONG, "series": ["a"], "horizon": 24})
        if reply.status_code != 202:
            refusal = reply
            break
        second = reply.json()["job"]["id"]
    refused(refusal, 429, "queue_full")
    assert int(refusal.headers["Retry-After"]) > 0
    models = len(d.get("/v1/models").json()["models"])
    assert len(d.get("/v1/jobs").json()["jobs"]) == models  # the refused one left nothing
    assert d.get(f"/v1/jobs/{second}").json()["state"] == "queued"
    assert d.delete(f"/v1/jobs/{second}").json()["state"] == "cancelled"
    for j in d.get("/v1/jobs?state=running").json()["jobs"] + d.get("/v1/jobs?state=queued").json()["jobs"]:
        d.delete(f"/v1/jobs/{j['id']}")
        d.wait_job(j["id"], seconds=5)


def test_a_graceful_stop_puts_the_job_back(start):
    d = start()
    d.load("a", daily(24 * 60))
    job = long_job(d)
    d.wait_job(job, ["running"])
    begun = time.monotonic()
    d.stop()
    assert time.monotonic() - begun < 10
    d.start()
    again = d.wait_job(job, ["running"], seconds=10)
    assert again["error"] is None
    assert d.delete(f"/v1/jobs/{job}").status_code == 202
    assert d.wait_job(job, seconds=5)["state"] == "cancelled"


def test_third_death_fails_the_job(start):
    d = start()
    d.load("a", daily(24 * 60))
    job = long_job(d)
    for _ in range(3):
        deadline = time.monotonic() + 10
        while d.get(f"/v1/jobs/{job}").json()["epoch"] == 0:  # it trains, so the store knows that it runs
            assert time.monotonic() < deadline
            time.sleep(POLL)
        d.kill()
        d.start()
    dead = d.wait_job(job, ["failed"], seconds=10)
    assert dead["error"]["code"] == "crashed"
    assert d.get(f"/v1/models/{dead['model']}").json()["state"] == "failed"
    assert d.wait_job(d.submit({**SMALL, "series": ["a"], "horizon": 6})["job"]["id"])["state"] == "succeeded"
