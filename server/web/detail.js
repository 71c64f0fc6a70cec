// detail.js: the chosen series: its facts, chart, forecast, quality of the model, newest values.

import { $, keyed, make, table, text } from "./dom.js";
import { Chart } from "./chart.js";
import { allMidnights, count, number, percent, plural, scaleFor, signedPercent, step, time } from "./format.js";

export const LEVELS = [80, 95];
const NEWEST = 12;
const LEAST_HISTORY = 72, HISTORY_PER_STEP = 6; // points that the chart shows when it may choose

const WARNINGS = {
  no_model: "No model was trained on this series yet: a classical method answers.",
  beyond_trained_horizon: "Part of this lies beyond the horizon that the model was trained for.",
  level_beyond_calibration: "There are too few past errors to calibrate the widest interval: its tails are an estimate.",
  short_series: "The series is short: take the intervals with care.",
  constant_series: "All values are the same so far.",
  time_limit_reached: "Training stopped at its time limit.",
  too_short_for_network: "Too short for a network: a classical method serves.",
};

let chart = null;

export function clearDetail() {
  chart?.clear();
  for (const id of ["forecast-table", "quality-table", "newest-table", "warnings"]) $(id).replaceChildren();
  for (const id of ["answered", "why", "quality-note"]) text($(id), "");
}

export function drawFacts(s) {
  text($("series-id"), s.id);
  keyed($("series-labels"), Object.entries(s.labels ?? {}), ([k]) => k, () => make("bdi", { class: "chip" }), (e, [k, v]) => text(e, `${k} = ${v}`));
  const midnight = s.points > 0 && allMidnights([s.first, s.last]);
  const season = (Array.isArray(s.season) ? s.season : s.season ? [s.season] : []).map(count).join(", ");
  const facts = [
    ["Points", s.missing ? `${count(s.points)}, ${count(s.missing)} missing` : count(s.points)],
    ["Unit", s.unit || "–"],
    ["Step", s.step ? step(s.step) : "not known yet"],
    ["Season", season ? `${season} steps` : "none"],
    ["First (UTC)", s.points ? time(s.first, midnight) : "–"],
    ["Last (UTC)", s.points ? time(s.last, midnight) : "–"],
  ];
  keyed($("series-facts"), facts, ([k]) => k, ([k]) => make("div", {}, make("dt", {}, k), make("dd")), (e, [, v]) => text(e.lastChild, v));
}

/** points: the API's answer, newest first. Returns them as {t, v}, oldest first. */
export function inOrder(points) {
  return points.timestamps.map((t, i) => ({ t: Date.parse(t), v: points.values[i] })).reverse();
}

/** automatic: shows as much history as leaves the forecast room, not all of points. */
export function drawChart(series, points, forecast, automatic, fresh) {
  chart ??= new Chart($("chart"), $("chart-legend"));
  const most = automatic && forecast ? Math.max(LEAST_HISTORY, HISTORY_PER_STEP * forecast.forecast.length) : points.length;
  chart.draw(series, points.slice(-most), forecast, LEVELS, fresh);
}

export function drawNewest(points, unit) {
  const newest = points.slice(-NEWEST).reverse();
  const shown = scaleFor(newest.map((p) => p.v));
  const dates = allMidnights(newest.map((p) => p.t));
  table($("newest-table"), "Newest values, newest first", ["Time (UTC)", unit ? `Value (${unit})` : "Value"],
    newest.map((p) => [time(p.t, dates), p.v === null ? "missing" : shown(p.v)]));
}

/** forecast: the API's answer, or null with the reason why there is none. */
export function drawForecast(forecast, reason) {
  text($("why"), forecast ? forecast.why : reason);
  $("forecast-table").hidden = !forecast;
  if (!forecast) {
    text($("answered"), "");
    $("warnings").replaceChildren();
    return;
  }
  const who = forecast.model ? `${forecast.model}, version ${forecast.version}` : "No model";
  const { method, scores } = forecast.calibration ?? {};
  const calibrated = scores ? ` · intervals ${method}, from ${plural(scores, "past error", "past errors")} a step` : "";
  text($("answered"), `${who} · method ${forecast.method}${calibrated}`);
  keyed($("warnings"), forecast.warnings, (w) => w, (w) => make("li", {}, WARNINGS[w] ?? w), () => {});

  const steps = forecast.forecast;
  const shown = scaleFor(steps.flatMap((f) => [f.median, f.lower_80, f.upper_80, f.lower_95, f.upper_95]), 4);
  const dates = allMidnights(steps.map((f) => f.timestamp));
  const range = (f, level) => `${shown(f[`lower_${level}`])} – ${shown(f[`upper_${level}`])}`;
  table($("forecast-table"), "Forecast values", ["Time (UTC)", "Median", ...LEVELS.map((l) => `${l} % interval`)],
    steps.map((f) => [time(f.timestamp, dates), shown(f.median), ...LEVELS.map((l) => range(f, l))]));
}

/* One row a metric: its name, how to read it off, whether less is better, how to write it. */
const METRICS = [
  ["MAE", (m) => m.mae, true, number],
  ["RMSE", (m) => m.rmse, true, number],
  ["sMAPE", (m) => (Number.isFinite(m.smape) ? m.smape / 100 : null), true, (v) => percent(v, 1)],
  ["MASE", (m) => m.mase, true, number],
  ...LEVELS.map((l) => [`Coverage of ${l} %`, (m) => m.coverage?.[l], false, (v) => percent(v, 1)]),
  ...LEVELS.map((l) => [`Mean width of ${l} %`, (m) => m.mean_width?.[l], false, number]),
];

/** model: GET /v1/models/{id}, or null when a classical method answered. */
export function drawQuality(model) {
  const own = model?.metrics, naive = model?.metrics?.seasonal_naive ?? model?.seasonal_naive;
  $("quality-table").hidden = !own;
  text($("quality-note"), own ? "On past values that it did not learn from; less is better for the errors."
    : model ? "Known when the training has ended." : "Train a model to see how it compares with the seasonal naive method.");
  if (!own) return;
  const rows = METRICS.filter(([, read]) => Number.isFinite(read(own))).map(([name, read, less, write]) => {
    const mine = read(own), theirs = naive ? read(naive) : null;
    const change = less && theirs > 0 ? mine / theirs - 1 : null;
    const verdict = change === null ? "" : make("span", { class: change < 0 ? "better" : change > 0 ? "worse" : "" }, signedPercent(change));
    return [name, write(mine), write(theirs), verdict];
  });
  table($("quality-table"), "Metrics of the model and of the seasonal naive method", ["Metric", "Model", "Seasonal naive", "Change"], rows);
}
