"""Models: what POST accepts and refuses, the document, versions, names, deletion, and the forecasts of a whole model."""

import csv
import io
import json

import pytest

from forecastd_process import SMALL, check_intervals, daily, refused

HORIZON = 24
METRICS = {"mae", "rmse", "smape", "mase", "coverage", "mean_width"}


@pytest.fixture(scope="module")
def loaded(daemon):
    for i, name in enumerate(("a", "b", 'odd,"name"')):
        daemon.load(name.replace('"', "%22").replace(",", "%2C"), daily(24 * 21, level=100 + 10 * i, seed=i + 1))
    daemon.put("/v1/series/a", {"labels": {"site": "x"}})
    daemon.put("/v1/series/b", {"labels": {"site": "y"}})
    return daemon


def test_post_answers_with_model_and_job(loaded):
    reply = loaded.post("/v1/models", {**SMALL, "name": "first", "series": ["a", "b"], "horizon": HORIZON, "levels": [97.5, 80]})
    assert reply.status_code == 202, reply.text
    made = reply.json()
    assert reply.headers["Location"] == f"/v1/jobs/{made['job']['id']}"
    assert made["job"]["model"] == made["model"]["id"] and made["job"]["kind"] == "train"
    assert made["model"]["name"] == "first" and made["model"]["version"] == 1 and made["model"]["levels"] == [80, 97.5]
    assert loaded.wait_job(made["job"]["id"])["state"] == "succeeded"


def test_document(loaded):
    m = loaded.train({"name": "doc", "series": ["a", "b"], "horizon": HORIZON})
    assert m == loaded.get("/v1/models/doc").json()
    assert (m["state"], m["version"], m["method"], m["horizon"], m["step"], m["levels"]) == ("ready", 1, "auto", HORIZON, "1h", [80, 95])
    assert m["series"] == ["a", "b"] and m["removed_series"] == [] and m["season"] == [24]
    assert m["trained_until"] == "2026-01-21T23:00:00Z"
    assert m["network"]["hidden"] == 16 and m["network"]["cell"] == "gru" and m["network"]["layers"] >= 1  # defaults filled in
    assert m["training"]["epochs"] == 3 and m["training"]["seed"] == 1 and m["training"]["batch"] > 0 and m["training"]["learning_rate"] > 0
    assert m["metrics"].pop("seasonal_naive") == m["seasonal_naive"]
    for block in (m["metrics"], m["seasonal_naive"]):
        assert set(block) == METRICS
        assert set(block["coverage"]) == set(block["mean_width"]) == {"80", "95"}
        assert block["mae"] > 0 and block["rmse"] >= block["mae"] and 0 <= block["coverage"]["95"] <= 1
    assert m["metrics"]["mean_width"]["95"] > m["metrics"]["mean_width"]["80"] > 0
    assert m["calibration"]["method"] == "conformal" and m["calibration"]["origins"] > 0 and m["calibration"]["scores"] > 0
    assert len(m["history"]) == 3
    assert all(h["loss"] > 0 and h["validation_loss"] > 0 and h["gradient_norm"] > 0 for h in m["history"])


def test_every_option_is_kept(loaded):
    body = {"series": ["a"], "horizon": 12, "method": "gru", "lookback": 96, "season": [24], "network": {"cell": "gru", "layers": 1, "hidden": 8},
            "training": {"epochs": 2, "batch": 16, "learning_rate": 0.005, "clip_norm": 0.5, "patience": 2, "seed": 42, "time_limit": "30s"}}
    m = loaded.train(body, small=False)
    for key in ("horizon", "method", "lookback", "season"):
        assert m[key] == body[key], key
    for group in ("network", "training"):
        assert body[group].items() <= m[group].items(), group
    assert m["answers"] == "gru" and m["name"] is None
    assert loaded.get(f"/v1/series/a/forecast?model={m['id']}").json()["method"] == "gru"


