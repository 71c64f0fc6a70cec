"""The dashboard in headless Chromium against the real daemon. Every test ends with a look at the console: there must be nothing on it."""
import base64
import hashlib
import pathlib
import re
import subprocess
import time
from urllib.parse import quote

import pytest
import requests
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from conftest import AIR_POINTS, HORIZON, scheme, wait_for, window

DYGRAPHS = pathlib.Path("/usr/share/javascript/dygraphs/dygraph.min.js")
ODD_IDS = [
    "<script>window.owned = 1</script>",
    "\"><img src=x onerror='window.owned = 1'>",
    "a/b c?d=e#f%2F+&g",
    "quotes \"'`\\",
    "smile 🙂 é ü 漢",
    "{id=~\".*\"}",
    "  two  spaces  ",
    "{{constructor.constructor('window.owned = 1')()}}",
    "javascript:window.owned=1",
    "__proto__",
]

# Counts the chart's pixels: what was observed, and to its right, by how opaque they are, those in the colour of the forecast. Each of the bands
# is one flat colour, so it stands out as a peak, while the edges of lines are spread thin. Colours are those of the style sheet.
PIXELS = """
const style = getComputedStyle(document.documentElement);
const rgb = (name) => {
  const hex = style.getPropertyValue(name).trim().slice(1);
  return [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16));
};
const [observed, forecast, mark] = ["--observed", "--forecast", "--mark"].map(rgb);
const { width, height } = document.querySelector("#chart canvas");
const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
copy.drawImage(document.querySelector("#chart canvas"), 0, 0);
const p = copy.getImageData(0, 0, width, height).data;
const near = (i, c) => Math.abs(p[i] - c[0]) + Math.abs(p[i + 1] - c[1]) + Math.abs(p[i + 2] - c[2]) < 24;
const out = { painted: 0, observed: 0, last: -1, before: Array(256).fill(0), after: Array(256).fill(0), marks: Array(width).fill(0), height };
const each = (visit) => { for (let x = 0; x < width; x++) for (let y = 0; y < height; y++) visit(x, 4 * (y * width + x)); };
each((x, i) => {
  if (p[i + 3]) out.painted++;
  if (p[i + 3] > 200 && near(i, observed)) { out.observed++; out.last = Math.max(out.last, x); }
});
each((x, i) => {
  if (p[i + 3] > 200 && near(i, mark)) out.marks[x]++;
  if (near(i, forecast)) (x > out.last ? out.after : x < out.last - 4 ? out.before : [])[p[i + 3]]++;
});
return out;
"""


def chart_pixels(browser):
    """What PIXELS counts, once the chart is painted."""
    return wait_for("painted chart", lambda: next((p for p in [browser.execute_script(PIXELS)] if p["observed"] > 300), None))


def assert_two_bands(pixels):
    """Two flat areas after the last observation, the inner one clearly darker; none before it. The faint ground of the future is below 20."""
    peaks = [alpha for alpha in range(20, 200) if pixels["after"][alpha] > 500]
    assert len(peaks) == 2 and peaks[1] > 1.5 * peaks[0], {a: n for a, n in enumerate(pixels["after"]) if n > 50}
    assert max(pixels["before"][20:200]) < 50
    assert sum(pixels["after"][220:]) > 30, "the line of the median"


def hash_of(series):
    return "#/series/" + quote(series, safe="")


def text_of(browser, css):
    return browser.execute_script("return document.querySelector(arguments[0])?.textContent ?? null", css)


def open_series(browser, daemon, series):
    browser.get("about:blank")
    browser.get(f"{daemon.url}/{hash_of(series)}")
    wait_for("series on the page", lambda: text_of(browser, "#series-id") == series and shown(browser, "#series"))


def shown(browser, css):
    return browser.find_element(By.CSS_SELECTOR, css).is_displayed()


def rows(browser, table):
    return browser.execute_script("return [...document.querySelectorAll(`${arguments[0]} tbody tr`)]"
                                  ".map((r) => [...r.cells].map((c) => c.textContent))", table)


def assert_clean_console(browser):
    assert browser.get_log("browser") == []


