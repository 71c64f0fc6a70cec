"""Bad input: each answered with its status, a code and a detail that names field and value, a pointer where there is one, and nothing stored."""

import gzip
import json
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from forecastd_process import refused

START = '"start":"2026-01-01","step":"1h"'

# body of POST /v1/series/{id}/points, status, code, words of the detail, pointer (None: not checked)
JSON_BODIES = {
    "truncated": (b'{"timestamps":["2026-01-01"],"values":[1', 400, "invalid_json", [], None),
    "trailing bytes": (b'{%s,"values":[1]} x' % START.encode(), 400, "invalid_json", [], None),
    "two documents": (b'{%s,"values":[1]}{}' % START.encode(), 400, "invalid_json", [], None),
    "leading zero": (b'{%s,"values":[01]}' % START.encode(), 400, "invalid_json", [], None),
    "bare point": (b'{%s,"values":[1.]}' % START.encode(), 400, "invalid_json", [], None),
    "byte order mark": (b'\xef\xbb\xbf{%s,"values":[1]}' % START.encode(), 400, "invalid_json", [], None),
    "invalid UTF-8": (b'{"start":"\xff","step":"1h","values":[1]}', 400, "invalid_json", [], None),
    "raw control character": (b'{"start":"2026\n01","step":"1h","values":[1]}', 400, "invalid_json", [], None),
    "bare NaN": (b'{%s,"values":[NaN]}' % START.encode(), 400, "invalid_json", [], None),
    "too deep": (b'{%s,"values":%s%s}' % (START.encode(), b"[" * 65, b"]" * 65), 400, "invalid_json", [], None),
    "empty": (b"", 400, "empty_body", [], None),
    "white space alone": (b" \n", 400, "empty_body", [], None),
    "duplicate key": (b'{%s,"values":[1],"values":[2]}' % START.encode(), 422, "duplicate_key", ["values"], "/values"),
    "duplicate key by escape": (b'{%s,"values":[1],"v\\u0061lues":[2]}' % START.encode(), 422, "duplicate_key", ["values"], "/values"),
    "unknown field": (b'{%s,"values":[1],"colour":"red"}' % START.encode(), 422, "unknown_field", ["colour"], "/colour"),
    "string for a number": (b'{%s,"values":[1,"2"]}' % START.encode(), 422, "wrong_type", ["values", "2"], "/values/1"),
    "1e999": (b'{%s,"values":[1,1e999]}' % START.encode(), 422, "number_out_of_range", ["1e999"], "/values/1"),
    "Infinity in words": (b'{%s,"values":["Infinity"]}' % START.encode(), 422, "wrong_type", ["Infinity"], "/values/0"),
    "unequal lengths": (b'{"timestamps":["2026-01-01","2026-01-02"],"values":[1]}', 422, "length_mismatch", ["timestamps", "2", "values", "1"],
                        "/values"),
    "February 30": (b'{"timestamps":["2026-02-28","2026-02-30"],"values":[1,2]}', 422, "bad_timestamp", ["2026-02-30"], "/timestamps/1"),
    "year 999": (b'{"timestamps":["0999-12-31"],"values":[1]}', 422, "bad_timestamp", ["0999-12-31"], "/timestamps/0"),
    "year 10000 in seconds": (b'{"timestamps":[253402300800],"values":[1]}', 422, "bad_timestamp", ["253402300800"], "/timestamps/0"),
    "no values": (b'{"start":"2026-01-01","step":"1h"}', 422, "missing_field", ["values"], None),
    "start without step": (b'{"start":"2026-01-01","values":[1]}', 422, "missing_field", ["step"], None),
    "unknown step": (b'{"start":"2026-01-01","step":"1 fortnight","values":[1]}', 422, "bad_step", ["1 fortnight"], "/step"),
    "step zero": (b'{"start":"2026-01-01","step":"0h","values":[1]}', 422, "bad_step", ["0h"], "/step"),
    "mixed forms": (b'{"start":"2026-01-01","step":"1h","values":[1],"points":[]}', 422, "mixed_forms", [], None),
    "point of three": (b'{"points":[["2026-01-01",1,2]]}', 422, "wrong_type", ["2026-01-01"], "/points/0"),
    "no object": (b"[1,2]", 422, "wrong_type", [], None),
    "NUL in a string": (b'{"start":"2026-01-01\\u0000","step":"1h","values":[1]}', 422, "nul_character", [], "/start"),
    "beyond the calendar": (b'{"start":"9999-12-31","step":"1y","values":[1,2]}', 422, "bad_timestamp", ["9999"], "/values"),
}

