"""Forecasts: who answers, shapes and codings, levels and horizons, bounds, difficult series, and the stateless POST."""

import csv
import gzip
import io
import json

import pytest

from forecastd_process import check_intervals, daily, refused

HORIZON = 24


@pytest.fixture(scope="module")
def trained(daemon):
    daemon.load("a", daily(24 * 21))
    daemon.load("untrained", daily(24 * 21, seed=3))
    daemon.train({"name": "m", "series": ["a"], "horizon": HORIZON})
    return daemon


def forecast(daemon, series, expect=200, **params):
    reply = daemon.get(f"/v1/series/{series}/forecast", params=params)
    assert reply.status_code == expect, reply.text
    return reply.json()


def test_document(trained):
    f = forecast(trained, "a")
    assert list(f) == ["series", "model", "version", "method", "step", "last", "revision", "levels", "calibration", "why", "warnings", "forecast"]
    assert (f["series"], f["model"], f["version"], f["step"], f["levels"]) == ("a", "m", 1, "1h", [80, 95])
    assert f["last"] == "2026-01-21T23:00:00Z" and f["revision"] == trained.get("/v1/series/a").json()["revision"]
    assert f["calibration"]["method"] == "conformal" and f["why"] and f["warnings"] == []
    assert len(f["forecast"]) == HORIZON
    assert [f["forecast"][0]["timestamp"], f["forecast"][-1]["timestamp"]] == ["2026-01-22T00:00:00Z", "2026-01-22T23:00:00Z"]
    assert list(f["forecast"][0]) == ["timestamp", "mean", "median", "lower_80", "upper_80", "lower_95", "upper_95"]
    check_intervals(f["forecast"], [80, 95])


def test_levels(trained):
    f = forecast(trained, "a", levels="97.5,50,80")
    assert f["levels"] == [50, 80, 97.5]
    check_intervals(f["forecast"], [50, 80, 97.5])
    for bad in ("0", "100", "80,80", "", "x", "80;95", ",".join(str(i) for i in range(1, 18))):
        refused(trained.get("/v1/series/a/forecast", params={"levels": bad}), 422, "bad_levels", "levels" if bad in ("", "x") else "")
    many = ",".join(str(i) for i in range(5, 85, 5))
    check_intervals(forecast(trained, "a", levels=many)["forecast"], range(5, 85, 5))


def test_a_level_that_the_scores_cannot_support(trained):
    f = forecast(trained, "a", levels="99.99")
    assert "level_beyond_calibration" in f["warnings"]
    check_intervals(f["forecast"], [99.99])


def test_horizons(trained):
    full = forecast(trained, "a")["forecast"]
    assert forecast(trained, "a", horizon=5)["forecast"] == full[:5]  # a slice
    beyond = forecast(trained, "a", horizon=100)
    assert "beyond_trained_horizon" in beyond["warnings"] and len(beyond["forecast"]) == 100
    assert beyond["forecast"][:HORIZON] == full
    check_intervals(beyond["forecast"], [80, 95])
    assert len(forecast(trained, "a", horizon=10000)["forecast"]) == 10000
    refused(trained.get("/v1/series/a/forecast?horizon=10001"), 422, "out_of_range", "10001", "10000")


def test_who_answers(trained):
    f = forecast(trained, "untrained")
    assert f["model"] is None and f["version"] is None and f["warnings"] == ["no_model"] and f["why"]
    assert len(f["forecast"]) == 24  # one season
    check_intervals(f["forecast"], [80, 95])
    f = forecast(trained, "untrained", model="m")  # a model forecasts series that it never saw
    assert f["model"] == "m" and len(f["forecast"]) == HORIZON
    trained.put("/v1/series/untrained", {"model": "m"})
    assert forecast(trained, "untrained")["model"] == "m"
    trained.put("/v1/series/untrained", {"model": None})
    assert forecast(trained, "untrained")["model"] is None
    refused(trained.get("/v1/series/a/forecast?model=none"), 422, "unknown_model", "none")
    refused(trained.get("/v1/series/none/forecast"), 404, "unknown_series", "none")