def daily(n, start="2026-01-01"):
    return {"start": start, "step": "1d", "values": [round(100 + 10 * (i % 7) + 0.1 * i, 3) for i in range(n)]}


# ---- the page itself ----

def test_policy_names_the_one_style_that_dygraphs_sets_by_string(daemon):
    styles = set(re.findall(r'setAttribute\("style",\s*"([^"]*)"\)', DYGRAPHS.read_text()))
    assert len(styles) == 1, f"this dygraphs sets other styles by string: {styles}"
    digest = base64.b64encode(hashlib.sha256(styles.pop().encode()).digest()).decode()
    for path in ("/", "/assets/dashboard.js"):
        policy = requests.get(daemon.url + path, timeout=30).headers["Content-Security-Policy"]
        rules = dict((rule.strip().split(" ", 1) + [""])[:2] for rule in policy.split(";"))
        assert rules["default-src"] == "'self'"
        assert rules["style-src"] == f"'self' 'unsafe-hashes' 'sha256-{digest}'"
        assert (rules["frame-ancestors"], rules["base-uri"], rules["form-action"]) == ("'none'", "'none'", "'self'")
        assert "script-src" not in rules and "'unsafe-inline'" not in policy and "'unsafe-eval'" not in policy


@pytest.mark.parametrize("name,media_type", [("dashboard.js", "text/javascript"), ("dashboard.css", "text/css"), ("icon.svg", "image/svg+xml"),
                                             ("dygraph.min.js", "text/javascript"), ("index.html", "text/html")])
def test_files_have_type_tag_and_coding(daemon, name, media_type):
    url = f"{daemon.url}/assets/{name}"
    plain = requests.get(url, headers={"Accept-Encoding": "identity"}, timeout=30)
    packed = requests.get(url, headers={"Accept-Encoding": "gzip"}, timeout=30)
    assert plain.headers["Content-Type"].split(";")[0] == media_type
    assert plain.content == packed.content and len(plain.content) > 100
    assert packed.headers.get("Content-Encoding") == "gzip" or len(plain.content) < 2000
    assert re.fullmatch(r'"[^"]+"', plain.headers["ETag"])
    if "Content-Encoding" in packed.headers:
        assert packed.headers["ETag"] != plain.headers["ETag"]
    again = requests.get(url, headers={"Accept-Encoding": "identity", "If-None-Match": plain.headers["ETag"]}, timeout=30)
    assert again.status_code == 304 and not again.content


def test_unknown_file_is_a_problem(daemon):
    response = requests.get(f"{daemon.url}/assets/no-such.js", timeout=30)
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "no-such.js" in response.json()["detail"]


# ---- one series ----

def test_chart_has_history_forecast_and_both_bands(browser, daemon):
    open_series(browser, daemon, "air")
    assert_two_bands(chart_pixels(browser))
    label = browser.find_element(By.ID, "chart").get_attribute("aria-label")
    assert f"Forecast of {HORIZON} steps" in label and "1960-12-01" in label
    assert_clean_console(browser)


def test_mark_stands_between_history_and_forecast(browser, daemon):
    open_series(browser, daemon, "air")
    pixels = chart_pixels(browser)
    columns = [x for x, n in enumerate(pixels["marks"]) if n > pixels["height"] / 4]
    assert len(columns) == 1 and 0 < columns[0] - pixels["last"] < 20, (columns, pixels["last"])


def test_forecast_table_is_the_forecast(browser, daemon):
    answer = daemon.ask("GET", "/v1/series/air/forecast?levels=80,95")
    open_series(browser, daemon, "air")
    shown_rows = rows(browser, "#forecast-table")
    assert len(shown_rows) == HORIZON
    assert shown_rows[0][0] == "1961-01-01" and shown_rows[-1][0] == "1961-12-01"
    for row, step in zip(shown_rows, answer["forecast"]):
        assert abs(float(row[1].replace(",", "")) - step["median"]) <= 0.051
        low, high = (float(x.replace(",", "")) for x in row[3].split(" – "))
        assert abs(low - step["lower_95"]) <= 0.051 and abs(high - step["upper_95"]) <= 0.051
    assert text_of(browser, "#why") == answer["why"]
    assert "air-model" in text_of(browser, "#answered") and answer["method"] in text_of(browser, "#answered")
    assert rows(browser, "#newest-table")[0] == ["1960-12-01", "432"]
    assert_clean_console(browser)