CSV_BODIES = {
    "empty": (b"", 400, "empty_body", None),
    "February 30": (b"timestamp,value\n2026-02-28,1\n2026-02-30,2\n", 422, "bad_timestamp", "line 3"),
    "words for a number": (b"timestamp,value\n2026-02-28,many\n", 422, "bad_value", "line 2"),
    "1e999": (b"2026-02-28,1e999\n", 422, "number_out_of_range", "line 1"),
    "infinity": (b"2026-02-28,inf\n", 422, "bad_value", "line 1"),
    "three cells": (b"timestamp,value\n2026-02-28,1,2\n", 422, "wrong_column_count", "line 2"),
    "unknown column": (b"timestamp,value,colour\n2026-02-28,1,red\n", 422, "unknown_column", "line 1"),
    "open quote": (b'timestamp,value\n"2026-02-28,1\n', 400, "invalid_csv", "line 2"),
}


def nothing_stored(daemon, series):
    refused(daemon.get(f"/v1/series/{series}"), 404, "unknown_series", series)
    assert daemon.get("/v1/series").json()["series"] == []


@pytest.mark.parametrize("name", JSON_BODIES)
def test_json_of_one_series(daemon, name):
    body, status, code, words, pointer = JSON_BODIES[name]
    reply = daemon.post("/v1/series/bad/points", body)
    refused(reply, status, code, *words, pointer=pointer)
    nothing_stored(daemon, "bad")


@pytest.mark.parametrize("name", CSV_BODIES)
def test_csv_of_one_series(daemon, name):
    body, status, code, pointer = CSV_BODIES[name]
    reply = daemon.post("/v1/series/bad/points", body, headers={"Content-Type": "text/csv"})
    refused(reply, status, code, pointer=pointer)
    nothing_stored(daemon, "bad")


def test_many_series_are_stored_all_or_none(daemon):
    good = {"id": "good", "start": "2026-01-01", "step": "1h", "values": [1, 2, 3]}
    reply = daemon.post("/v1/points", {"series": [good, {"id": "bad", "start": "2026-02-30", "step": "1h", "values": [1]}]})
    refused(reply, 422, "bad_timestamp", "2026-02-30", pointer="/series/1/start")
    nothing_stored(daemon, "good")
    reply = daemon.post("/v1/points", {"series": [good, {"id": "..", "start": "2026-01-01", "step": "1h", "values": [1]}]})
    refused(reply, 422, "bad_series_id", "..", pointer="/series/1/id")
    nothing_stored(daemon, "good")
    csv = b"series,timestamp,value\ngood,2026-01-01,1\nbad,2026-13-01,2\n"
    refused(daemon.post("/v1/points", csv, headers={"Content-Type": "text/csv"}), 422, "bad_timestamp", "2026-13-01", pointer="line 3")
    nothing_stored(daemon, "good")


def test_65_mib(daemon):
    """Refused whether the length is announced, sent in chunks, or hidden in gzip."""
    body = b'{%s,"values":[%s1]}' % (START.encode(), b"1," * (65 * 512 * 1024))
    assert len(body) > 65 * 1024 * 1024
    refused(daemon.post("/v1/series/bad/points", body), 413, "body_too_large", "67108864")
    chunks = (body[i:i + 1000000] for i in range(0, len(body), 1000000))
    reply = daemon.call("POST", "/v1/series/bad/points", data=chunks, headers={"Content-Type": "application/json"})
    refused(reply, 413, "body_too_large", "67108864")
    packed = gzip.compress(body, 1)
    refused(daemon.post("/v1/series/bad/points", packed, headers={"Content-Encoding": "gzip"}), 413, "body_too_large", "67108864")
    nothing_stored(daemon, "bad")


def test_bad_gzip(daemon):
    packed = gzip.compress(b'{%s,"values":[1]}' % START.encode())
    for broken in (packed[:-9], packed[:10] + b"\xff" * 20, b"not gzip at all", packed + b"junk"):
        reply = daemon.post("/v1/series/bad/points", broken, headers={"Content-Encoding": "gzip"})
        refused(reply, 400, "bad_gzip")
    nothing_stored(daemon, "bad")


