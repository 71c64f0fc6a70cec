// lists.js: the list of series and the list of jobs.

import { $, keyed, make, text } from "./dom.js";
import { ago, count, duration, number, percent, plural, time } from "./format.js";

export const hashOf = (id) => `#/series/${encodeURIComponent(id)}`;

function makeSeries() {
  return make("li", {}, make("a", {}, make("bdi", { class: "id" }), make("span", { class: "meta" })));
}

function showSeries(e, s, chosen) {
  const link = e.firstChild;
  link.setAttribute("href", hashOf(s.id));
  if (s.id === chosen) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
  text(link.firstChild, s.id);
  const parts = [plural(s.points, "point", "points")];
  if (s.unit) parts.unshift(s.unit);
  if (s.points > 0) parts.push(`to ${time(s.last, new Date(s.last).getTime() % 86400000 === 0)}`);
  text(link.lastChild, parts.join(" · "));
}

export function drawSeriesList({ series, next }, { chosen, filter, page }) {
  keyed($("series-list"), series, (s) => s.id, makeSeries, (e, s) => showSeries(e, s, chosen));
  text($("series-note"), series.length ? "" : filter ? "No id contains this text." : page ? "There is nothing on this page any more." : "None yet.");
  $("series-paging").hidden = page === 0 && !next;
  $("page-back").disabled = page === 0;
  $("page-next").disabled = !next;
  text($("page-number"), `Page ${page + 1}`);
}

/* ---- jobs ---- */

export const isActive = (job) => job.state === "queued" || job.state === "running";

function makeJob(job, cancel) {
  const e = make("li", { class: "job" },
    make("p", { class: "job-head" }, make("bdi", { class: "job-name" }), make("span", { class: "badge" })),
    make("progress", { max: 1, value: 0 }),
    make("p", { class: "meta" }),
    make("p", { class: "job-error" }),
    make("button", { type: "button", class: "quiet cancel" }, "Cancel"));
  e.querySelector("progress").setAttribute("aria-label", `Progress of job ${job.id}`);
  const button = e.querySelector("button");
  button.setAttribute("aria-label", `Cancel job ${job.id}`);
  button.addEventListener("click", () => { button.disabled = true; cancel(job.id).finally(() => { button.disabled = false; }); });
  return e;
}

function jobFacts(job) {
  const facts = [];
  if (isActive(job) && job.progress > 0) facts.push(percent(job.progress));
  if (job.epochs) facts.push(`epoch ${count(job.epoch)} of ${count(job.epochs)}`);
  if (job.loss !== null && job.loss !== undefined) facts.push(`loss ${number(job.loss)}`);
  if (job.validation_loss !== null && job.validation_loss !== undefined) facts.push(`validation ${number(job.validation_loss)}`);
  if (job.state === "running" && Number.isFinite(job.eta_seconds)) facts.push(`about ${duration(job.eta_seconds)} left`);
  if (job.skipped?.length) facts.push(plural(job.skipped.length, "series skipped", "series skipped"));
  if (job.finished_at) {
    const took = (new Date(job.finished_at) - new Date(job.started_at ?? job.created_at)) / 1000;
    facts.push(`took ${duration(took)}`, ago(job.finished_at));
  }
  return facts.join(" · ");
}

function showJob(e, job, names) {
  e.dataset.state = job.state;
  text(e.querySelector(".job-name"), names.get(job.model) || job.model || job.kind);
  text(e.querySelector(".badge"), job.state);
  const bar = e.querySelector("progress");
  bar.hidden = !isActive(job);
  if (bar.value !== job.progress) bar.value = job.progress;
  text(e.querySelector(".meta"), jobFacts(job));
  const error = e.querySelector(".job-error");
  error.hidden = !job.error;
  text(error, job.error ? job.error.detail || job.error.code || "" : "");
  e.querySelector(".cancel").hidden = !isActive(job);
}

/** names: model id → what to call it. before: states by job id when this was drawn last, null the first time. Returns the states now. */
export function drawJobs(jobs, names, cancel, before) {
  keyed($("jobs"), jobs, (j) => j.id, (j) => makeJob(j, cancel), (e, j) => showJob(e, j, names));
  text($("jobs-note"), jobs.length ? "" : "No job has run yet. Training a model starts one.");
  const news = jobs.filter((j) => before && before.get(j.id) !== j.state).map((j) => `Training of ${names.get(j.model) || j.model}: ${j.state}.`);
  if (news.length) text($("announce"), news.join(" "));
  return new Map(jobs.map((j) => [j.id, j.state]));
}