def test_quality_stands_beside_the_seasonal_naive(browser, daemon):
    open_series(browser, daemon, "air")
    wait_for("metrics", lambda: rows(browser, "#quality-table"))
    metrics = {row[0]: row[1:] for row in rows(browser, "#quality-table")}
    assert {"MAE", "MASE", "Coverage of 80 %", "Coverage of 95 %"} <= metrics.keys()
    assert all(re.search(r"\d", metrics["MAE"][i]) for i in range(3))
    assert_clean_console(browser)


def test_series_without_model_says_so(browser, daemon):
    daemon.post_points("untrained", daily(60))
    open_series(browser, daemon, "untrained")
    wait_for("warning", lambda: "No model" in text_of(browser, "#warnings"))
    assert rows(browser, "#forecast-table") and not shown(browser, "#quality-table")
    assert_clean_console(browser)


@pytest.mark.parametrize("series,body", [("one point", {"points": [["2026-01-01", 1.5]]}),
                                         ("all missing", {"start": "2026-01-01", "step": "1d", "values": [None, None, None]}),
                                         ("constant", {"start": "2026-01-01", "step": "1d", "values": [7] * 30}),
                                         ("tiny", {"start": "2026-01-01", "step": "1d", "values": [1e-9 * (i % 5) for i in range(30)]}),
                                         ("huge", {"start": "2026-01-01", "step": "1h", "values": [1e15 + 1e12 * (i % 5) for i in range(30)]})])
def test_strange_series_are_shown(browser, daemon, series, body):
    daemon.post_points(series, body)
    open_series(browser, daemon, series)
    assert rows(browser, "#newest-table")
    assert text_of(browser, "#why")
    assert "NaN" not in text_of(browser, "#series") and "undefined" not in text_of(browser, "#series")
    assert_clean_console(browser)


def test_legend_tells_the_values_under_the_pointer(browser, daemon):
    open_series(browser, daemon, "air")
    legend = lambda: text_of(browser, "#chart-legend")
    wait_for("legend", lambda: "Observed" in legend() and "95 %" in legend())
    chart = browser.find_element(By.ID, "chart")
    half = chart.size["width"] // 2
    ActionChains(browser).move_to_element_with_offset(chart, 0, 0).perform()
    wait_for("observed value", lambda: re.match(r"19\d\d-\d\d-01 UTCObserved \d+$", legend()))
    ActionChains(browser).move_to_element_with_offset(chart, half - 30, 0).perform()
    wait_for("forecast value", lambda: re.match(r"1961-\d\d-01 UTCForecast [\d.]+80 % [\d.]+ to [\d.]+95 % [\d.]+ to [\d.]+$", legend()))
    assert_clean_console(browser)


def test_history_can_be_chosen(browser, daemon):
    open_series(browser, daemon, "air")
    Select(browser.find_element(By.ID, "history")).select_by_value("1000")
    wait_for("all the history", lambda: f"chart of {AIR_POINTS} points" in browser.find_element(By.ID, "chart").get_attribute("aria-label"))
    assert_clean_console(browser)


def test_hash_keeps_the_series_over_a_reload(browser, daemon):
    open_series(browser, daemon, "air")
    browser.refresh()
    wait_for("series after reload", lambda: text_of(browser, "#series-id") == "air")
    assert browser.title == "air · forecastd"
    assert_clean_console(browser)


def test_unknown_series_is_said(browser, daemon):
    browser.get(f"{daemon.url}/{hash_of('no such thing')}")
    wait_for("message", lambda: "no such series" in text_of(browser, "#problem-title"))
    assert not shown(browser, "#series")


# ---- ids from anywhere ----