@pytest.mark.parametrize("change, code, pointer", [
    ({"series": None}, "missing_field", "/series"), ({"horizon": None}, "missing_field", "/horizon"), ({"series": ["a", "none"]}, "unknown_series",
                                                                                                       "/series/1"),
    ({"series": []}, "no_series", "/series"), ({"series": {"match": '{site="nowhere"}'}}, "no_series", "/series/match"),
    ({"series": {"match": "{site}"}}, "bad_selector", "/series/match"), ({"method": "magic"}, "unknown_method", "/method"),
    ({"method": "seasonal_naive", "network": {"cell": "gru"}}, "method_and_cell_disagree", "/network/cell"),
    ({"levels": [100]}, "bad_levels", "/levels/0"),
    ({"season": "daily"}, "wrong_type", "/season"), ({"training": {"epochs": 0}}, "out_of_range", "/training/epochs"),
    ({"training": {"optimizer": "sgd"}}, "unknown_field", "/training/optimizer"), ({"promote": "always"}, "not_supported", "/promote"),
    ({"retrain": {"every": "1d"}}, "not_supported", "/retrain"), ({"issue": {"every": "1d"}}, "not_supported", "/issue"),
    ({"covariates": []}, "not_supported", "/covariates"), ({"holidays": "DE"}, "not_supported", "/holidays"),
    ({"network": {"dropout": 0.2}}, "not_supported", "/network/dropout"), ({"name": "a\nb"}, "bad_name", "/name"),
    ({"scaling": "magic"}, "unknown_name", "/scaling"),
])
def test_refusals(loaded, change, code, pointer):
    before = loaded.get("/v1/jobs?limit=1000").json()["jobs"]
    body = {k: v for k, v in {"series": ["a"], "horizon": 24, **change}.items() if v is not None}
    refused(loaded.post("/v1/models", body), 422, code, pointer=pointer)
    assert loaded.get("/v1/jobs?limit=1000").json()["jobs"] == before


def test_selector_and_star(loaded):
    assert loaded.train({"series": {"match": '{site="y"}'}, "horizon": 6})["series"] == ["b"]
    assert loaded.train({"series": "*", "horizon": 6})["series"] == sorted(["a", "b", 'odd,"name"'])


def test_no_series_at_all(fresh):
    refused(fresh.post("/v1/models", {"series": "*", "horizon": 6}), 422, "no_series", pointer="/series")


def test_same_name_makes_the_next_version(loaded):
    first = loaded.train({"name": "again", "series": ["a"], "horizon": 12})
    second = loaded.train({"name": "again", "series": ["a"], "horizon": 6})
    assert second["id"] == first["id"] and (first["version"], second["version"]) == (1, 2)
    assert second["horizon"] == 6
    answer = loaded.get("/v1/series/a/forecast?model=again").json()
    assert (answer["model"], answer["version"], len(answer["forecast"])) == ("again", 2, 6)


def test_the_ready_version_answers_while_the_next_one_trains(loaded):
    slow = {"network": {"hidden": 64}, "training": {"epochs": 100000, "patience": 100000, "time_limit": "10m"}}
    loaded.train({"name": "steady", "series": ["a"], "horizon": 12})
    before = loaded.get("/v1/series/a/forecast?model=steady&shape=rows").content
    made = loaded.submit({**slow, "name": "steady", "series": ["a"], "horizon": 12})
    loaded.wait_job(made["job"]["id"], ["running"])
    assert made["model"]["version"] == 2
    assert loaded.get("/v1/models/steady").json()["state"] == "ready"
    assert loaded.get("/v1/series/a/forecast?model=steady&shape=rows").content == before
    assert loaded.delete(f"/v1/jobs/{made['job']['id']}").status_code == 202
    assert loaded.wait_job(made["job"]["id"])["state"] == "cancelled"
    m = loaded.get("/v1/models/steady").json()
    assert (m["state"], m["version"]) == ("ready", 1)  # a cancelled version never replaces the ready one
    assert loaded.get("/v1/series/a/forecast?model=steady&shape=rows").content == before


def test_delete_cancels_its_job(loaded):
    slow = {"network": {"hidden": 64}, "training": {"epochs": 100000, "patience": 100000, "time_limit": "10m"}}
    made = loaded.submit({**slow, "name": "doomed", "series": ["a"], "horizon": 12})
    loaded.wait_job(made["job"]["id"], ["running"])
    refused(loaded.get("/v1/series/a/forecast?model=doomed"), 409, "model_not_ready", "doomed")
    refused(loaded.get("/v1/models/doomed/forecasts"), 409, "model_not_ready", "doomed")
    assert loaded.delete("/v1/models/doomed").status_code == 204
    refused(loaded.get("/v1/models/doomed"), 404, "unknown_model", "doomed")
    refused(loaded.delete("/v1/models/doomed"), 404, "unknown_model", "doomed")
    refused(loaded.get("/v1/series/a/forecast?model=doomed"), 422, "unknown_model", "doomed")
    assert not [j for j in loaded.get("/v1/jobs?state=running").json()["jobs"] if j["id"] == made["job"]["id"]] or \
        loaded.wait_job(made["job"]["id"], seconds=2)["state"] == "cancelled"


def test_removed_series_stay_named(loaded):
    loaded.load("leaves", daily(24 * 21, seed=9))
    m = loaded.train({"name": "keeps", "series": ["a", "leaves"], "horizon": 6})
    assert m["series"] == ["a", "leaves"]
    assert loaded.delete("/v1/series/leaves").status_code == 204
    m = loaded.get("/v1/models/keeps").json()
    assert m["removed_series"] == ["leaves"]
    lines = loaded.get("/v1/models/keeps/forecasts", headers={"Accept": "application/x-ndjson"}).text.splitlines()
    assert [json.loads(x).get("series") for x in lines[:-1]] == ["a"]