def test_shapes_are_the_same_numbers(trained):
    rows = forecast(trained, "a", shape="rows")
    assert rows == forecast(trained, "a")["forecast"]
    columns = forecast(trained, "a", shape="columns")
    assert list(columns) == ["timestamps", "mean", "median", "lower_80", "upper_80", "lower_95", "upper_95"]
    assert columns["timestamps"] == [r["timestamp"] for r in rows]
    for key in list(columns)[1:]:
        assert columns[key] == [r[key] for r in rows]
    reply = trained.get("/v1/series/a/forecast", headers={"Accept": "text/csv"})
    assert reply.headers["Content-Type"].startswith("text/csv")
    table = list(csv.DictReader(io.StringIO(reply.text)))
    assert list(table[0]) == list(rows[0])
    assert [{k: v if k == "timestamp" else float(v) for k, v in line.items()} for line in table] == rows
    refused(trained.get("/v1/series/a/forecast?shape=table"), 422, "bad_parameter", "shape", "table")


def test_times_as_numbers(trained):
    text = forecast(trained, "a", shape="rows")
    seconds = forecast(trained, "a", time="s", shape="rows")
    assert seconds[0]["timestamp"] == 1769040000 and seconds[1]["timestamp"] == 1769043600
    assert [r["timestamp"] for r in forecast(trained, "a", time="ms", shape="rows")] == [r["timestamp"] * 1000 for r in seconds]
    assert [r["median"] for r in seconds] == [r["median"] for r in text]
    refused(trained.get("/v1/series/a/forecast?time=h"), 422, "bad_parameter", "h")


@pytest.mark.parametrize("parameter", ["quantiles=0.1,0.9", "as_of=2026-01-01"])
def test_later_parts_are_refused_by_name(trained, parameter):
    refused(trained.get(f"/v1/series/a/forecast?{parameter}"), 422, "not_supported", parameter.split("=")[0])


def test_etag(trained):
    """Strong, its own for each format and coding; 304 while nothing changed; gone with the next point."""
    trained.load("tagged", daily(24 * 7))
    path = "/v1/series/tagged/forecast"
    plain = trained.get(path, headers={"Accept-Encoding": "identity"})
    packed = trained.get(path, headers={"Accept-Encoding": "gzip"})
    table = trained.get(path, headers={"Accept": "text/csv"})
    tags = {plain.headers["ETag"], packed.headers["ETag"], table.headers["ETag"]}
    assert len(tags) == 3 and all(t.startswith('"') and t.endswith('"') for t in tags)
    assert {x.strip() for x in plain.headers["Vary"].split(",")} >= {"Accept", "Accept-Encoding"}
    again = trained.get(path, headers={"Accept-Encoding": "identity", "If-None-Match": plain.headers["ETag"]})
    assert again.status_code == 304 and again.content == b"" and again.headers["ETag"] == plain.headers["ETag"]
    assert trained.get(path, headers={"Accept-Encoding": "identity", "If-None-Match": '"other", ' + plain.headers["ETag"]}).status_code == 304
    assert trained.get(path, headers={"Accept-Encoding": "identity", "If-None-Match": '"other"'}).status_code == 200
    trained.load("tagged", [500.0], start="2026-01-08T00:00:00Z")
    changed = trained.get(path, headers={"Accept-Encoding": "identity", "If-None-Match": plain.headers["ETag"]})
    assert changed.status_code == 200 and changed.headers["ETag"] != plain.headers["ETag"]
    assert changed.json()["revision"] > plain.json()["revision"]