def test_odd_ids_are_text_and_nothing_else(browser, new_daemon):
    for series in ODD_IDS:
        new_daemon.post_points(series, daily(20))
        path = f"/v1/series/{quote(series, safe='')}"
        new_daemon.ask("PUT", path, json={"unit": "<b>unit</b>", "labels": {"k": "<img src=x onerror=\"window.owned=1\">"}})
    browser.get(new_daemon.url)
    listed = "return [...document.querySelectorAll('#series-list .id')].map((e) => e.textContent)"
    wait_for("list", lambda: len(browser.execute_script(listed)) == len(ODD_IDS))
    assert sorted(browser.execute_script(listed)) == sorted(ODD_IDS)
    for series in ODD_IDS:
        open_series(browser, new_daemon, series)
        wait_for("forecast", lambda: rows(browser, "#forecast-table"))
        assert browser.title == re.sub(r"\s+", " ", f"{series} · forecastd").strip()
        assert browser.execute_script("return window.owned === undefined")
        assert not browser.find_elements(By.CSS_SELECTOR, "#series-facts b, #series-labels img, #series-title script, #series-list img")
    assert_clean_console(browser)


def test_links_lead_to_the_series_by_keyboard(browser, new_daemon):
    for series in ("a/b", "c d"):
        new_daemon.post_points(series, daily(20))
    open_series(browser, new_daemon, "a/b")
    wait_for("two links", lambda: len(browser.find_elements(By.CSS_SELECTOR, "#series-list a")) == 2)
    browser.find_elements(By.CSS_SELECTOR, "#series-list a")[1].send_keys(Keys.ENTER)
    wait_for("other series", lambda: text_of(browser, "#series-id") == "c d")
    assert browser.execute_script("return document.querySelector('[aria-current=page] .id').textContent") == "c d"
    assert_clean_console(browser)


# ---- lists ----

def test_filter_and_pages(browser, new_daemon):
    ids = [f"M4-{i:03d}" for i in range(60)] + ["other (x)", "OTHER.y"]
    new_daemon.ask("POST", "/v1/points", json={"series": [{"id": i, **daily(3)} for i in ids]})
    browser.get(new_daemon.url)
    listed = lambda: browser.execute_script("return [...document.querySelectorAll('#series-list .id')].map((e) => e.textContent)")
    wait_for("first page", lambda: len(listed()) == 50)
    first = listed()
    browser.find_element(By.ID, "page-next").click()
    wait_for("second page", lambda: len(listed()) == 12)
    assert sorted(first + listed()) == sorted(ids)
    browser.find_element(By.ID, "page-back").click()
    wait_for("first page again", lambda: listed() == first)
    box = browser.find_element(By.ID, "filter")
    for text, expected in (("m4-05", [f"M4-{i:03d}" for i in range(50, 60)]), ("other", ["OTHER.y", "other (x)"]),
                           ("r (X)", ["other (x)"]), (".y", ["OTHER.y"]), ("\"'", [])):
        box.send_keys(Keys.CONTROL, "a")
        box.send_keys(text)
        wait_for(f"ids with {text}", lambda: sorted(listed()) == sorted(expected))
    assert "No id" in text_of(browser, "#series-note")
    assert_clean_console(browser)


def test_jobs_show_the_training(browser, daemon):
    open_series(browser, daemon, "air")
    wait_for("job", lambda: browser.find_elements(By.CSS_SELECTOR, "#jobs .job"))
    jobs = browser.execute_script("return [...document.querySelectorAll('#jobs .job')]"
                                  ".map((e) => [e.querySelector('.job-name').textContent, e.querySelector('.badge').textContent])")
    assert ["air-model", "succeeded"] in jobs
    assert not shown(browser, "#jobs .job progress") and not shown(browser, "#jobs .job .cancel")
    assert_clean_console(browser)