def test_list_pages(loaded):
    everything = loaded.get("/v1/models?limit=1000").json()
    assert everything["next"] is None and len(everything["models"]) >= 3
    seen, cursor = [], None
    while cursor or not seen:
        page = loaded.get("/v1/models", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += page["models"]
        cursor = page["next"]
    assert seen == everything["models"]


def test_a_series_that_cannot_be_trained_is_skipped(loaded):
    loaded.post("/v1/series/empty/points", {"start": "2026-01-01", "step": "1h", "values": [None] * 30})
    made = loaded.submit({"series": ["a", "empty"], "horizon": 6})
    job = loaded.wait_job(made["job"]["id"])
    assert job["state"] == "succeeded"
    assert job["skipped"] == [{"series": "empty", "code": "no_observations"}]
    assert loaded.get(f"/v1/models/{made['model']['id']}").json()["series"] == ["a"]
    failed = loaded.wait_job(loaded.submit({"series": ["empty"], "horizon": 6})["job"]["id"])
    assert failed["state"] == "failed" and failed["error"]["code"] == "nothing_to_train"
    assert loaded.get(f"/v1/models/{failed['model']}").json()["state"] == "failed"
    loaded.delete("/v1/series/empty")


# ---- GET /v1/models/{id}/forecasts ----

@pytest.fixture(scope="module")
def whole(loaded):
    loaded.train({"name": "whole", "series": ["a", "b", 'odd,"name"'], "horizon": 6})
    return loaded


def test_whole_model_json(whole):
    got = whole.get("/v1/models/whole/forecasts?levels=50,97.5").json()
    assert got["next"] is None
    assert [f["series"] for f in got["forecasts"]] == ["a", "b", 'odd,"name"']
    for f in got["forecasts"]:
        assert f["model"] == "whole" and len(f["forecast"]) == 6
        check_intervals(f["forecast"], [50, 97.5])
    one = whole.get("/v1/series/b/forecast?model=whole&levels=50,97.5").json()
    assert {**one, "why": ""} == {**got["forecasts"][1], "why": ""}


def test_whole_model_pages(whole):
    seen, cursor = [], None
    while cursor or not seen:
        page = whole.get("/v1/models/whole/forecasts", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [f["series"] for f in page["forecasts"]]
        cursor = page["next"]
    assert seen == ["a", "b", 'odd,"name"']


def test_whole_model_csv(whole):
    reply = whole.get("/v1/models/whole/forecasts", headers={"Accept": "text/csv"})
    assert reply.headers["Content-Type"].startswith("text/csv") and "ETag" not in reply.headers
    rows = list(csv.reader(io.StringIO(reply.text)))
    assert rows[0] == ["series", "timestamp", "mean", "median", "lower_80", "upper_80", "lower_95", "upper_95"]
    assert [r[0] for r in rows[1:]] == ["a"] * 6 + ["b"] * 6 + ['odd,"name"'] * 6
    one = whole.get("/v1/series/b/forecast?model=whole").json()["forecast"]
    assert [float(r[3]) for r in rows[7:13]] == [f["median"] for f in one]
    refused(whole.get("/v1/models/whole/forecasts?limit=2", headers={"Accept": "text/csv"}), 422, "bad_parameter", "limit")


def test_whole_model_ndjson_with_a_failure(whole):
    whole.load("fades", daily(24 * 21, seed=5))
    whole.train({"name": "fading", "series": ["a", "fades"], "horizon": 6})
    assert whole.delete("/v1/series/fades/points?all=true").status_code == 200
    lines = [json.loads(x) for x in whole.get("/v1/models/fading/forecasts", headers={"Accept": "application/x-ndjson"}).text.splitlines()]
    assert lines[0]["series"] == "a" and len(lines[0]["forecast"]) == 6
    assert lines[1]["series"] == "fades" and lines[1]["error"]["code"] == "no_observations"
    assert lines[2] == {"done": True, "ok": 1, "failed": 1}
    in_json = whole.get("/v1/models/fading/forecasts").json()["forecasts"]
    assert in_json[1]["error"]["code"] == "no_observations"
    assert len(whole.get("/v1/models/fading/forecasts", headers={"Accept": "text/csv"}).text.splitlines()) == 7
    whole.delete("/v1/series/fades")


def test_unknown_model(daemon):
    for method, path in [("GET", "/v1/models/none"), ("DELETE", "/v1/models/none"), ("GET", "/v1/models/none/forecasts")]:
        refused(daemon.call(method, path), 404, "unknown_model", "none")
