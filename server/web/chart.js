// chart.js: history and forecast in one dygraphs chart. Three of its series share the axis: what was observed, the wide interval and the
// narrow one; dygraphs' custom bars carry [lower, median, upper]. Colours come from the style sheet, so that light and dark are one place.

import { make } from "./dom.js";
import { allMidnights, number, scaleFor, time } from "./format.js";

/* global Dygraph */
const NAMES = ["Time", "Observed", "wide", "narrow"];
const STEP_MS = { ms: 1, s: 1000, m: 60000, h: 3600000, d: 86400000, w: 604800000, mo: 2678400000, y: 31622400000 };

function stepMs(step) {
  const parts = /^(\d+)(ms|s|m|h|d|w|mo|y)$/.exec(step ?? "");
  return parts ? Number(parts[1]) * STEP_MS[parts[2]] : Infinity;
}

/** What is drawn, from the API's answers: rows in time order for dygraphs, and the same by time for the legend. */
function arrange(series, points, forecast, levels) {
  const byTime = new Map();
  const at = (t) => byTime.get(t) ?? byTime.set(t, { observed: null, step: null }).get(t);
  points.forEach((p) => { at(p.t).observed = p.v; });
  const steps = forecast ? forecast.forecast.map((f) => ({ ...f, t: Date.parse(f.timestamp) })) : [];
  steps.forEach((f) => { at(f.t).step = f; });

  const last = points.at(-1);
  const gap = 1.6 * stepMs(series.step);
  const rows = [];
  let before = null;
  for (const [t, here] of [...byTime].sort((a, b) => a[0] - b[0])) {
    // Steps that were never sent are a gap, not a slope.
    if (before !== null && here.observed !== null && t - before > gap) rows.push([new Date(before + (t - before) / 2), null, null, null]);
    const f = here.step;
    const band = (level) => f && [f[`lower_${level}`] ?? f.median, f.median, f[`upper_${level}`] ?? f.median];
    const row = [new Date(t), here.observed === null ? null : [here.observed, here.observed, here.observed], band(levels[1]), band(levels[0])];
    // The forecast opens from the last observation.
    if (steps.length && last && t === last.t && t < steps[0].t && last.v !== null) row[2] = row[3] = [last.v, last.v, last.v];
    rows.push(row);
    before = here.observed !== null ? t : before;
  }
  const border = steps.length && last ? (Math.min(last.t, steps[0].t) + steps[0].t) / 2 : null;
  return { rows, byTime, border, steps };
}

function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return { observed: of("observed"), forecast: of("forecast"), grid: of("grid"), mark: of("mark"), muted: of("muted"), after: of("after") };
}

/** A window in which a lone point stands in the middle. */
const around = (t) => [t - STEP_MS.d, t + STEP_MS.d];

/** As dygraphs writes dates, but years without their January. */
function dateLabel(date, granularity, options) {
  return granularity === Dygraph.Granularity.ANNUAL ? String(date.getUTCFullYear()) : Dygraph.dateAxisLabelFormatter(date, granularity, options);
}

/** dygraphs' dates, and more of them where a narrow chart would show one or two although short ones fit. */
function ticker(from, to, pixels, options, graph, values) {
  const labels = (ticks) => ticks.filter((t) => t.label);
  const usual = Dygraph.dateTicker(from, to, pixels, options, graph, values);
  if (labels(usual).length > 2) return usual;
  const more = Dygraph.dateTicker(from, to, 2 * pixels, options, graph, values);
  return labels(more).reduce((sum, t) => sum + 8 * t.label.length, 0) <= pixels ? more : usual;
}

