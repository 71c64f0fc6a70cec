"""Points: the three JSON forms, CSV, many series at once, times and values in every spelling, reading back, deleting."""

import json

import pytest

from forecastd_process import refused

CSV = {"Content-Type": "text/csv"}


def points(daemon, series, **params):
    reply = daemon.get(f"/v1/series/{series}/points", params=params)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_three_json_forms_are_equal(daemon):
    times = ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"]
    forms = [{"timestamps": times, "values": [1.5, None, -3]}, {"start": times[0], "step": "1h", "values": [1.5, "NaN", -3]},
             {"points": [[times[0], 1.5], [times[1], None], [times[2], -3]]}]
    for i, body in enumerate(forms):
        reply = daemon.post(f"/v1/series/form{i}/points", body)
        assert reply.json() == {"series": f"form{i}", "received": 3, "inserted": 3, "updated": 0}
        got = points(daemon, f"form{i}")
        assert (got["timestamps"], got["values"], got["next"]) == (times, [1.5, None, -3], None)


@pytest.mark.parametrize("written, read", [
    ("2026-01-01", "2026-01-01T00:00:00Z"), ("2026-01-01 06:30:00", "2026-01-01T06:30:00Z"), ("2026-01-01T00:00:00+01:00", "2025-12-31T23:00:00Z"),
    ("2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.500Z"), (1767225600, "2026-01-01T00:00:00Z"), (1767225600.25, "2026-01-01T00:00:00.250Z"),
    ("2024-02-29", "2024-02-29T00:00:00Z"), ("1000-01-01", "1000-01-01T00:00:00Z"), ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    (-1, "1969-12-31T23:59:59Z"),
])
def test_times(daemon, written, read):
    assert daemon.post("/v1/series/times/points", {"timestamps": [written], "values": [1]}).status_code == 200
    assert points(daemon, "times")["timestamps"] == [read]
    assert daemon.delete("/v1/series/times").status_code == 204


