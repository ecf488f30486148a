// Controls and legends of charts. All are native elements, so that keyboard and touch work.

function showState() {
  for (const input of document.querySelectorAll(".controls input")) {
    input.checked = state[input.dataset.option] === input.value;
  }
  for (const button of document.querySelectorAll(".legend [data-series]")) {
    button.setAttribute("aria-pressed", String(!state.hide.has(button.dataset.series)));
    if (button.dataset.split) button.hidden = button.dataset.split !== state.split;
  }
}

/** Updates the page after the view has changed, by the reader or by an address. */
function show() {
  showState();
  for (const chart of charts) if (chart.visible && !chart.isEmpty && !isUsual(chart.data)) chart.needed = true;
  redraw();
}

/** Applies a choice of the reader at a chart, and announces it to screen readers. */
function changed(chart) {
  writeState();
  show();
  const say = () => announce(viewName(chart));
  loadDays(chart.data).then(say, say);
}

const SPLITS = { product: "by product", sdk: "by SDK", total: "in total" };

/** The view in one sentence: "Downloads per month by SDK: All packages, last 12 months, by month, …". */
function viewName({ data }) {
  const split = data.series.some((series) => series.split) ? ` ${SPLITS[state.split]}` : "";
  const hidden = offered(data).filter(({ key }) => state.hide.has(key)).length;
  const covers = coverText(data, awaitsDays(data) ? null : axesOf(data, viewOf(data)));
  const parts = [covers, subtitleOf(data), isBars(data, viewOf(data)) ? "bars" : "lines", hidden > 0 && `${hidden} hidden`];
  return `${viewTitle(data)}${split}: ${parts.filter(Boolean).join(", ")}.`;
}

function onShowAll(chart) {
  for (const series of chart.data.series) state.hide.delete(series.key);
  changed(chart);
}

function onControl(chart, { target }) {
  const { option } = target.dataset;
  state[option] = target.value;
  makeSense(option);
  changed(chart);
}

/** Resets charts of one kind to their initial view. */
function onReset(chart) {
  const { kind, series } = chart.data;
  for (const name of OPTIONS[kind]) state[name] = DEFAULTS[name];
  for (const { key } of series) state.hide.delete(key);
  changed(chart);
}

function onLegend(chart, event) {
  const button = event.target.closest("button");
  if (!button) return;
  if (!state.hide.delete(button.dataset.series)) state.hide.add(button.dataset.series);
  changed(chart);
}

function listen() {
  for (const chart of charts) {
    const on = (css, type, action) => chart.figure.querySelector(css)?.addEventListener(type, action);
    on(".controls", "change", (event) => onControl(chart, event));
    on("[data-do=reset]", "click", () => onReset(chart));
    on(".legend", "click", (event) => onLegend(chart, event));
    chart.figure.querySelector("[data-do=show-all]").addEventListener("click", () => onShowAll(chart));
    chart.figure.querySelector("details.numbers")?.addEventListener("toggle", () => fillTable(chart));
    const picture = (format) => (one) => saveImage(one, format).catch(() => showMessage(one, "The image could not be created"));
    const save = { csv: saveCsv, png: picture("png"), svg: picture("svg") };
    for (const button of chart.figure.querySelectorAll("[data-save]")) {
      button.addEventListener("click", () => save[button.dataset.save](chart));
    }
  }
  addEventListener("popstate", () => {
    readState();
    show();
  });
}