def test_button_trains_and_the_forecast_follows(browser, new_daemon):
    new_daemon.post_points("a/b", daily(120))
    open_series(browser, new_daemon, "a/b")
    horizon = browser.find_element(By.ID, "train-horizon")
    wait_for("horizon filled in", lambda: horizon.get_attribute("value"))
    horizon.clear()
    horizon.send_keys("6")
    browser.find_element(By.ID, "train-name").send_keys("by-button")
    browser.find_element(By.ID, "train-button").click()
    wait_for("answer", lambda: "Training started" in text_of(browser, "#train-status"))
    wait_for("end of the job", lambda: text_of(browser, "#jobs .badge") == "succeeded", 240)
    wait_for("forecast of the model", lambda: "by-button" in text_of(browser, "#answered"))
    assert len(rows(browser, "#forecast-table")) == 6
    assert "by-button: succeeded" in text_of(browser, "#announce")
    assert_clean_console(browser)


def test_cancel_button_cancels(browser, new_daemon):
    new_daemon.ask("POST", "/v1/points", json={"series": [{"id": f"s{i}", "start": "2020-01-01", "step": "1h",
                   "values": [(j * 7919 % 97) + (j % 24) for j in range(4000)]} for i in range(10)]})
    open_series(browser, new_daemon, "s0")
    new_daemon.ask("POST", "/v1/models", 202, json={"series": "*", "horizon": 48, "training": {"time_limit": "300s"}})
    buttons = lambda: browser.find_elements(By.CSS_SELECTOR, "#jobs .cancel")
    button = wait_for("cancel button", lambda: next((b for b in buttons() if b.is_displayed()), None), 15)
    assert shown(browser, "#jobs progress") and text_of(browser, "#jobs .badge") in ("queued", "running")
    assert button.accessible_name.startswith("Cancel job ")
    button.click()
    wait_for("cancelled job", lambda: text_of(browser, "#jobs .badge") == "cancelled", 15)
    assert not button.is_displayed()
    assert_clean_console(browser)


# ---- polling ----

def test_new_point_appears_without_a_reload(browser, daemon):
    daemon.post_points("poll", daily(40))
    open_series(browser, daemon, "poll")
    wait_for("newest value", lambda: rows(browser, "#newest-table")[0][0] == "2026-02-09")
    browser.execute_script("window.stays = true")
    daemon.post_points("poll", {"points": [["2026-02-10", 555.5]]})
    wait_for("new point", lambda: rows(browser, "#newest-table")[0] == ["2026-02-10", "555.5"], 15)
    assert "to 2026-02-10 UTC" in browser.find_element(By.ID, "chart").get_attribute("aria-label")
    assert rows(browser, "#forecast-table")[0][0] == "2026-02-11"
    assert browser.execute_script("return window.stays")
    assert_clean_console(browser)


def test_unchanged_answers_are_304_and_redraw_nothing(browser, daemon):
    open_series(browser, daemon, "air")
    wait_for("table", lambda: rows(browser, "#forecast-table"))
    browser.execute_script("window.kept = ['#forecast-table tbody', '#newest-table tbody', '#chart canvas'].map((s) => document.querySelector(s));"
                           "performance.clearResourceTimings()")
    statuses = lambda: browser.execute_script("return performance.getEntriesByType('resource')"
                                              ".map((e) => [new URL(e.name).pathname, e.responseStatus])")
    wait_for("two more rounds", lambda: sum(path == "/v1/series/air/forecast" for path, _ in statuses()) >= 2, 30)
    assert {status for path, status in statuses() if path.startswith("/v1/")} == {304}
    assert browser.execute_script("return window.kept.every((e) => e.isConnected)")
    assert_clean_console(browser)


def test_lost_connection_is_said_and_mended(browser, new_daemon):
    new_daemon.post_points("a", daily(30))
    open_series(browser, new_daemon, "a")
    wait_for("connection", lambda: "Up to date" in text_of(browser, "#connection-text"))
    port = new_daemon.port
    new_daemon.stop()
    wait_for("message", lambda: "Connection lost" in text_of(browser, "#connection-text"), 20)
    assert shown(browser, "#retry") and shown(browser, "#series") and rows(browser, "#newest-table")
    new_daemon.start(port)
    browser.find_element(By.ID, "retry").click()
    wait_for("connection again", lambda: "Up to date" in text_of(browser, "#connection-text"), 20)
    assert not shown(browser, "#retry")


# ---- looks ----

