"""The same seed and data give the same bytes: with one worker and with two, in another process, before and after a restart."""

from forecastd_process import daily

SERIES = [f"s{i}" for i in range(6)]
MODEL = {"name": "m", "series": SERIES, "horizon": 24, "method": "gru", "network": {"hidden": 32}, "training": {"epochs": 8, "seed": 11}}


def answers(daemon):
    """The bytes of every forecast of the model."""
    return [daemon.get(f"/v1/series/{s}/forecast?model=m&shape=rows&levels=50,80,95").content for s in SERIES]


def trained(start, workers, model=MODEL):
    d = start("--workers", str(workers))
    for i, s in enumerate(SERIES):
        d.load(s, daily(24 * 28, level=50 * (i + 1), seed=i + 1))
    m = d.train(model, small=False)
    assert m["answers"] == "gru"
    return d, m


def test_one_worker_and_two_and_a_restart(start):
    one, m1 = trained(start, 1)
    two, m2 = trained(start, 2)
    assert m1["history"] == m2["history"] and m1["metrics"] == m2["metrics"]
    expected = answers(one)
    assert all(len(a) > 1000 for a in expected) and len(set(expected)) == len(SERIES)
    assert answers(two) == expected
    two.stop()
    two.options = ["--workers", "1"]
    two.start()
    assert answers(two) == expected
    again = two.train(MODEL, small=False)
    assert again["version"] == 2 and again["history"] == m1["history"]
    assert answers(two) == expected


def test_another_seed_is_another_model(start):
    d, m = trained(start, 2)
    first = answers(d)
    other = d.train({**MODEL, "training": {"epochs": 8, "seed": 12}}, small=False)
    assert other["history"] != m["history"]
    assert answers(d) != first


def test_the_order_of_uploads_does_not_matter(start):
    d = start()
    values = daily(24 * 14)
    d.load("whole", values)
    for part in (1, 0):
        half = len(values) // 2
        d.load("parts", values[part * half:(part + 1) * half], start=["2026-01-01", "2026-01-08"][part])
    assert d.get("/v1/series/whole/forecast?shape=rows").content == d.get("/v1/series/parts/forecast?shape=rows").content
