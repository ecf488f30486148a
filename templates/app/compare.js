// The page that compares metrics: which metrics and in which way is in its address; their monthly values are in
// script files. It is drawn like the other charts.

const MOST = 6;
const MODES = ["absolute", "log", "index", "age", "grown"];
const GROWN = 1000;
const TONES = ["n0", "n3", "n2", "n1", "n5", "n6"];
/** Dash patterns, so that lines differ even without colours. */
const DASHED = ["", "7 4", "2 4", "10 4 2 4", "14 4", "4 7"];
/** The size of the box in which lines are drawn; it is stretched over the plot. */
const LINES_BOX = 1000;
/** The mean length of a month in days, to convert an age in months to a time on the axis. */
const MONTH = (365.25 / 12) * DAY;

const script = document.currentScript ?? document.querySelector("script[data-months]");
const loaded = new Map();
const options = [...document.querySelectorAll("#compare-add option")].map((one) => one.value).filter(Boolean);
const chosen = { names: [], mode: "absolute" };

window.cmetricsMonths = (name, months) => loaded.set(name, months);

function load(name) {
  if (loaded.has(name)) return Promise.resolve();
  return new Promise((done) => {
    const element = document.createElement("script");
    element.src = `${script.dataset.months}${encodeURIComponent(name)}.js`;
    // A metric without any full month has no file.
    element.onload = element.onerror = done;
    document.head.append(element);
  });
}

// -- the address --------------------------------------------------------------------------------------

function readAddress() {
  const asked = new URLSearchParams(location.search);
  // A metric id is the name of its file, except for the colons.
  const given = (asked.get("m") ?? "").split(",").map((name) => name.replaceAll(":", "-"));
  const names = given.filter((name) => options.includes(name));
  chosen.names = [...new Set(names)].slice(0, MOST);
  chosen.mode = MODES.includes(asked.get("mode")) ? asked.get("mode") : "absolute";
}

function choose(change) {
  Object.assign(chosen, change);
  const query = new URLSearchParams(location.search);
  query.set("m", chosen.names.join(","));
  if (chosen.mode === "absolute") query.delete("mode");
  else query.set("mode", chosen.mode);
  try {
    history.pushState(null, "", `${location.pathname}?${query.toString().replaceAll("%2C", ",")}`);
  } catch {
    // Pages opened as local files cannot change their address.
  }
  show();
}

// -- values -------------------------------------------------------------------------------------------

/** Months are counted from the year 0. */
const placeOf = (text) => Number(text.slice(0, 4)) * 12 + Number(text.slice(5, 7)) - 1;
const timeAt = (place) => Date.UTC(Math.floor(place / 12), place % 12, 1);

/** The selected metrics with monthly values, each with its points `[place, value]`; null for incomplete months. */
function seriesOf() {
  return chosen.names
    .map((name, index) => ({ name, index, data: loaded.get(name) }))
    .filter((one) => one.data)
    .map((one) => {
      const first = placeOf(one.data.start);
      return { ...one, points: one.data.values.map((value, n) => [first + n, value]) };
    });
}

/** The points in the selected mode, with the texts next to the values. `start` is the time of a place. */
function comparisonOf(series) {
  const calendar = { start: timeAt, text: formatNumber, short: (value) => preciseNumber(Math.round(value)), place: (place) => formatMonth(timeAt(place)), heading: "Month" };
  if (chosen.mode === "index") return { ...calendar, ...indexed(series), text: formatValue, short: formatNumber };
  const age = { start: (place) => place * MONTH, place: (place) => `Month ${formatNumber(place)}`, heading: "Age" };
  if (chosen.mode === "age" || chosen.mode === "grown") return { ...calendar, ...age, ...aligned(series) };
  const units = [...new Set(series.map((one) => one.data.unit))];
  const what = units.length === 1 ? `${units[0][0].toUpperCase()}${units[0].slice(1)} by month` : "By month";
  return { ...calendar, series, title: chosen.mode === "log" ? `${what}, log scale` : what };
}

/** The first common month is 100. */
function indexed(series) {
  const known = series.map((one) => new Set(one.points.filter(([, value]) => value > 0).map(([place]) => place)));
  const base = [...(known[0] ?? [])].find((place) => known.every((places) => places.has(place)));
  if (base === undefined) return { series: [], note: "No month has data for all of these metrics." };
  const shown = series.map((one) => {
    const start = one.points.find(([place]) => place === base)[1];
    const points = one.points.filter(([place]) => place >= base);
    return { ...one, points: points.map(([place, value]) => [place, value === null ? null : (100 * value) / start]) };
  });
  return { series: shown, title: `Index (${formatMonth(timeAt(base))} = 100)` };
}

