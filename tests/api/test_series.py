"""Series: create, change, read, list, select, delete."""

import http.client
import json
from urllib.parse import quote

import pytest

from forecastd_process import daily, refused


def test_life_of_a_series(daemon):
    body = {"unit": "MW", "labels": {"site": "a"}, "step": "24h", "season": [7], "aggregate": "sum", "delay": "90m", "min": 0, "max": 1e6,
            "integer": True}
    reply = daemon.put("/v1/series/life", body)
    assert reply.status_code == 201
    made = daemon.get("/v1/series/life").json()
    for key, value in {**body, "step": "1d", "model": None, "points": 0, "missing": 0, "first": None, "last": None, "step_inferred": False}.items():
        assert made[key] == value, key
    assert daemon.put("/v1/series/life", {"unit": None, "max": None}).status_code == 200
    changed = daemon.get("/v1/series/life").json()
    assert changed["unit"] is None and changed["max"] is None
    assert changed["min"] == 0 and changed["labels"] == {"site": "a"}  # what was not named stands
    assert changed["revision"] > made["revision"]
    assert daemon.delete("/v1/series/life").status_code == 204
    refused(daemon.get("/v1/series/life"), 404, "unknown_series", "life")
    refused(daemon.delete("/v1/series/life"), 404, "unknown_series", "life")


def test_document_after_points(daemon):
    daemon.load("doc", daily(24 * 14) + [None])
    s = daemon.get("/v1/series/doc").json()
    assert (s["points"], s["missing"], s["step"], s["season"]) == (24 * 14 + 1, 1, "1h", [24])
    assert s["first"] == "2026-01-01T00:00:00Z" and s["last"] == "2026-01-15T00:00:00Z"
    assert s["aggregate"] == "mean" and s["delay"] == "0s" and s["integer"] is False
    before = s["revision"]
    daemon.load("doc", [1.0])
    assert daemon.get("/v1/series/doc").json()["revision"] > before


def test_step_is_inferred(daemon):
    times = ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]
    assert daemon.post("/v1/series/monthly/points", {"timestamps": times, "values": [1, 2, 3, 4]}).status_code == 200
    s = daemon.get("/v1/series/monthly").json()
    assert (s["step"], s["step_inferred"]) == ("1mo", True)


@pytest.mark.parametrize("series", ["a/b", "a b", "ä€😀", "100%", "a+b", "q?x=1&y", "#1", "..."])
def test_ids_of_any_letters(daemon, series):
    path = f"/v1/series/{quote(series, safe='')}"
    assert daemon.put(path, {"unit": "x"}).status_code == 201
    assert daemon.get(path).json()["id"] == series
    assert series in [s["id"] for s in daemon.get("/v1/series?limit=1000").json()["series"]]
    assert daemon.delete(path).status_code == 204


@pytest.mark.parametrize("series", [".", "..", "a\x01b", "a\x7fb", "x" * 201])
def test_ids_that_are_refused(daemon, series):
    """Sent over PUT with the dots escaped, so that no client on the way removes them."""
    path = "/v1/series/" + "".join(f"%{b:02X}" for b in series.encode())
    c = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=30)
    c.request("PUT", path, "{}", {"Content-Type": "application/json"})
    reply = c.getresponse()
    assert (reply.status, json.loads(reply.read())["code"]) == (422, "bad_series_id")
    c.close()


def test_200_bytes_is_an_id(daemon):
    series = "é" * 100
    assert daemon.put(f"/v1/series/{quote(series)}", {}).status_code == 201
    assert daemon.delete(f"/v1/series/{quote(series)}").status_code == 204


def test_selectors_and_pages(fresh):
    for i in range(25):
        fresh.put(f"/v1/series/s{i:02}", {"labels": {"site": "ab"[i % 2], "kind": f"k{i % 5}"}})
    fresh.put("/v1/series/bare", {})

    def ids(selector):
        reply = fresh.get("/v1/series", params={"match": selector, "limit": 1000})
        assert reply.status_code == 200, reply.text
        return [s["id"] for s in reply.json()["series"]]

    assert ids('{site="a"}') == [f"s{i:02}" for i in range(0, 25, 2)]
    assert ids('{site="a",kind!="k0"}') == [f"s{i:02}" for i in range(0, 25, 2) if i % 5]
    assert ids('{kind=~"k[12]"}') == [f"s{i:02}" for i in range(25) if i % 5 in (1, 2)]
    assert ids('{kind!~"k.*"}') == ["bare"]
    assert ids('{id=~"s0.",site="b"}') == ["s01", "s03", "s05", "s07", "s09"]
    refused(fresh.get("/v1/series", params={"match": "{site=a}"}), 422, "bad_selector")

    seen, cursor = [], None
    while True:
        page = fresh.get("/v1/series", params={"limit": 7, **({"cursor": cursor} if cursor else {})}).json()
        seen += [s["id"] for s in page["series"]]
        cursor = page["next"]
        if not cursor:
            break
        fresh.put(f"/v1/series/a-new-{len(seen)}", {})  # cursors survive inserts
    assert seen == ["bare"] + [f"s{i:02}" for i in range(25)]
    refused(fresh.get("/v1/series?limit=0"), 422, "out_of_range", "limit", "0")
    refused(fresh.get("/v1/series?limit=1001"), 422, "out_of_range", "1001")
    refused(fresh.get("/v1/series?cursor=%21"), 422, "bad_cursor")
