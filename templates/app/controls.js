// Toolbar, legends, buttons. All of them are native controls, so that keyboard and touch work.

function showState() {
  for (const input of document.querySelectorAll(".controls input, .lens input")) {
    input.checked = state[optionOf(input)] === input.value;
  }
  for (const button of document.querySelectorAll(".legend [data-series]")) {
    button.setAttribute("aria-pressed", String(!state.hide.has(button.dataset.series)));
    if (button.dataset.split) button.hidden = button.dataset.split !== state.split;
  }
  for (const button of document.querySelectorAll(".legend [data-events]")) {
    button.setAttribute("aria-pressed", String(state.events === "on"));
  }
}

function changed() {
  showState();
  writeState();
  for (const chart of charts) if (chart.visible && !chart.isEmpty) chart.needed = true;
  redraw();
}

function onShowAll(chart) {
  for (const series of chart.data.series) state.hide.delete(series.key);
  changed();
}

function onControl(event) {
  state[optionOf(event.target)] = event.target.value;
  changed();
}

function onReset() {
  Object.assign(state, DEFAULTS, { hide: new Set() });
  changed();
}

const COPY_LABEL = "Copy link";
const FEEDBACK_MS = 2500;
let copyTimer;

async function onCopy(event) {
  const button = event.currentTarget;
  try {
    await navigator.clipboard.writeText(location.href);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Couldn't copy. Copy the URL from the address bar.";
  }
  // A second click starts the time again; the label never depends on what the button shows now.
  clearTimeout(copyTimer);
  copyTimer = setTimeout(() => {
    button.textContent = COPY_LABEL;
  }, FEEDBACK_MS);
}

function onLegend(event) {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.events !== undefined) state.events = state.events === "on" ? "off" : "on";
  else if (!state.hide.delete(button.dataset.series)) state.hide.add(button.dataset.series);
  changed();
}

function listen() {
  for (const group of document.querySelectorAll(".controls, .lens")) group.addEventListener("change", onControl);
  document.querySelector("[data-do=reset]")?.addEventListener("click", onReset);
  document.querySelector("[data-do=copy]")?.addEventListener("click", onCopy);
  for (const chart of charts) {
    chart.figure.querySelector(".legend").addEventListener("click", onLegend);
    chart.figure.querySelector("[data-do=show-all]").addEventListener("click", () => onShowAll(chart));
    chart.figure.querySelector("details.numbers")?.addEventListener("toggle", () => fillTable(chart));
    const save = { csv: saveCsv, png: (one) => saveImage(one, "png"), svg: (one) => saveImage(one, "svg") };
    for (const button of chart.figure.querySelectorAll("[data-save]")) {
      button.addEventListener("click", () => save[button.dataset.save](chart));
    }
  }
  addEventListener("popstate", () => {
    readState();
    showState();
    redraw();
  });
}
