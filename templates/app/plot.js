// Drawing with Plotly. It is loaded only when a chart comes into view or is used. Until then, and if it cannot be
// loaded, the static picture is shown.

const { plotly: PLOTLY, days: DAYS_FOLDER, pictures: PICTURES } = document.currentScript.dataset;
const charts = [];
let plotly = null;

function loadScript(src) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = src;
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => reject(new Error(`${src} could not be loaded`)));
    document.head.append(script);
  });
}

function loadPlotly() {
  plotly ??= loadScript(PLOTLY).then(() => {
    if (!window.Plotly) throw new Error("plotly.js could not be loaded");
    return window.Plotly;
  });
  return plotly;
}

/** Without Plotly, these controls would only change the address. */
function disableControls() {
  for (const note of document.querySelectorAll(".unavailable")) note.hidden = false;
  const useless = ".controls fieldset, .legend button, [data-do=reset]";
  for (const control of document.querySelectorAll(useless)) control.disabled = true;
}

// -- values by day ------------------------------------------------------------------------------------

/** Loaded values by day, by the name of their file, and pending requests for them. */
const daysByName = new Map();
const dayRequests = new Map();

window.cmetricsDays = (name, days) => daysByName.set(name, days);

/** Loads a file with values by day once. If that fails, the next view tries again. */
async function loadDayFile(name) {
  if (!dayRequests.has(name)) dayRequests.set(name, loadScript(`${DAYS_FOLDER}${encodeURIComponent(name)}.js`));
  try {
    await dayRequests.get(name);
  } catch (error) {
    dayRequests.delete(name);
    throw error;
  }
  return daysByName.get(name);
}

/** Whether the selected view needs values that are not loaded yet. Weekly values are in the files of the days. */
function awaitsDays(data) {
  return grainOf(data) !== "month" && data.series.some((series) => series.days && !series.day);
}

/** Loads the values for a view by day. Charts may share series; each file is requested once. */
async function loadDays(chart) {
  if (grainOf(chart) === "month") return;
  const wanted = chart.series.filter((series) => series.days && !series.day);
  await Promise.all(
    wanted.map(async (series) => {
      series.day = await loadDayFile(series.days);
      series.week = series.day?.week ?? null;
    }),
  );
}

// -- charts -------------------------------------------------------------------------------------------

/**
 * Finds the charts of the page. `needed`: it shows, or must show, another view than the initial one. `wantsLive`:
 * with Plotly. `stale`: it does not show the selected view yet.
 */
function findCharts() {
  for (const figure of document.querySelectorAll("figure.chart")) {
    const source = figure.querySelector("script.series");
    if (!source) continue;
    const data = JSON.parse(source.textContent);
    const still = figure.querySelector(".still");
    const axes = still && stillAxes(still);
    charts.push({ figure, data, isEmpty: !still, axes, needed: false, wantsLive: false, isLive: false, visible: false, stale: false });
  }
}

function need(chart) {
  if (chart.wantsLive || chart.isEmpty) return;
  chart.needed = chart.wantsLive = true;
  draw(chart);
}

function setStale(chart, stale) {
  chart.stale = stale;
  chart.figure.toggleAttribute("data-stale", stale);
}

async function draw(chart) {
  const isWaiting = awaitsDays(chart.data);
  if (isWaiting) setStale(chart, true);
  const isLoaded = !isWaiting || (await loadDays(chart.data).then(() => true, () => false));
  // The reader may have selected months in the meantime.
  const missing = !isLoaded && grainOf(chart.data) !== "month";
  if (missing && !chart.isLive) {
    showMissing(chart);
    return;
  }
  if (isWaiting) showWords(chart);
  // Immediate if the picture can show it; the live chart replaces it if wanted.
  const isShown = drawStill(chart);
  setStale(chart, !isShown || chart.wantsLive);
  if (isShown && !chart.wantsLive) return;
  let Plotly;
  try {
    Plotly = await loadPlotly();
  } catch {
    disableControls(); // The still picture stays.
    setStale(chart, false);
    return;
  }
  const view = viewOf(chart.data);
  const axes = axesOf(chart.data, view);
  showMessage(chart, missing ? DAYS_MISSING : messageOf(chart.data, axes));
  chart.paper ??= frameOf(chart);
  drawFrame(chart, view, axes);
  chart.axes = axes;
  const { data, layout } = figureOf(chart.data, view, axes, look(), marginsOf(chart), roomOf(chart));
  chart.figure.classList.add("live");
  chart.isLive = true;
  setStale(chart, false);
  await Plotly.react(chart.figure.querySelector(".plot"), data, layout, { staticPlot: true });
  // The element with which Plotly measures texts is not a picture.
  document.getElementById("js-plotly-tester")?.setAttribute("aria-hidden", "true");
  if (chart.figure.hasAttribute("data-changed")) fitPlot(chart); // It is being printed.
  placeCursor(chart);
  chart.figure.dispatchEvent(new CustomEvent("drawn", { bubbles: true }));
}