def test_every_question_has_its_own_answer(trained):
    """What the cache keeps for one question is never given to another, in whatever order they come."""
    questions = [{}, {"levels": "50,90"}, {"levels": "80,90"}, {"levels": "80"}, {"horizon": 7}, {"horizon": 8}, {"shape": "rows"},
                 {"shape": "columns"}, {"time": "s"},
                 {"time": "ms"}, {"model": "m"}, {"model": "m", "horizon": 7}, {"shape": "rows", "time": "s"}]
    asked = [(series, q, accept) for series in ("a", "untrained") for q in questions for accept in ("application/json", "text/csv")]

    def answers():
        got = [trained.get(f"/v1/series/{s}/forecast", params=q, headers={"Accept": t}) for s, q, t in asked]
        assert all(r.status_code == 200 for r in got)
        return [r.content for r in got]

    first = answers()
    assert answers() == first  # now out of the cache
    for (series, q, accept), content in zip(asked, first):
        if accept == "text/csv":
            head, *lines = content.decode().splitlines()
            levels = q.get("levels", "80,95").split(",")
            assert head.split(",")[3:] == [f"{side}_{x}" for x in levels for side in ("lower", "upper")]
            assert len(lines) == q.get("horizon", HORIZON)
        elif "shape" not in q:
            f = json.loads(content)
            assert f["series"] == series and len(f["forecast"]) == q.get("horizon", HORIZON)
            assert [f"{x:g}" for x in f["levels"]] == q.get("levels", "80,95").split(",")
            assert isinstance(f["last"], int) == ("time" in q) and (f["model"] == "m") == (series == "a" or "model" in q)


def test_a_write_is_seen_by_the_next_read(trained):
    """Never an answer of before an acknowledged write, however often it was asked before."""
    trained.load("fresh", daily(24 * 4))
    for i in range(20):
        for _ in range(3):
            before = forecast(trained, "fresh", horizon=1)
        trained.load("fresh", [float(i)], start=f"2026-02-01T{i:02}:00:00Z")
        after = forecast(trained, "fresh", horizon=1)
        assert after["last"] == f"2026-02-01T{i:02}:00:00Z" and after["revision"] > before["revision"]


def test_head(trained):
    got = trained.get("/v1/series/a/forecast", headers={"Accept-Encoding": "identity"})
    head = trained.call("HEAD", "/v1/series/a/forecast", headers={"Accept-Encoding": "identity"})
    assert head.status_code == 200 and head.content == b""
    for name in ("ETag", "Content-Type", "Content-Length", "Vary"):
        assert head.headers[name] == got.headers[name], name