@pytest.mark.parametrize("precision, factor", [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
def test_precision(daemon, precision, factor):
    body = {"timestamps": [1767225600 * factor], "values": [1]}
    assert daemon.post(f"/v1/series/p{precision}/points?precision={precision}", body).status_code == 200
    assert points(daemon, f"p{precision}")["timestamps"] == ["2026-01-01T00:00:00Z"]
    csv = f"{1767225600 * factor},1\n"
    assert daemon.post(f"/v1/series/p{precision}/points?precision={precision}", csv, headers=CSV).json()["updated"] == 1


def test_every_double_reads_back(daemon):
    values = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -2.2250738585072014e-308, 9007199254740993.0, 123456789.123456789, 1e21, 1e-7, 0.0,
              2.0**-1074 * 3]
    body = '{"start":"2026-01-01","step":"1h","values":[%s]}' % ",".join(repr(v) for v in values)
    assert daemon.post("/v1/series/doubles/points", body).status_code == 200
    assert points(daemon, "doubles")["values"] == values
    got = daemon.get("/v1/series/doubles/points", headers={"Accept": "text/csv"}).text.splitlines()
    assert got[0] == "timestamp,value"
    assert [float(line.split(",")[1]) for line in got[1:]] == values


def test_updates_and_order(daemon):
    body = {"timestamps": [7200, 0, 3600, 0], "values": [3, 1, 2, 9]}
    assert daemon.post("/v1/series/up/points", body).json() == {"series": "up", "received": 4, "inserted": 3, "updated": 1}
    assert points(daemon, "up")["values"] == [9, 2, 3]
    assert daemon.post("/v1/series/up/points", {"timestamps": [3600], "values": [None]}).json()["updated"] == 1
    s = daemon.get("/v1/series/up").json()
    assert (s["points"], s["missing"]) == (3, 1)


def test_csv_of_one(daemon):
    text = "timestamp,value\r\n2026-01-01,1\r\n2026-01-02,\r\n2026-01-03,NA\r\n\"2026-01-04\",\"4.5\"\r\n2026-01-05,NaN\r\n"
    assert daemon.post("/v1/series/csv/points", text, headers=CSV).json()["received"] == 5
    assert points(daemon, "csv")["values"] == [1, None, None, 4.5, None]
    assert daemon.post("/v1/series/csv2/points", "2026-01-01,1\n2026-01-02,2", headers=CSV).json()["received"] == 2  # no header, no last line end


def test_many_series(daemon):
    body = {"series": [{"id": "m1", "start": "2026-01-01", "step": "1h", "values": [1, 2]}, {"id": "m2", "points": [[0, 5]], "season": [24]},
                       {"id": "m3", "timestamps": ["2026-01-01"], "values": [None]}]}
    assert daemon.post("/v1/points", body).json() == {"series": 3, "received": 4, "inserted": 4, "updated": 0}
    for header in ("series,timestamp,value", "unique_id,ds,y"):
        text = f"{header}\nm1,2026-01-02,7\nm4,2026-01-01,8\n\"m,5\",2026-01-01,9\n"
        assert daemon.post("/v1/points", text, headers=CSV).json()["series"] == 3
    assert points(daemon, "m1")["values"] == [1, 2, 7]
    assert points(daemon, "m%2C5")["values"] == [9]


def test_ranges_pages_and_csv(daemon):
    daemon.load("range", list(range(100)))
    got = points(daemon, "range", start="2026-01-01T10:00:00Z", end="2026-01-01T13:00:00Z")
    assert got["values"] == [10, 11, 12]  # the start belongs to it, the end does not
    assert points(daemon, "range", start="2026-01-01T10:00:00+01:00", end=1767229200 + 8 * 3600 + 1)["values"] == [9]
    assert points(daemon, "range", order="desc", limit=3)["values"] == [99, 98, 97]
    assert points(daemon, "range", limit=1, time="s")["timestamps"] == [1767225600]
    assert points(daemon, "range", limit=1, time="ms")["timestamps"] == [1767225600000]
    for order in ("asc", "desc"):
        seen, cursor = [], None
        while cursor or not seen:
            page = points(daemon, "range", limit=33, order=order, **({"cursor": cursor} if cursor else {}))
            seen += page["values"]
            cursor = page["next"]
        assert seen == sorted(range(100), reverse=order == "desc")
    reply = daemon.get("/v1/series/range/points?limit=40", headers={"Accept": "text/csv"})
    assert reply.headers["Content-Type"].startswith("text/csv")
    assert len(reply.text.splitlines()) == 41
    assert reply.links["next"]["url"]
    refused(daemon.get("/v1/series/range/points?order=up"), 422, "bad_parameter", "order", "up")
    refused(daemon.get("/v1/series/range/points?start=soon"), 422, "bad_timestamp", "soon")
    refused(daemon.get("/v1/series/range/points?limit=100001"), 422, "out_of_range", "100001")


def test_delete(daemon):
    daemon.load("del", list(range(10)))
    refused(daemon.delete("/v1/series/del/points"), 422, "range_required", "start", "all=true")
    assert daemon.get("/v1/series/del").json()["points"] == 10
    assert daemon.delete("/v1/series/del/points?end=2026-01-01T02:00:00Z").json() == {"deleted": 2}
    assert daemon.delete("/v1/series/del/points?start=2026-01-01T08:00:00Z").json() == {"deleted": 2}
    assert points(daemon, "del")["values"] == [2, 3, 4, 5, 6, 7]
    assert daemon.delete("/v1/series/del/points?all=true").json() == {"deleted": 6}
    s = daemon.get("/v1/series/del").json()
    assert (s["points"], s["first"], s["last"]) == (0, None, None)


def test_large_upload(daemon):
    """More points than one page, one upload, all there."""
    values = [i / 8 for i in range(150000)]
    assert daemon.load("large", values, step="1m")["inserted"] == len(values)
    seen, cursor = [], None
    while cursor or not seen:
        page = points(daemon, "large", limit=100000, **({"cursor": cursor} if cursor else {}))
        seen += page["values"]
        cursor = page["next"]
    assert seen == values
    assert "NaN" not in json.dumps(daemon.get("/v1/series/large").json())
