// Drawing with Plotly. It is asked for when a chart comes into view or is used, never before; until
// then, and without it, the still picture of the chart is what there is.

const { plotly: PLOTLY, days: DAYS_FOLDER } = document.currentScript.dataset;
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

/** Without Plotly these controls would change the address and nothing else. */
function disableControls() {
  for (const note of document.querySelectorAll(".unavailable")) note.hidden = false;
  const useless = ".controls fieldset, .lens fieldset, [data-do=reset], .legend button, [data-save=png], [data-save=svg]";
  for (const control of document.querySelectorAll(useless)) control.disabled = true;
}

// -- values by day ------------------------------------------------------------------------------------

/** The values by day that have come, by the name of their file; and the requests for them. */
const daysByName = new Map();
const dayRequests = new Map();

window.cmetricsDays = (name, days) => daysByName.set(name, days);

/** Loads what a view by day needs. Charts may share series; each file is asked for once. */
async function loadDays(chart) {
  if (grainOf(chart) !== "day") return;
  const wanted = chart.series.filter((series) => series.days && !series.day);
  await Promise.all(
    wanted.map(async (series) => {
      if (!dayRequests.has(series.days)) {
        dayRequests.set(series.days, loadScript(`${DAYS_FOLDER}${encodeURIComponent(series.days)}.js`));
      }
      await dayRequests.get(series.days);
      series.day = daysByName.get(series.days);
    }),
  );
}

// -- charts -------------------------------------------------------------------------------------------

/** Finds the charts of the page. `needed`: it has been in view. `stale`: it does not show the chosen view. */
function findCharts() {
  for (const figure of document.querySelectorAll("figure.chart")) {
    const source = figure.querySelector("script.series");
    if (!source) continue;
    const data = JSON.parse(source.textContent);
    const isEmpty = !figure.querySelector(".plot");
    charts.push({ figure, data, isEmpty, needed: false, visible: false, stale: false });
  }
}

function need(chart) {
  if (chart.needed || chart.isEmpty) return;
  chart.needed = true;
  draw(chart);
}

function setStale(chart, stale) {
  chart.stale = stale;
  chart.figure.toggleAttribute("data-stale", stale);
}

async function draw(chart) {
  setStale(chart, true);
  let Plotly;
  try {
    Plotly = await loadPlotly();
  } catch {
    disableControls(); // The still picture stays.
    setStale(chart, false);
    return;
  }
  let missing = false;
  await loadDays(chart.data).catch(() => {
    missing = true;
  });
  const { data, layout } = figureOf(chart.data, look());
  showMessage(chart, missing ? "Daily values could not be loaded" : messageOf(chart.data, layout));
  chart.figure.classList.add("live");
  setStale(chart, false);
  await Plotly.react(chart.figure.querySelector(".plot"), data, layout, { responsive: true, displayModeBar: false });
  placeCursor(chart);
}

/** What a chart without anything to draw says instead. */
function messageOf(chart, layout) {
  if (layout.xaxis.visible) return "";
  return offered(chart).every((series) => state.hide.has(series.key)) ? "All series hidden" : "No data in this range";
}

function showMessage(chart, text) {
  const message = chart.figure.querySelector(".message");
  message.querySelector("span").textContent = text;
  message.querySelector("button").hidden = text !== "All series hidden";
  message.hidden = text === "";
}

/** Draws again: what is in view at once, the rest when there is nothing else to do. */
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

function watchCharts() {
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const chart = charts.find((one) => one.figure === entry.target);
      chart.visible = entry.isIntersecting;
      if (!chart.visible) continue;
      if (chart.stale) draw(chart);
      // The first chart is in view from the start; its picture is enough until it is used, or shows another view.
      else if (chart.figure.dataset.waits === undefined || !isUsual()) need(chart);
    }
  });
  for (const chart of charts) {
    seen.observe(chart.figure);
    // The still picture can be read with the cursor; Plotly comes for what is beside it.
    for (const part of chart.figure.querySelectorAll(".lens, .buttons")) {
      for (const type of ["pointerenter", "focusin"]) part.addEventListener(type, () => need(chart), { once: true });
    }
  }
}
