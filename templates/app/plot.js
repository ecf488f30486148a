// Drawing with Plotly. It is asked for when a chart comes into view or is used, never before; until
// then, and without it, the still picture of the chart is what there is.

const PLOTLY = document.currentScript.dataset.plotly;
const charts = [];
let plotly = null;

function loadPlotly() {
  plotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = PLOTLY;
    const missing = () => reject(new Error("plotly.js could not be loaded"));
    script.addEventListener("load", () => (window.Plotly ? resolve(window.Plotly) : missing()));
    script.addEventListener("error", missing);
    document.head.append(script);
  });
  return plotly;
}

/** Finds the charts of the page; `needed` becomes true once one has been in view. */
function findCharts() {
  for (const figure of document.querySelectorAll("figure.chart")) {
    const source = figure.querySelector("script.series");
    if (source) charts.push({ figure, data: JSON.parse(source.textContent), needed: false });
  }
}

function need(chart) {
  if (chart.needed) return;
  chart.needed = true;
  draw(chart);
}

async function draw(chart) {
  let Plotly;
  try {
    Plotly = await loadPlotly();
  } catch {
    return; // The still picture stays.
  }
  const target = chart.figure.querySelector(".plot");
  const { data, layout } = figureOf(chart.data, look());
  chart.figure.classList.add("live");
  await Plotly.react(target, data, layout, { responsive: true, displayModeBar: false });
}

function redraw() {
  for (const chart of charts) {
    if (chart.needed) draw(chart);
    fillTable(chart);
  }
}

function watchCharts() {
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) need(charts.find((chart) => chart.figure === entry.target));
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
  } catch {
    return; // Without Plotly there is no picture to save; the numbers are in CSV and table.
  }
  const colours = look();
  const { data, layout } = figureOf(chart.data, colours);
  const sources = [...new Set(chart.data.series.map((series) => series.source))].join(", ");
  const through = chart.data.through ? `Data through ${shortDay.format(timeOf(chart.data.through))} (UTC). ` : "";
  const note = `${through}Source: ${sources}.`;
  const figure = {
    data,
    layout: {
      ...layout,
      title: { text: literal(chart.data.title), x: 0.02, font: { size: 20 } },
      annotations: [
        { text: literal(note), showarrow: false, xref: "paper", yref: "paper", x: 0, y: -0.14, font: { size: 12 } },
      ],
      margin: { l: 64, r: 24, t: 84, b: 84 },
      paper_bgcolor: colours.panel,
      showlegend: true,
      legend: { orientation: "h", y: 1.08 },
    },
  };
  const url = await Plotly.toImage(figure, { format, width: 1200, height: 675, scale: format === "png" ? 2 : 1 });
  save(url, `${chart.data.key}.${format}`);
}

function save(url, name) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}
