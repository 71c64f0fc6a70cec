// dashboard.js: the page's state and its loop. One refresh asks for everything that is shown, each with its ETag, and redraws what changed.

import { $, text } from "./dom.js";
import { ApiError, Unreachable, containing, get, send, seriesPath } from "./api.js";
import { LEVELS, clearDetail, drawChart, drawFacts, drawForecast, drawNewest, drawQuality, inOrder } from "./detail.js";
import { drawJobs, drawSeriesList, hashOf, isActive } from "./lists.js";

const PAGE = 50, JOBS = 15, MODELS = 100, HISTORY = 300;
const WHILE_RUNNING = 1000, USUAL = 4000, HIDDEN = 60000, FIRST_RETRY = 2000, LONGEST_RETRY = 60000; // milliseconds

const state = {
  chosen: null,      // id of the series that is shown
  drawn: {},         // what stands on the page: id, and the answers it was drawn from
  filter: "",
  cursors: [null],   // of the pages up to the one that is shown
  next: null,        // cursor of the page after it
  jobStates: null,   // by job id, when they were drawn last
  active: false,     // a job waits or runs
  points: null,      // of the chosen series, oldest first
  horizonFor: null,  // the series for which the form's horizon was filled in
};
let running = null;  // AbortController of the refresh under way
let timer = 0, failures = 0;

/* ---- what is shown ---- */

function only(id) {
  for (const other of ["empty", "problem", "series"]) $(other).hidden = other !== id;
}

function showProblem(title, detail) {
  text($("problem-title"), title);
  text($("problem-detail"), detail);
  only("problem");
  clearDetail();
  state.drawn = {};
}

async function refreshList(signal) {
  const query = new URLSearchParams({ limit: PAGE });
  if (state.filter) query.set("match", containing(state.filter));
  const cursor = state.cursors.at(-1);
  if (cursor) query.set("cursor", cursor);
  const data = await get(`/v1/series?${query}`, signal);
  state.next = data.next;
  drawSeriesList(data, { chosen: state.chosen, filter: state.filter, page: state.cursors.length - 1 });
  if (!data.series.length && !state.filter && state.cursors.length === 1 && !state.chosen) only("empty");
  if (state.chosen === null && data.series.length && !state.filter) location.replace(hashOf(data.series[0].id));
}

async function refreshJobs(signal) {
  const [jobs, models] = await Promise.all([get(`/v1/jobs?limit=${JOBS}`, signal), get(`/v1/models?limit=${MODELS}`, signal)]);
  const list = jobs.jobs;
  const names = new Map(models.models.map((m) => [m.id, m.name || m.id]));
  state.active = list.some(isActive);
  state.jobStates = drawJobs(list, names, cancelJob, state.jobStates);
}

/** Why no forecast can be asked for, or "". */
function noForecast(s) {
  if (s.points - s.missing <= 0) return "There is no observation to forecast from yet.";
  if (!s.step) return "The step between the points is not known yet: send a second point, or set a step.";
  return "";
}

/** The newest forecast, or null and the reason. */
async function getForecast(s, signal) {
  const reason = noForecast(s);
  if (reason) return { forecast: null, reason };
  try {
    return { forecast: await get(`${seriesPath(s.id)}/forecast?levels=${LEVELS.join("%2C")}`, signal), reason: "" };
  } catch (error) {
    if (error instanceof ApiError) return { forecast: null, reason: error.message };
    throw error;
  }
}

async function getModel(forecast, signal) {
  if (!forecast?.model) return null;
  try {
    return await get(`/v1/models/${encodeURIComponent(forecast.model)}`, signal);
  } catch (error) {
    if (error instanceof ApiError) return null; // deleted between the two questions
    throw error;
  }
}

/** Draws what differs from what stands on the page. now: {id, history, facts, points, forecast, reason, model}. */
function drawSeries(now) {
  const was = state.drawn.id === now.id ? state.drawn : {};
  const differs = (...names) => names.some((n) => was[n] !== now[n]);
  only("series");
  if (differs("facts")) drawFacts(now.facts);
  if (differs("points")) {
    state.points = inOrder(now.points);
    drawNewest(state.points, now.facts.unit);
  }
  if (differs("points", "forecast", "history")) drawChart(now.facts, state.points, now.forecast, !now.history, differs("id", "history"));
  if (differs("forecast", "reason")) drawForecast(now.forecast, now.reason);
  if (differs("model")) drawQuality(now.model);
  if (state.horizonFor !== now.id) {
    $("train-horizon").value = now.forecast?.forecast.length ?? 12;
    state.horizonFor = now.id;
  }
  state.drawn = now;
}