def test_empty_state_gives_a_command_that_works(browser, new_daemon):
    browser.get(new_daemon.url)
    wait_for("empty state", lambda: shown(browser, "#empty"))
    assert f"{new_daemon.url}/v1/series/air/points" in text_of(browser, "#curl-file")
    assert not shown(browser, "#series")
    done = subprocess.run(["sh", "-c", text_of(browser, "#curl-json") + " -sS --fail"], capture_output=True, timeout=60, text=True)
    assert done.returncode == 0, done.stderr
    wait_for("first series", lambda: text_of(browser, "#series-id") == "air" and shown(browser, "#series"), 15)
    assert not shown(browser, "#empty")
    assert_clean_console(browser)


CONTRAST = """
const style = getComputedStyle(document.documentElement);
const light = (name) => {
  const hex = style.getPropertyValue(name).trim().slice(1), full = hex.length === 3 ? [...hex].map((c) => c + c).join("") : hex;
  const [r, g, b] = [0, 2, 4].map((i) => parseInt(full.slice(i, i + 2), 16) / 255)
    .map((v) => (v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4));
  return .2126 * r + .7152 * g + .0722 * b;
};
const ratio = (a, b) => (Math.max(light(a), light(b)) + .05) / (Math.min(light(a), light(b)) + .05);
return ["--text", "--muted", "--accent", "--good", "--bad"].flatMap((f) => ["--card", "--ground"].map((b) => [f, b, ratio(f, b)]))
  .concat([["--accent-text", "--accent", ratio("--accent-text", "--accent")], ["--muted", "--chosen", ratio("--muted", "--chosen")]]);
"""


@pytest.mark.parametrize("name", ["light", "dark"])
def test_both_schemes_are_readable(browser, daemon, name, tmp_path):
    scheme(browser, name)
    open_series(browser, daemon, "air")
    assert_two_bands(chart_pixels(browser))
    for front, back, ratio in browser.execute_script(CONTRAST):
        assert ratio >= 4.5, f"{front} on {back}: {ratio:.2f} in {name}"
    ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 150) == (name == "dark")
    picture = tmp_path / f"{name}.png"
    assert browser.save_screenshot(str(picture)) and picture.stat().st_size > 20000
    assert_clean_console(browser)


def test_chart_follows_a_change_of_scheme(browser, daemon):
    open_series(browser, daemon, "air")
    chart_pixels(browser)
    scheme(browser, "dark")
    assert_two_bands(chart_pixels(browser))
    assert_clean_console(browser)


@pytest.mark.parametrize("width", [320, 768, 1600])
def test_page_fits_the_window(browser, daemon, width):
    window(browser, width, 800)
    open_series(browser, daemon, "air")
    wait_for("table", lambda: rows(browser, "#forecast-table"))
    assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    assert browser.execute_script("return document.querySelector('#chart canvas').getBoundingClientRect().right <= window.innerWidth")
    assert_clean_console(browser)


def test_controls_and_tables_have_names(browser, daemon):
    open_series(browser, daemon, "air")
    wait_for("tables", lambda: rows(browser, "#quality-table") and rows(browser, "#forecast-table"))
    for control in browser.find_elements(By.CSS_SELECTOR, "button, input, select, a, progress, [role=img]"):
        if control.is_displayed():
            assert control.accessible_name.strip(), control.get_attribute("outerHTML")
    for name in ("forecast", "quality", "newest"):
        table = f"#{name}-table"
        assert text_of(browser, f"{table} caption")
        heads = browser.find_elements(By.CSS_SELECTOR, f"{table} th")
        assert heads and all(e.get_attribute("scope") in ("row", "col") for e in heads)
    assert {"status"} == {browser.find_element(By.ID, i).get_attribute("role") for i in ("connection", "train-status", "announce")}


def test_nothing_is_asked_of_other_hosts(browser, daemon):
    open_series(browser, daemon, "air")
    time.sleep(1)
    hosts = browser.execute_script("return [...new Set(performance.getEntriesByType('resource').map((e) => new URL(e.name).origin))]")
    assert hosts == [daemon.url]
