// api.js: talks to the daemon. Every GET is conditional: the last answer is kept by path with its ETag, and a 304 gives it again.

/** The daemon answered, but not with what was asked for. */
export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `The daemon answered ${status}.`);
    this.status = status;
    this.code = problem.code || "";
  }
}

/** No answer at all, or the daemon says that it cannot serve now. */
export class Unreachable extends Error {}

const kept = new Map(); // path → {etag, data}; oldest first
const KEPT = 40;
const TIME_LIMIT = 20000; // milliseconds

async function request(method, path, { headers = {}, body, signal } = {}) {
  const limit = AbortSignal.timeout(TIME_LIMIT);
  let response, answer;
  try {
    response = await fetch(path, { method, headers, body, signal: signal ? AbortSignal.any([signal, limit]) : limit });
    answer = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Unreachable("Connection lost");
  }
  if (response.status === 503) throw new Unreachable("The daemon is not ready");
  return { response, answer };
}

function parsed(answer) {
  try {
    return JSON.parse(answer);
  } catch {
    return {};
  }
}

/** The answer's document: the very same object as last time when nothing changed, so that callers compare by identity. */
export async function get(path, signal) {
  const last = kept.get(path);
  const headers = { Accept: "application/json" };
  if (last?.etag) headers["If-None-Match"] = last.etag;
  const { response, answer } = await request("GET", path, { headers, signal });
  if (response.status === 304 && last) return last.data;
  kept.delete(path);
  if (!response.ok) throw new ApiError(response.status, parsed(answer));
  const data = parsed(answer);
  kept.set(path, { etag: response.headers.get("ETag"), data });
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  return data;
}

export async function send(method, path, value) {
  const options = value === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) };
  const { response, answer } = await request(method, path, options);
  if (!response.ok) throw new ApiError(response.status, parsed(answer));
  return parsed(answer);
}

export const seriesPath = (id) => `/v1/series/${encodeURIComponent(id)}`;

/** A selector for ids that contain the text, whatever its case: each letter stands as a class of both cases. */
export function containing(fragment) {
  const pattern = [...fragment].map((c) => {
    const lower = c.toLowerCase(), upper = c.toUpperCase();
    if (lower !== upper && lower.length === 1 && upper.length === 1) return `[${lower}${upper}]`;
    return /[\\^$.*+?()[\]{}|]/.test(c) ? `\\${c}` : c;
  }).join("");
  return `{id=~"${`.*${pattern}.*`.replace(/[\\"]/g, "\\$&")}"}`;
}