async function refreshSeries(signal) {
  const id = state.chosen;
  if (id === null) return;
  let facts;
  try {
    facts = await get(seriesPath(id), signal);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showProblem(error.status === 404 ? "There is no such series" : "The series cannot be shown", error.message);
    return;
  }
  const history = $("history").value;
  const [points, answer] = await Promise.all([
    get(`${seriesPath(id)}/points?order=desc&limit=${history || HISTORY}`, signal), getForecast(facts, signal)]);
  const model = await getModel(answer.forecast, signal);
  if (!signal.aborted) drawSeries({ id, history, facts, points, ...answer, model });
}

/* ---- the loop ---- */

function connected(since) {
  failures = 0;
  $("connection").dataset.state = "up";
  $("retry").hidden = true;
  text($("connection-text"), since);
}

function lost(error) {
  failures++;
  const wait = Math.min(LONGEST_RETRY, FIRST_RETRY * 2 ** (failures - 1));
  $("connection").dataset.state = "down";
  $("retry").hidden = false;
  text($("connection-text"), `${error.message}. What you see is the last that arrived; trying again every ${Math.round(wait / 1000)} s.`);
  return wait;
}

async function refresh() {
  clearTimeout(timer);
  running?.abort();
  const mine = running = new AbortController();
  let wait = USUAL;
  try {
    await Promise.all([refreshList(mine.signal), refreshJobs(mine.signal), refreshSeries(mine.signal)]);
    connected("Up to date");
    wait = document.hidden ? HIDDEN : state.active ? WHILE_RUNNING : USUAL;
  } catch (error) {
    if (mine.signal.aborted) return;
    if (!(error instanceof Unreachable || error instanceof ApiError)) throw error;
    wait = lost(error);
  } finally {
    if (running === mine) timer = setTimeout(refresh, wait);
  }
}

/* ---- what the user does ---- */

function chosenByHash() {
  const found = /^#\/series\/(.+)$/.exec(location.hash);
  if (!found) return null;
  try {
    return decodeURIComponent(found[1]);
  } catch {
    return null;
  }
}

function choose() {
  state.chosen = chosenByHash();
  document.title = state.chosen === null ? "forecastd" : `${state.chosen} · forecastd`;
  text($("train-status"), "");
  refresh();
}

async function cancelJob(id) {
  try {
    await send("DELETE", `/v1/jobs/${encodeURIComponent(id)}`);
  } catch (error) {
    text($("announce"), error.message);
  }
  refresh();
}

async function train(event) {
  event.preventDefault();
  const request = { series: [state.chosen], horizon: Number($("train-horizon").value) };
  const name = $("train-name").value.trim();
  if (name) request.name = name;
  $("train-button").disabled = true;
  text($("train-status"), "Sending…");
  try {
    const { job } = await send("POST", "/v1/models", request);
    text($("train-status"), `Training started as job ${job.id}. The forecast changes by itself when it is done.`);
  } catch (error) {
    text($("train-status"), error.message);
  }
  $("train-button").disabled = false;
  refresh();
}

function goToPage(cursors) {
  state.cursors = cursors;
  $("series-list").scrollTop = 0;
  refresh();
}

let filterTimer = 0;
function filterSoon() {
  clearTimeout(filterTimer);
  filterTimer = setTimeout(() => {
    state.filter = $("filter").value.trim();
    goToPage([null]);
  }, 200);
}

async function copy(event) {
  const button = event.currentTarget;
  await navigator.clipboard.writeText($(button.dataset.from).textContent);
  text(button, "Copied");
  setTimeout(() => text(button, "Copy"), 1500);
}

function start() {
  const url = `${location.origin}/v1/series/air/points`;
  text($("curl-file"), `curl -X POST ${url} \\\n  -H 'Content-Type: text/csv' --data-binary @examples/air-passengers.csv`);
  const values = '{"start":"2026-01-01","step":"1d","values":[112,118,132,129]}';
  text($("curl-json"), `curl -X POST ${url} \\\n  -H 'Content-Type: application/json' \\\n  -d '${values}'`);
  $("train").addEventListener("submit", train);
  $("filter").addEventListener("input", filterSoon);
  $("page-next").addEventListener("click", () => goToPage([...state.cursors, state.next]));
  $("page-back").addEventListener("click", () => goToPage(state.cursors.slice(0, -1)));
  $("history").addEventListener("change", refresh);
  $("retry").addEventListener("click", refresh);
  for (const button of document.querySelectorAll(".copy")) button.addEventListener("click", copy);
  addEventListener("hashchange", choose);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  choose();
}
start();
