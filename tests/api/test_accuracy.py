"""Forecasts are good, measured from outside on real data: the airline passengers, a year ahead."""

import csv

from forecastd_process import ROOT

TRAIN, AHEAD, SEASON = 132, 12, 12


def test_air_passengers_a_year_ahead(daemon):
    with open(ROOT / "examples" / "air-passengers.csv", newline="") as f:
        rows = list(csv.reader(f))[1:]
    values = [float(v) for _, v in rows]
    assert len(values) == TRAIN + AHEAD
    text = "timestamp,value\n" + "".join(f"{t},{v}\n" for t, v in rows[:TRAIN])
    assert daemon.post("/v1/series/air/points", text, headers={"Content-Type": "text/csv"}).json()["inserted"] == TRAIN
    model = daemon.train({"series": ["air"], "horizon": AHEAD}, small=False, seconds=200)
    answer = daemon.get(f"/v1/series/air/forecast?model={model['id']}").json()
    assert [r["timestamp"][:10] for r in answer["forecast"]] == [t for t, _ in rows[TRAIN:]]

    train, actual = values[:TRAIN], values[TRAIN:]
    scale = sum(abs(train[i] - train[i - SEASON]) for i in range(SEASON, TRAIN)) / (TRAIN - SEASON)

    def mase(predicted):
        return sum(abs(p - y) for p, y in zip(predicted, actual)) / AHEAD / scale

    ours, naive = mase([r["median"] for r in answer["forecast"]]), mase(train[-SEASON:])
    covered = sum(r["lower_95"] <= y <= r["upper_95"] for r, y in zip(answer["forecast"], actual))
    print(f"MASE {ours:.3f}, seasonal naive {naive:.3f}, 95 covers {covered} of {AHEAD}, answered by {answer['method']}")
    assert ours < naive
    assert covered >= 10