@pytest.mark.parametrize("horizon", [0, 1000000, -1, 1.5])
def test_horizon(daemon, horizon):
    daemon.load("h", [1, 2, 3])
    try:
        refused(daemon.post("/v1/models", {"series": ["h"], "horizon": horizon}), 422, "out_of_range", "horizon", horizon, pointer="/horizon")
        refused(daemon.get(f"/v1/series/h/forecast?horizon={horizon}"), 422, "out_of_range", "horizon", horizon)
        refused(daemon.post("/v1/series/h/forecasts", {"horizon": horizon}), 422, "out_of_range", "horizon", horizon, pointer="/horizon")
        assert daemon.get("/v1/models").json()["models"] == []
        assert daemon.get("/v1/jobs").json()["jobs"] == []
        assert daemon.get("/v1/series/h/forecasts").json()["forecasts"] == []
    finally:
        assert daemon.delete("/v1/series/h").status_code == 204


def test_unknown_series(daemon):
    for method, path in [("GET", "/v1/series/none"), ("DELETE", "/v1/series/none"), ("GET", "/v1/series/none/points"),
                         ("GET", "/v1/series/none/forecast"),
                         ("POST", "/v1/series/none/forecasts"), ("GET", "/v1/series/none/forecasts"), ("DELETE", "/v1/series/none/points?all=true")]:
        refused(daemon.call(method, path), 404, "unknown_series", "none")
    daemon.load("there", [1, 2, 3])
    try:
        refused(daemon.post("/v1/models", {"series": ["there", "none"], "horizon": 3}), 422, "unknown_series", "none", pointer="/series/1")
        assert daemon.get("/v1/models").json()["models"] == []
    finally:
        daemon.delete("/v1/series/there")


def test_a_bad_request_never_fails_its_neighbours(daemon):
    """Good and bad writes at the same time: each gets its own answer."""
    def one(i):
        body = '{"start":"2026-01-01","step":"1h","values":[1]}' if i % 2 == 0 else '{"start":"2026-02-30","step":"1h","values":[1]}'
        return requests.post(f"{daemon.url}/v1/series/n{i}/points", data=body, headers={"Content-Type": "application/json"}, timeout=60).status_code

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(64))) == [200, 422] * 32
    listed = [s["id"] for s in daemon.get("/v1/series?limit=1000").json()["series"]]
    assert sorted(listed) == sorted(f"n{i}" for i in range(0, 64, 2))
    for series in listed:
        daemon.delete(f"/v1/series/{series}")


def test_put_refusals(daemon):
    bad = [({"aggregate": "median"}, "bad_aggregate", "median", "/aggregate"), ({"min": 5, "max": 1}, "bad_bounds", "5", "/min"),
           ({"labels": {"a": 1}}, "wrong_type", "1", "/labels/a"), ({"labels": []}, "wrong_type", "[]", "/labels"),
           ({"step": "x"}, "bad_step", "x", "/step"),
           ({"season": [1]}, "bad_season", "1", "/season/0"), ({"integer": "yes"}, "wrong_type", "yes", "/integer"),
           ({"model": "none"}, "unknown_model", "none", "/model"), ({"points": 3}, "unknown_field", "points", "/points"),
           ({"delay": "-1h"}, "bad_step", "-1h", "/delay"), ({"timezone": "Europe/Berlin"}, "not_supported", "timezone", "/timezone")]
    for body, code, word, pointer in bad:
        refused(daemon.put("/v1/series/p", body), 422, code, word, pointer=pointer)
        nothing_stored(daemon, "p")


def test_random_damage_never_breaks_it(daemon):
    """Cut and flipped documents are refused or stored, and the daemon answers the next request."""
    rng = random.Random(7)
    whole = json.dumps({"timestamps": ["2026-01-01T00:00:00Z", 1767229200.5], "values": [1.5, None], "season": [24]}).encode()
    for _ in range(300):
        body = bytearray(whole[:rng.randrange(1, len(whole) + 1)])
        for _ in range(rng.randrange(3)):
            body[rng.randrange(len(body))] = rng.randrange(256)
        assert daemon.post("/v1/series/fuzz/points", bytes(body)).status_code in (200, 400, 422)
    assert daemon.get("/healthz").status_code == 200
    daemon.delete("/v1/series/fuzz")
