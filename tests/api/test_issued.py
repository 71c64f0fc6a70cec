"""Issued forecasts: kept with their intervals when a model becomes ready and on POST, and read back as they were."""

import pytest

from forecastd_process import daily, refused


@pytest.fixture(scope="module")
def loaded(daemon):
    daemon.load("a", daily(24 * 21))
    daemon.load("plain", daily(24 * 21, seed=2))
    daemon.train({"name": "m", "series": ["a"], "horizon": 12})
    return daemon


def listed(daemon, series, **params):
    reply = daemon.get(f"/v1/series/{series}/forecasts", params=params)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_a_ready_model_issues_one(loaded):
    got = listed(loaded, "a")
    first = got["forecasts"][-1]
    assert (first["series"], first["model"], first["version"], first["levels"], len(first["forecast"])) == ("a", "m", 1, [80, 95], 12)
    assert first["last"] == "2026-01-21T23:00:00Z"
    assert first["forecast"] == loaded.get("/v1/series/a/forecast").json()["forecast"]


def test_post_keeps_what_it_answers(loaded):
    asked = {"horizon": 5, "levels": [97.5, 60], "model": "m"}
    reply = loaded.post("/v1/series/plain/forecasts", asked)
    assert reply.status_code == 201, reply.text
    made = reply.json()
    assert made["levels"] == [60, 97.5] and len(made["forecast"]) == 5 and made["model"] == "m"
    kept = listed(loaded, "plain")["forecasts"][0]
    for key in ("id", "series", "model", "version", "method", "issued_at", "last", "revision", "levels", "forecast"):
        assert kept[key] == made[key], key
    loaded.load("plain", [1000.0], start="2026-01-22T00:00:00Z")
    assert listed(loaded, "plain")["forecasts"][0] == kept  # what was issued stays as it was


def test_post_without_a_body_and_without_a_model(loaded):
    loaded.load("bare", daily(24 * 7))
    made = loaded.post("/v1/series/bare/forecasts").json()
    assert made["model"] is None and made["version"] is None and made["levels"] == [80, 95] and len(made["forecast"]) == 24
    kept = listed(loaded, "bare")["forecasts"][0]
    assert kept["model"] is None and kept["version"] is None and kept["forecast"] == made["forecast"]


def test_ranges_and_pages(loaded):
    loaded.load("many", daily(24 * 7))
    made = [loaded.post("/v1/series/many/forecasts", {"horizon": 2}).json() for _ in range(7)]
    everything = listed(loaded, "many")
    assert [f["id"] for f in everything["forecasts"]] == [f["id"] for f in reversed(made)] and everything["next"] is None
    seen, cursor = [], None
    while cursor or not seen:
        page = listed(loaded, "many", limit=3, **({"cursor": cursor} if cursor else {}))
        seen += page["forecasts"]
        cursor = page["next"]
    assert seen == everything["forecasts"]
    fourth = made[3]["issued_at"]
    assert {f["id"] for f in listed(loaded, "many", issued_before=fourth)["forecasts"]} == {f["id"] for f in made if f["issued_at"] < fourth}
    assert {f["id"] for f in listed(loaded, "many", start=fourth)["forecasts"]} == {f["id"] for f in made if f["issued_at"] >= fourth}
    assert {f["id"] for f in listed(loaded, "many", end=fourth)["forecasts"]} == {f["id"] for f in made if f["issued_at"] < fourth}
    assert isinstance(listed(loaded, "many", limit=1, time="ms")["forecasts"][0]["issued_at"], int)


def test_refusals_keep_nothing(loaded):
    before = listed(loaded, "a")
    refused(loaded.post("/v1/series/a/forecasts", {"horizon": 0}), 422, "out_of_range", "0", pointer="/horizon")
    refused(loaded.post("/v1/series/a/forecasts", {"model": "none"}), 422, "unknown_model", "none")
    refused(loaded.post("/v1/series/a/forecasts", {"quantiles": [0.1]}), 422, "not_supported", "quantiles", pointer="/quantiles")
    refused(loaded.post("/v1/series/a/forecasts", {"colour": 1}), 422, "unknown_field", "colour", pointer="/colour")
    refused(loaded.post("/v1/series/a/forecasts", b"{"), 400, "invalid_json")
    assert listed(loaded, "a") == before


def test_a_get_never_issues(loaded):
    before = listed(loaded, "a")
    for horizon in (1, 2, 3):
        loaded.get(f"/v1/series/a/forecast?horizon={horizon}")
    assert listed(loaded, "a") == before


def test_they_go_with_their_series(loaded):
    loaded.load("gone", daily(48))
    loaded.post("/v1/series/gone/forecasts")
    assert loaded.delete("/v1/series/gone").status_code == 204
    refused(loaded.get("/v1/series/gone/forecasts"), 404, "unknown_series", "gone")
    loaded.load("gone", daily(48))
    assert listed(loaded, "gone")["forecasts"] == []
