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
    for (const type of ["pointerenter", "focusin"]) {
      chart.figure.addEventListener(type, () => need(chart), { once: true });
    }
  }
}

/** A picture for a talk: on the page's own ground, with title, legend and source. */
async function saveImage(chart, format) {
  let Plotly;
  try {
    Plotly = await loadPlotly();
    await loadDays(chart.data);
  } catch {
    disableControls(); // There is no picture to save; the numbers are in CSV and table.
    return;
  }
  const colours = look();
  const { data, layout } = figureOf(chart.data, colours);
  const sources = [...new Set(chart.data.series.map((series) => series.source))].join(", ");
  const through = chart.data.through ? `Data through ${shortDay.format(timeOf(chart.data.through))} (UTC). ` : "";
  const lacks = viewOf(chart.data).some((series) => series.points.some((point) => point.value !== null && !point.whole));
  const missing = lacks ? "Hatched or open: days missing. " : "";
  const note = `${through}${missing}Source: ${sources}. ${addressOf()}`.trim();
  const figure = {
    data,
    layout: {
      ...layout,
      title: {
        text: literal(marked(chart.data.title)),
        subtitle: { text: literal(subtitleOf(chart.data)), font: { size: 14, color: colours.muted } },
        x: 0.02,
        font: { size: 20 },
      },
      annotations: [
        { text: literal(note), showarrow: false, xref: "paper", yref: "paper", x: 0, y: -0.14, font: { size: 12 } },
      ],
      margin: { l: 64, r: 24, t: 112, b: 84 },
      paper_bgcolor: colours.panel,
      showlegend: true,
      legend: { orientation: "h", y: 1.08 },
    },
  };
  const url = await Plotly.toImage(figure, { format, width: 1200, height: 675, scale: format === "png" ? 2 : 1 });
  save(url, `${fileName(chart.data)}.${format}`);
}

/** The first and the last day of what a view shows; null if it shows nothing. */
function spanOf(chart) {
  const points = viewOf(chart).flatMap((series) => series.points.filter((point) => point.value !== null));
  if (points.length === 0) return null;
  const last = Math.min(Math.max(...points.map((point) => point.end)), timeOf(chart.through ?? chart.asOf));
  return [Math.min(...points.map((point) => point.start)), last];
}

/** The name of a file with the view, by its key and its days. */
function fileName(chart) {
  const span = spanOf(chart);
  return [chart.key, ...(span ?? []).map(isoDay)].join("-");
}

/** What a picture shows beyond its title: grain and days, as words. */
function subtitleOf(chart) {
  const grain = { day: "By day", week: "By week", month: "By month" }[grainOf(chart)];
  const span = spanOf(chart);
  return span ? `${grain}, ${shortDay.format(span[0])} to ${shortDay.format(span[1])}` : grain;
}

/** Where the page is: its published address, or the one it was opened from. */
function addressOf() {
  const canonical = document.querySelector("link[rel=canonical]")?.href;
  return canonical ?? (location.protocol === "file:" ? "" : `${location.origin}${location.pathname}`);
}

/** The title after the notice of the site, such as "Sample data", if it has one. */
function marked(title) {
  const { notice } = document.documentElement.dataset;
  return notice ? `${notice} · ${title}` : title;
}

function save(url, name) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}