const DAYS_MISSING = "Daily values could not be loaded";

/** Reports that a view cannot be drawn. The initial picture needs no values and stays. */
function showMissing(chart) {
  setStale(chart, false);
  if (isUsual(chart.data) && !chart.paper) return;
  showMessage(chart, DAYS_MISSING);
  chart.paper ??= frameOf(chart);
  drawFrame(chart, [], null);
  drawMarks(chart, [], null);
  chart.axes = null;
  placeCursor(chart);
}

/** The size of a chart and the margins around its plot box. */
function marginsOf(chart) {
  const { width, height } = chart.figure.querySelector(".canvas").getBoundingClientRect();
  const { left, right, top, bottom } = boxOf(chart);
  return { size: { width, height }, margin: { l: left, t: top, r: width - right, b: height - bottom } };
}

/** The message of a chart that has nothing to draw. */
function messageOf(data, axes) {
  if (axes) return "";
  return offered(data).every((series) => state.hide.has(series.key)) ? "All series hidden" : "No data in this range";
}

function showMessage(chart, text) {
  const message = chart.figure.querySelector(".message");
  message.querySelector("span").textContent = text;
  message.querySelector("button").hidden = text !== "All series hidden";
  message.hidden = text === "";
}

/** Redraws charts in view at once, and the others when the browser is idle. */
function redraw() {
  for (const chart of charts) {
    if (chart.needed && chart.visible) draw(chart);
    else if (chart.needed) setStale(chart, true);
    fillTable(chart);
    showWords(chart);
  }
  whenIdle(redrawNext);
}

const whenIdle = window.requestIdleCallback ?? ((task) => setTimeout(task, 100));

function redrawNext() {
  const chart = charts.find((one) => one.needed && one.stale && !one.visible);
  if (!chart) return;
  draw(chart).then(() => whenIdle(redrawNext));
}

/** Charts with another view than the initial one are drawn when they come into view. */
function watchCharts() {
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const chart = charts.find((one) => one.figure === entry.target);
      chart.visible = entry.isIntersecting;
      if (!chart.visible) continue;
      if (chart.stale) draw(chart);
      else if (isIdle) need(chart);
      else if (!isUsual(chart.data) && !chart.isEmpty) {
        chart.needed = true;
        draw(chart);
      }
    }
  });
  // The picture always fits its container; the live chart must be redrawn.
  const resized = new ResizeObserver((entries) => {
    for (const entry of entries) {
      const chart = charts.find((one) => one.figure.contains(entry.target));
      const { width, height } = entry.contentRect;
      if (width === 0) continue; // It is not shown at all.
      const size = `${width} ${height}`;
      if (chart.size && chart.size !== size && chart.needed) {
        setStale(chart, true);
        if (chart.visible) draw(chart);
        else whenIdle(redrawNext);
      }
      chart.size = size;
    }
  });
  for (const chart of charts) {
    for (const type of ["pointerdown", "keydown"]) {
      chart.figure.querySelector(".controls")?.addEventListener(type, () => need(chart), { once: true });
    }
    seen.observe(chart.figure);
    if (!chart.isEmpty) resized.observe(chart.figure.querySelector(".canvas"));
  }
}

/** The time in ms after loading when charts in view become live, on fast connections. */
const IDLE_MS = 4000;
let isIdle = false;

function drawWhenIdle() {
  const { connection } = navigator;
  if (connection && (connection.saveData || connection.effectiveType !== "4g")) return;
  const drawAll = () => {
    isIdle = true;
    for (const chart of charts) if (chart.visible) need(chart);
  };
  const start = () => setTimeout(() => whenIdle(drawAll), IDLE_MS);
  if (document.readyState === "complete") start();
  else addEventListener("load", start, { once: true });
}