/** Months since the first value, or since the first value of at least 1,000. */
function aligned(series) {
  const least = chosen.mode === "grown" ? GROWN : 0;
  const shown = series
    .map((one) => {
      const start = one.points.find(([, value]) => value !== null && value >= least)?.[0];
      const points = one.points.filter(([place]) => place >= start).map(([place, value]) => [place - start, value]);
      return { ...one, points };
    })
    .filter((one) => one.points.length > 0);
  const since = chosen.mode === "grown" ? `the first month with ${formatNumber(GROWN)} or more` : "the first full month";
  return { series: shown, title: `Months since ${since}` };
}

const isAged = () => chosen.mode === "age" || chosen.mode === "grown";
const isLogarithmic = () => chosen.mode === "log";
const isShown = (value) => value !== null && (!isLogarithmic() || value > 0);

/** The axes, in the form of the other charts; null if nothing can be drawn. */
function scaleFor({ series, start }) {
  const values = series.flatMap((one) => one.points.map(([, value]) => value)).filter(isShown);
  if (values.length === 0) return null;
  const places = series.flatMap((one) => one.points.map(([place]) => place));
  const [first, last] = [Math.min(...places), Math.max(...places)];
  const [from, to] = [start(first), start(last + 1)];
  const log = isLogarithmic();
  const levels = log ? decades([Math.min(...values), Math.max(...values)]) : levelsTo(Math.max(...values));
  const ticks = (room) => (isAged() ? ageTicks(last, MOST_LABELS[room]) : timeTicks(from, to, room, true));
  const labels = { wide: ticks("wide"), narrow: ticks("narrow") };
  const texts = log ? levels.map(shortNumber) : levelTexts(levels);
  return { start: from, end: to, low: levels[0], high: levels.at(-1), log, levels, texts, ticks: labels };
}

/** Labels at regular intervals of age. */
function ageTicks(last, most) {
  const step = MONTH_STEPS.find((one) => last / one <= most) ?? MONTH_STEPS.at(-1);
  const shown = [];
  for (let month = step; month < last; month += step) shown.push([(month + 0.5) * MONTH, formatNumber(month)]);
  return shown;
}

/** The positions of the cursor: months. */
function stopsFor({ series, start }) {
  const places = series.flatMap((one) => one.points.map(([place]) => place));
  const first = Math.min(...places);
  return Array.from({ length: Math.max(...places) - first + 1 }, (_, n) => {
    const place = first + n;
    return { place, start: start(place), from: start(place), to: start(place + 1) };
  });
}

// -- drawing ------------------------------------------------------------------------------------------

/** The position of a point, as shares of the plot box. */
function pointAt({ start }, scale, [place, value]) {
  return [xShare(scale, (start(place) + start(place + 1)) / 2), yShare(scale, value)];
}

/** A line for each run of months without a gap; a dot for a single month, and for the last one. */
function drawSeries(view, scale, one) {
  const drawn = one.points.map((point) => (isShown(point[1]) ? pointAt(view, scale, point) : null));
  const lines = [];
  const dots = [];
  drawn.forEach((point, n) => {
    if (!point) return;
    if (!drawn[n - 1]) lines.push([]);
    lines.at(-1).push(point.map((share) => (LINES_BOX * share).toFixed(1)).join(","));
    if (!drawn[n - 1] && !drawn[n + 1]) dots.push(point);
  });
  const last = drawn.findLast((point) => point);
  if (last && !dots.includes(last)) dots.push(last);
  const tone = `tone-${TONES[one.index]}`;
  return {
    lines: lines.filter((points) => points.length > 1).map((points) => svgNode("polyline", { class: `line ${tone}`, points: points.join(" "), "stroke-dasharray": DASHED[one.index] })),
    dots: dots.map(([x, y]) => {
      const dot = svgNode("svg", { x: percent(x), y: percent(y) });
      dot.append(svgNode("circle", { class: `mark ${tone}`, r: 3 }));
      return dot;
    }),
  };
}

