// Draws the figures that stand in the page and says when the page itself has become old.
"use strict";

const DAY = 24 * 60 * 60 * 1000;

/** A page whose nightly job died looks like any other; only the reader's clock can tell. */
function warnWhenStale() {
  const banner = document.getElementById("stale");
  const asOf = Date.parse(`${banner.dataset.asOf}T00:00:00Z`);
  const behind = Math.floor((Date.now() - asOf) / DAY) - 1;
  if (behind < 2) return;
  banner.textContent = `These numbers are ${behind} days behind: the nightly job has not published since.`;
  banner.hidden = false;
}

/** The page's colours, so that charts follow light and dark like everything else. */
function theme() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  const axis = { gridcolor: read("--line"), linecolor: read("--line"), zerolinecolor: read("--line") };
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: read("--text"), family: getComputedStyle(document.body).fontFamily, size: 13 },
    hoverlabel: { bgcolor: read("--panel"), bordercolor: read("--line"), font: { color: read("--text") }, align: "left" },
    axis,
  };
}

function draw(figure) {
  const target = figure.querySelector(".chart");
  const { data, layout } = JSON.parse(figure.querySelector("script.figure").textContent);
  if (!data || data.length === 0) return;
  const { axis, ...look } = theme();
  // A chart that was empty had no height; it needs one before Plotly measures it.
  target.style.display = "block";
  Plotly.react(
    target,
    data,
    { ...layout, ...look, xaxis: { ...layout.xaxis, ...axis }, yaxis: { ...layout.yaxis, ...axis }, autosize: true },
    { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d"] },
  );
}

function drawAll() {
  document.querySelectorAll("figure").forEach(draw);
}

warnWhenStale();
if (window.Plotly) {
  drawAll();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
}