export class Chart {
  constructor(element, legend) {
    this.element = element;
    this.legend = legend;
    this.graph = null;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.graph?.updateOptions(this.options()));
    new ResizeObserver(() => this.graph?.resize()).observe(element);
  }

  clear() {
    this.graph?.destroy();
    this.graph = null;
    this.legend.replaceChildren();
    this.element.setAttribute("aria-label", "No chart yet");
  }

  /** levels: the narrow and the wide one, in percent. fresh: another series than before, so zoom and graph start anew. */
  draw(series, points, forecast, levels, fresh) {
    if (!points.length) return this.clear();
    this.levels = levels;
    this.data = arrange(series, points, forecast, levels);
    this.measure(points);
    const lone = this.data.rows.length === 1;
    if (this.graph && (fresh || lone || this.lone)) this.clear();
    this.lone = lone;
    this.describe(points);
    const dateWindow = lone ? around(points[0].t) : null;
    if (this.graph) this.graph.updateOptions({ file: this.data.rows, ...this.options() });
    else this.graph = new Dygraph(this.element, this.data.rows, { ...this.fixed(), ...this.options(), dateWindow });
  }

  /** Formatters that fit the values and times that are shown. */
  measure(points) {
    const values = points.map((p) => p.v).filter((v) => v !== null);
    const reach = this.data.steps.flatMap((f) => [f.median, f[`lower_${this.levels[1]}`], f[`upper_${this.levels[1]}`]]).filter(Number.isFinite);
    const all = values.concat(reach);
    this.value = scaleFor(reach.length ? reach.concat(values) : values, 4);
    this.observedValue = scaleFor(values);
    const most = all.reduce((m, v) => Math.max(m, v), -Infinity), least = all.reduce((m, v) => Math.min(m, v), Infinity);
    const spread = most - least;
    const decimals = spread > 0 ? Math.min(9, Math.max(0, Math.ceil(1 - Math.log10(spread)))) : 3;
    const axis = new Intl.NumberFormat(undefined, { maximumFractionDigits: decimals });
    this.axisNumber = (v) => (Math.abs(v) >= 1e9 || (spread > 0 && spread < 1e-6) ? number(v) : axis.format(v));
    this.axisWidth = 14 + 7 * Math.max(3, this.axisNumber(least).length, this.axisNumber(most).length);
    this.dates = allMidnights([...this.data.byTime.keys()]);
  }

  describe(points) {
    const shown = (t) => time(t, this.dates);
    const steps = this.data.steps;
    const future = steps.length ? ` Forecast of ${steps.length} steps to ${shown(steps.at(-1).t)}, in the table below.` : " No forecast.";
    const past = `Line chart of ${points.length} points from ${shown(points[0].t)} to ${shown(points.at(-1).t)} UTC.`;
    this.element.setAttribute("aria-label", past + future);
  }

  /** Options that never change in the life of a graph. */
  fixed() {
    return {
      labels: NAMES, customBars: true, labelsUTC: true, legend: "always", labelsDiv: this.legend, legendFormatter: (d) => this.key(d),
      underlayCallback: (context, area, graph) => this.border(context, area, graph),
      strokeWidth: 1.5, highlightCircleSize: 3, drawGapEdgePoints: true, pointSize: 2, xRangePad: 6, yRangePad: 12, animatedZooms: false,
      rightGap: 8, axisLabelFontSize: 12,
    };
  }

  options() {
    const c = this.colours = colours();
    return {
      gridLineColor: c.grid, axisLineColor: c.grid,
      series: {
        [NAMES[1]]: { color: c.observed },
        [NAMES[2]]: { color: c.forecast, strokeWidth: 0, fillAlpha: 0.16, highlightCircleSize: 0, drawGapEdgePoints: false },
        [NAMES[3]]: { color: c.forecast, strokeWidth: 2, strokePattern: [6, 3], fillAlpha: 0.26, drawGapEdgePoints: false },
      },
      axes: {
        x: { pixelsPerLabel: 56, ticker, axisLabelFormatter: dateLabel },
        y: { axisLabelWidth: this.axisWidth, axisLabelFormatter: (v) => this.axisNumber(v) },
      },
    };
  }

  /** The mark between what is known and what is forecast, and a faint ground under the future. */
  border(context, area, graph) {
    if (this.data.border === null) return;
    const x = Math.round(graph.toDomXCoord(this.data.border)) + 0.5;
    if (x < area.x || x > area.x + area.w) return;
    context.save();
    context.fillStyle = this.colours.after;
    context.fillRect(x, area.y, area.x + area.w - x, area.h);
    context.strokeStyle = this.colours.mark;
    context.setLineDash([3, 3]);
    context.beginPath();
    context.moveTo(x, area.y);
    context.lineTo(x, area.y + area.h);
    context.stroke();
    context.restore();
  }

  /** dygraphs' legend as nodes: what the colours mean, or the values under the pointer. */
  key({ x }) {
    const out = document.createDocumentFragment();
    const item = (kind, name, value) => {
      out.append(make("span", { class: "key" }, make("i", { class: `swatch ${kind}` }), value === undefined ? name : `${name} ${value}`));
    };
    const here = x === undefined ? undefined : this.data.byTime.get(x);
    if (here) out.append(make("b", {}, `${time(x, this.dates)} UTC`));
    if (!here || here.observed !== null) item("observed", "Observed", here && this.observedValue(here.observed));
    if (this.data.steps.length && (!here || here.step)) {
      const range = (level) => here && `${this.value(here.step[`lower_${level}`])} to ${this.value(here.step[`upper_${level}`])}`;
      item("median", "Forecast", here && this.value(here.step.median));
      item("narrow", `${this.levels[0]} %`, range(this.levels[0]));
      item("wide", `${this.levels[1]} %`, range(this.levels[1]));
    }
    return out;
  }
}