function drawPlot(view, scale) {
  const drawn = view.series.map((one) => drawSeries(view, scale, one));
  const lines = svgNode("svg", { viewBox: `0 0 ${LINES_BOX} ${LINES_BOX}`, preserveAspectRatio: "none" });
  lines.append(...drawn.flatMap((one) => one.lines));
  const grid = svgNode("g", { class: "grid" });
  grid.append(...gridLines(scale));
  figure.querySelector(".still").replaceChildren(grid, lines, ...drawn.flatMap((one) => one.dots));
  figure.querySelector(".frame").replaceChildren(...axisTexts(scale));
}

/** Names with the last values, next to the ends of the lines if there is space. */
function showNames(view, scale) {
  const ends = view.series.map((one) => one.points.findLast(([, value]) => isShown(value)) ?? null);
  const height = figure.querySelector(".still").getBoundingClientRect().height;
  const places = spreadNames(ends.map((end) => (end ? pointAt(view, scale, end)[1] : 1)), height);
  const names = view.series.map((one, index) => {
    const name = element("li", `tone-${TONES[one.index]} at-${places[index]}`);
    const note = element("span", "note", ends[index] ? view.short(ends[index][1]) : "");
    name.append(element("bdi", "", one.data.title), " ", note);
    return name;
  });
  figure.querySelector(".legend").replaceChildren(...names);
}

// -- the page -----------------------------------------------------------------------------------------

const figure = document.querySelector(".compare-figure");
const cursor = addCursor(figure.querySelector(".canvas"), "Comparison", "compare-help");
let current = null;
let touch = null;

function showChosen() {
  const list = document.querySelector(".compare-chosen");
  const items = chosen.names.map((name, index) => {
    const data = loaded.get(name);
    const item = element("li", `tone-${TONES[index]}`);
    const remove = element("button", "", "×");
    remove.type = "button";
    remove.setAttribute("aria-label", `Remove ${data?.title ?? name}`);
    remove.addEventListener("click", () => {
      choose({ names: chosen.names.filter((one) => one !== name) });
      document.getElementById("compare-add").focus();
    });
    const line = svgNode("svg", { viewBox: "0 0 24 8", "aria-hidden": "true" });
    line.append(svgNode("polyline", { class: "line", points: "0,4 24,4", "stroke-dasharray": DASHED[index] }));
    const text = element("span");
    text.append(element("bdi", "", data?.title ?? name), " ", element("span", "muted", data ? sourceText(data) : "no full month yet"));
    item.append(line, text, remove);
    return item;
  });
  list.replaceChildren(...items);
  for (const option of document.querySelectorAll("#compare-add option")) option.disabled = chosen.names.includes(option.value);
  document.getElementById("compare-add").disabled = chosen.names.length >= MOST;
  for (const input of document.querySelectorAll("[name=mode]")) input.checked = input.value === chosen.mode;
  document.querySelector(".compare-start").hidden = chosen.names.length > 0;
}

/** "GitHub stars" already names its source. */
const sourceText = ({ source, unit }) => (unit.startsWith(source) ? unit : `${source}, ${unit}`);

function showTable(view, stops) {
  const head = document.createElement("tr");
  head.append(element("th", "", view.heading), ...view.series.map((one) => element("th", "num", one.data.title)));
  for (const cell of head.querySelectorAll("th")) Object.assign(cell, { scope: "col", dir: "auto" });
  const rows = stops.toReversed().map(({ place }) => {
    const row = document.createElement("tr");
    const name = element("th", "", view.place(place));
    name.scope = "row";
    row.append(name, ...view.series.map((one) => element("td", "num", valueAt(view, one, place))));
    return row;
  });
  const [thead, tbody] = ["thead", "tbody"].map((tag) => document.createElement(tag));
  thead.append(head);
  tbody.append(...rows);
  figure.querySelector("table").replaceChildren(thead, tbody);
}

function valueAt(view, one, place) {
  const value = one.points.find(([at]) => at === place)?.[1] ?? null;
  return value === null ? "–" : view.text(value);
}

function noteOf(view) {
  if (chosen.names.length === 0) return "Choose two to six metrics here or on the overview.";
  if (chosen.names.length === 1) return "Choose one more metric to compare.";
  if (view.note) return view.note;
  const units = new Set(view.series.map((one) => one.data.unit));
  const isMixed = units.size > 1 && !["index", "log"].includes(chosen.mode);
  return isMixed ? "These metrics count different things: compare their growth, not their absolute values." : "";
}

