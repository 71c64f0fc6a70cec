// format.js: numbers and times for people. Numbers follow the browser's language, times are UTC in ISO order.

const formats = new Map();
function intl(options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(undefined, options));
  return formats.get(key);
}

/** A formatter for numbers that are shown together, with the same decimals for all so that columns line up: as many as the largest needs for
 * these digits (and their differences for two), but no more than the numbers have. */
export function scaleFor(values, digits = 5) {
  let largest = 0, least = Infinity, most = -Infinity;
  for (const v of values) {
    if (!Number.isFinite(v)) continue;
    largest = Math.max(largest, Math.abs(v));
    least = Math.min(least, v);
    most = Math.max(most, v);
  }
  if (largest >= 1e12 || (largest > 0 && largest < 1e-6)) {
    const powers = intl({ notation: "scientific", maximumFractionDigits: 4 });
    return (v) => missing(v) ?? powers.format(v);
  }
  const place = (x) => (x > 0 ? Math.floor(Math.log10(x)) : Infinity);
  let decimals = Math.min(9, Math.max(0, digits - 1 - place(largest), 1 - place(most - least)));
  const has = (d) => values.every((v) => !Number.isFinite(v) || Math.abs(v - Number(v.toFixed(d))) <= 1e-12 * largest);
  while (decimals > 0 && has(decimals - 1)) decimals--;
  const f = intl({ minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  return (v) => missing(v) ?? f.format(v);
}

function missing(v) {
  return v === null || v === undefined || Number.isNaN(v) ? "–" : null;
}

/** One number by itself, to four significant digits. */
export function number(v) {
  if (missing(v)) return "–";
  const size = Math.abs(v);
  if (size >= 1e12 || (size > 0 && size < 1e-6)) return intl({ notation: "scientific", maximumFractionDigits: 3 }).format(v);
  return intl(size >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 4 }).format(v);
}

export const count = (n) => intl({ maximumFractionDigits: 0 }).format(n);
export const percent = (x, decimals = 0) =>
  missing(x) ?? intl({ style: "percent", minimumFractionDigits: decimals, maximumFractionDigits: decimals }).format(x);
export const signedPercent = (x) => missing(x) ?? intl({ style: "percent", maximumFractionDigits: 0, signDisplay: "exceptZero" }).format(x);
export const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many}`;

/** 2026-01-31 14:00, without what is zero in every time that stands beside it. */
export function time(value, dateOnly = false) {
  const t = new Date(value);
  if (Number.isNaN(t.getTime())) return "–";
  const iso = t.toISOString();
  const date = iso.slice(0, iso.indexOf("T"));
  if (dateOnly) return date;
  if (t.getUTCMilliseconds()) return `${date} ${iso.slice(-13, -1)}`;
  return `${date} ${t.getUTCSeconds() ? iso.slice(-13, -5) : iso.slice(-13, -8)}`;
}

/** True when all the times are midnights, so that dates alone say it all. */
export const allMidnights = (times) => times.every((t) => new Date(t).getTime() % 86400000 === 0);

export function duration(seconds) {
  if (missing(seconds)) return "";
  const s = Math.max(0, Math.round(seconds));
  if (s < 1) return "under 1 s";
  if (s < 90) return `${s} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 172800) return `${Math.round(s / 360) / 10} h`;
  return `${Math.round(s / 86400)} days`;
}

export function ago(value) {
  return `${duration((Date.now() - new Date(value).getTime()) / 1000)} ago`;
}

const steps = { ms: "millisecond", s: "second", m: "minute", h: "hour", d: "day", w: "week", mo: "month", y: "year" };
/** "1mo" as "1 month". */
export function step(text) {
  const parts = /^(\d+)(ms|s|m|h|d|w|mo|y)$/.exec(text ?? "");
  return parts ? `${parts[1]} ${steps[parts[2]]}${parts[1] === "1" ? "" : "s"}` : "not known yet";
}