def test_gzip_out_and_in(trained):
    plain = trained.get("/v1/series/a/forecast?horizon=200", headers={"Accept-Encoding": "identity"})
    packed = trained.get("/v1/series/a/forecast?horizon=200", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip" and int(packed.headers["Content-Length"]) < len(plain.content) / 2
    assert packed.content == plain.content
    body = json.dumps({"start": "2026-01-01", "step": "1h", "values": daily(48)}).encode()
    reply = trained.post("/v1/series/packed/points", gzip.compress(body), headers={"Content-Encoding": "gzip"})
    assert reply.status_code == 200 and reply.json()["received"] == 48
    refused(trained.post("/v1/series/packed/points", body, headers={"Content-Encoding": "br"}), 415, "unsupported_coding", "br")


@pytest.mark.parametrize("bounds", [{"min": 105}, {"max": 95}, {"min": 99, "max": 101}, {"min": 0, "integer": True}])
def test_bounds(trained, bounds):
    trained.put("/v1/series/bounded", {"min": None, "max": None, "integer": False, **bounds})
    trained.load("bounded", daily(24 * 14))
    rows = forecast(trained, "bounded", horizon=24)["forecast"]
    check_intervals(rows, [80, 95])
    values = [v for r in rows for k, v in r.items() if k != "timestamp"]
    assert min(values) >= bounds.get("min", min(values)) and max(values) <= bounds.get("max", max(values))
    if bounds.get("integer"):
        assert all(v == int(v) for r in rows for k, v in r.items() if k not in ("timestamp", "mean"))


# ---- difficult series ----

def test_short_series(trained):
    trained.load("short", [1.0, 2.0, 4.0])
    f = forecast(trained, "short", horizon=6)
    assert "short_series" in f["warnings"] and len(f["forecast"]) == 6
    check_intervals(f["forecast"], [80, 95])


def test_constant_series(trained):
    trained.load("constant", [7.0] * 100)
    f = forecast(trained, "constant", horizon=6)
    assert "constant_series" in f["warnings"]
    assert all(r["median"] == 7 for r in f["forecast"])
    check_intervals(f["forecast"], [80, 95])


def test_all_missing_series(trained):
    trained.load("missing", [None] * 50)
    s = trained.get("/v1/series/missing").json()
    assert (s["points"], s["missing"]) == (50, 50)
    refused(trained.get("/v1/series/missing/forecast"), 422, "no_observations", "missing")
    trained.put("/v1/series/none-yet", {})
    refused(trained.get("/v1/series/none-yet/forecast"), 422, "no_observations", "none-yet")


def test_one_point(trained):
    trained.post("/v1/series/one/points", {"timestamps": ["2026-01-01"], "values": [5]})
    refused(trained.get("/v1/series/one/forecast"), 422, "step_unknown", "one")
    trained.put("/v1/series/one", {"step": "1d"})
    f = forecast(trained, "one", horizon=3)
    assert [r["timestamp"] for r in f["forecast"]] == ["2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z"]
    assert all(r["median"] == 5 for r in f["forecast"])
    check_intervals(f["forecast"], [80, 95])


def test_gappy_series(trained):
    values = daily(24 * 14)
    for i in list(range(40, 90)) + list(range(200, 330, 3)):
        values[i] = None
    trained.load("gappy", values)
    f = forecast(trained, "gappy", horizon=24)
    check_intervals(f["forecast"], [80, 95])
    assert all(60 < r["median"] < 140 for r in f["forecast"])


def test_huge_and_tiny_values(trained):
    for name, scale in (("huge", 1e300), ("tiny", 1e-300)):
        trained.load(name, [v * scale / 100 for v in daily(24 * 14)])
        text = trained.get(f"/v1/series/{name}/forecast").text
        assert "null" not in json.dumps(json.loads(text)["forecast"]) and "NaN" not in text and "inf" not in text.lower().replace("inferred", "")


def test_month_ends(trained):
    """Step k is the start plus k months, its day clamped."""
    trained.load("months", [float(i % 12) for i in range(37)], start="2023-01-31", step="1mo")
    f = forecast(trained, "months", horizon=3)
    assert f["step"] == "1mo"
    assert [r["timestamp"][:10] for r in f["forecast"]] == ["2026-02-28", "2026-03-31", "2026-04-30"]


def test_a_model_of_another_step(trained):
    trained.load("days", daily(100), step="1d")
    refused(trained.get("/v1/series/days/forecast?model=m"), 422, "step_mismatch", "1d")


# ---- POST /v1/forecast ----

def test_stateless(trained):
    values = daily(24 * 14)
    body = {"series": [{"id": "x", "start": "2026-01-01", "step": "1h", "values": values}, {"id": "void", "start": "2026-01-01", "step": "1h",
                                                                                            "values": [None]}],
            "horizon": 6, "levels": [50, 90]}
    reply = trained.post("/v1/forecast", body)
    assert reply.status_code == 200, reply.text
    good, bad = reply.json()["forecasts"]
    assert good["series"] == "x" and good["levels"] == [50, 90] and len(good["forecast"]) == 6 and good["warnings"] == ["no_model"]
    check_intervals(good["forecast"], [50, 90])
    assert bad["series"] == "void" and bad["error"]["code"] == "no_observations"
    refused(trained.get("/v1/series/x"), 404, "unknown_series")  # nothing is kept
    trained.load("x-stored", values)
    assert forecast(trained, "x-stored", horizon=6, levels="50,90")["forecast"] == good["forecast"]


def test_stateless_with_a_model(trained):
    points = {"id": "x", "start": "2026-01-01", "step": "1h", "values": daily(24 * 21)}
    got = trained.post("/v1/forecast", {"series": [points], "model": "m"}).json()["forecasts"][0]
    assert got["model"] == "m" and got["forecast"] == forecast(trained, "a", model="m")["forecast"]
    refused(trained.post("/v1/forecast", {"series": [points], "model": "none"}), 422, "unknown_model", "none", pointer="/model")
    refused(trained.post("/v1/forecast", {"series": [points], "horizon": 0}), 422, "out_of_range", "0", pointer="/horizon")
    refused(trained.post("/v1/forecast", {"series": [points], "levels": [0]}), 422, "bad_levels", "0", pointer="/levels/0")
    refused(trained.post("/v1/forecast", {"series": [points], "colour": 1}), 422, "unknown_field", "colour", pointer="/colour")
    refused(trained.post("/v1/forecast", {"horizon": 3}), 422, "missing_field", "series")
    refused(trained.post("/v1/forecast", b""), 400, "empty_body")