/** The subtitle: metrics and sources. */
function showWords(view, stops) {
  const [first, last] = [stops[0], stops.at(-1)].map(({ start }) => formatShortMonth(start));
  const hasGaps = view.series.some((one) => one.points.some(([, value]) => value === null));
  const sources = [...new Set(view.series.map((one) => one.data.source))].join(", ");
  const count = `${view.series.length} ${view.series.length === 1 ? "metric" : "metrics"}`;
  figure.querySelector("h2").textContent = view.title;
  figure.querySelector(".covers").textContent = isAged() ? `${count}, each from its own start` : `${count}, ${first} to ${last}`;
  figure.querySelector(".sources-note").textContent = `Source: ${sources}. Full months only.${hasGaps ? " Gaps: days missing." : ""}`;
  cursor.plane.setAttribute("aria-label", view.title);
}

async function show() {
  await Promise.all(chosen.names.map(load));
  showChosen();
  const view = comparisonOf(seriesOf());
  document.querySelector(".compare-note").textContent = noteOf(view);
  const axes = scaleFor(view);
  hideStop();
  figure.hidden = axes === null;
  current = null;
  if (figure.hidden) return;
  const stops = stopsFor(view);
  current = { figure, view, axes, stops, stop: null, last: null };
  showWords(view, stops);
  drawPlot(view, axes);
  showNames(view, axes);
  showTable(view, stops);
  placePlane(cursor, boxOf(current));
}

// -- the cursor ---------------------------------------------------------------------------------------

function hideStop() {
  if (!current?.stop) return;
  current.stop = null;
  hideCard(cursor);
}

/** The largest value first, as in the other charts. */
function cardOf(view, { place }) {
  const values = new Map(view.series.map((one) => [one, one.points.find(([at]) => at === place)?.[1] ?? -1]));
  const largest = [...view.series].sort((a, b) => values.get(b) - values.get(a));
  const list = element("ul");
  list.append(...largest.map((one) => cardRow(`tone-${TONES[one.index]}`, one.data.title, valueAt(view, one, place))));
  return [element("p", "when", view.place(place)), list];
}

function showStop(stop, isSpoken) {
  const { view } = current;
  if (isSpoken) announce(`${view.place(stop.place)}: ${view.series.map((one) => `${isolated(one.data.title)} ${valueAt(view, one, stop.place)}`).join(", ")}`);
  if (current.stop === stop) return;
  current.stop = current.last = stop;
  showCard(cursor, scaleOf(current), stop, cardOf(view, stop));
}

function pointTo(clientX) {
  const { box, first, last } = scaleOf(current);
  const share = (clientX - cursor.canvas.getBoundingClientRect().left - box.left) / (box.right - box.left);
  showStop(current.stops[nearestStop(current.stops, first + share * (last - first))], false);
}

const lastStop = () => current.last ?? current.stops.at(-1);

function onKey(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const { stops } = current;
  const here = stops.indexOf(lastStop());
  const target = keyTarget(stops, here, event.key);
  if (target === undefined) return;
  event.preventDefault();
  const index = current.stop || ["Home", "End"].includes(event.key) ? target : here;
  showStop(stops[Math.max(0, Math.min(stops.length - 1, index))], true);
}

function listen() {
  const { plane } = cursor;
  plane.addEventListener("pointerdown", (event) => {
    touch = event.pointerType === "touch" ? event.clientX : null;
  });
  // A vertical touch movement scrolls the page.
  plane.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "touch" || (touch !== null && Math.abs(event.clientX - touch) >= STILL_FINGER)) pointTo(event.clientX);
  });
  plane.addEventListener("click", (event) => pointTo(event.clientX));
  plane.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch" && !plane.matches(":focus-visible")) hideStop();
  });
  plane.addEventListener("keydown", onKey);
  plane.addEventListener("focus", () => {
    if (plane.matches(":focus-visible")) showStop(lastStop(), true);
  });
  plane.addEventListener("blur", hideStop);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") hideStop();
  });
  addEventListener("pointerdown", (event) => {
    if (!plane.contains(event.target)) hideStop();
  });
  new ResizeObserver(() => {
    if (!current) return;
    hideStop();
    placePlane(cursor, boxOf(current));
  }).observe(cursor.canvas);
  document.getElementById("compare-add").addEventListener("change", (event) => {
    const name = event.target.value;
    event.target.value = "";
    if (name) choose({ names: [...chosen.names, name] });
  });
  figure.querySelector(".controls").addEventListener("change", (event) => choose({ mode: event.target.value }));
  addEventListener("popstate", () => {
    readAddress();
    show();
  });
}

setUpSpeech();
listen();
readAddress();
show();
