// The page that compares metrics: which ones and how is in its address, their months are in script files.

const MOST = 6;
/** Beside the lines; a name of 24 letters fits. */
const NAME_ROOM = 220;
const MODES = ["absolute", "log", "index", "age", "grown"];
const GROWN = 1000;
const TONES = ["n0", "n3", "n2", "n1", "n5", "n6"];
const DASHED = ["", "7 3", "2 3", "9 3 2 3", "12 4", "4 4"];
const SIZES = { wide: [1120, 420], narrow: [360, 300] };
const SVG = "http://www.w3.org/2000/svg";

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
    // A metric without a full month has no file.
    element.onload = element.onerror = done;
    document.head.append(element);
  });
}

// -- the address --------------------------------------------------------------------------------------

function readAddress() {
  const asked = new URLSearchParams(location.search);
  // A metric id names its file, but for the colons.
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
    // Pages that were opened as files may not change their address.
  }
  show();
}

// -- values -------------------------------------------------------------------------------------------

/** Months are counted from the year 0. */
const placeOf = (text) => Number(text.slice(0, 4)) * 12 + Number(text.slice(5, 7)) - 1;
const timeAt = (place) => Date.UTC(Math.floor(place / 12), place % 12, 1);

/** The chosen metrics that have months, each with its points: `[place, value]`, null where a month lacks days. */
function seriesOf() {
  return chosen.names
    .map((name, index) => ({ name, index, data: loaded.get(name) }))
    .filter((one) => one.data)
    .map((one) => {
      const first = placeOf(one.data.start);
      return { ...one, points: one.data.values.map((value, n) => [first + n, value]) };
    });
}

/** The points in the way that is chosen, with what stands beside the values. */
function viewOf(series) {
  if (chosen.mode === "index") return indexed(series);
  if (chosen.mode === "age" || chosen.mode === "grown") return aligned(series);
  return { series, isTime: true, text: formatNumber, title: chosen.mode === "log" ? "By month, log scale" : "By month" };
}

/** The first month that all have is 100. */
function indexed(series) {
  const known = series.map((one) => new Set(one.points.filter(([, value]) => value > 0).map(([place]) => place)));
  const base = [...(known[0] ?? [])].find((place) => known.every((places) => places.has(place)));
  if (base === undefined) return { series: [], note: "No month has data for all of these metrics." };
  const shown = series.map((one) => {
    const start = one.points.find(([place]) => place === base)[1];
    const points = one.points.filter(([place]) => place >= base);
    return { ...one, points: points.map(([place, value]) => [place, value === null ? null : (100 * value) / start]) };
  });
  return { series: shown, isTime: true, text: formatValue, title: `Index (${formatMonth(timeAt(base))} = 100)` };
}

/** Months since the first value, or since the first of 1,000. */
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
  return { series: shown, isTime: false, text: formatNumber, title: `Months since ${since}` };
}

// -- drawing ------------------------------------------------------------------------------------------

function make(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Log scales have the powers of ten around the values. */
function levelsOf(values, isLog) {
  if (!isLog) return levelsTo(Math.max(...values));
  const first = Math.floor(Math.log10(Math.min(...values)));
  const last = Math.max(Math.ceil(Math.log10(Math.max(...values))), first + 1);
  return Array.from({ length: last - first + 1 }, (_, n) => 10 ** (first + n));
}

function frameOf(view, size) {
  const isLog = chosen.mode === "log";
  const [width, height] = SIZES[size];
  const values = view.series.flatMap((one) => one.points.map(([, value]) => value)).filter((v) => v !== null && (!isLog || v > 0));
  const places = view.series.flatMap((one) => one.points.map(([place]) => place));
  if (values.length === 0) return null;
  const levels = levelsOf(values, isLog);
  const box = { left: 8, right: size === "wide" ? width - NAME_ROOM : width - 8, top: 26, bottom: height - 26, width, height };
  const first = Math.min(...places);
  const last = Math.max(...places, first + 1);
  const [low, high] = [levels[0], levels.at(-1)].map((value) => (isLog ? Math.log10(value) : value));
  return {
    ...box,
    size,
    levels,
    isLog,
    first,
    last,
    x: (place) => box.left + ((place - first) / (last - first)) * (box.right - box.left),
    y: (value) => box.bottom - (((isLog ? Math.log10(value) : value) - low) / (high - low)) * (box.bottom - box.top),
  };
}

function drawAxes(frame, view) {
  const texts = frame.isLog ? frame.levels.map((value) => formatCompact(value, { trim: true })) : levelTexts(frame.levels);
  const grid = make("g", { class: "grid" });
  const labels = make("g", { class: "labels" });
  frame.levels.forEach((level, n) => {
    const y = frame.y(level);
    grid.append(make("path", { d: `M${frame.left} ${y}H${frame.right}` }));
    labels.append(make("text", { x: frame.left, y: y - 5 }, texts[n]));
  });
  for (const [x, text] of ticksOf(frame, view)) {
    labels.append(make("text", { x, y: frame.bottom + 18, "text-anchor": "middle" }, text));
  }
  return [grid, labels];
}

function ticksOf(frame, view) {
  const most = MOST_LABELS[frame.size];
  if (view.isTime) {
    const [start, end] = [timeAt(frame.first), timeAt(frame.last)];
    const at = (time) => frame.left + ((time - start) / (end - start)) * (frame.right - frame.left);
    return timeTicks(start, end, most, false).map(([time, text]) => [at(time), text]);
  }
  const step = [1, 2, 3, 6, 12, 24].find((one) => (frame.last - frame.first) / one <= most) ?? 60;
  const shown = [];
  for (let month = step; month < frame.last; month += step) shown.push([frame.x(month), formatNumber(month)]);
  return shown;
}

/** A line for each stretch without a gap, and a dot for the last value. */
function drawSeries(frame, one) {
  const group = make("g", { class: `compare-line tone-${TONES[one.index]}` });
  const drawable = one.points.map(([place, value]) => (value === null || (frame.isLog && value <= 0) ? null : [frame.x(place), frame.y(value)]));
  let path = "";
  drawable.forEach((point, n) => {
    if (!point) return;
    const [x, y] = point.map((number) => number.toFixed(1));
    const isAlone = !drawable[n - 1] && !drawable[n + 1];
    path += `${drawable[n - 1] ? "L" : "M"}${x} ${y}${isAlone ? "h0" : ""}`;
  });
  group.append(make("path", { d: path, "stroke-dasharray": DASHED[one.index] }));
  const last = drawable.findLast((point) => point);
  if (last) group.append(make("circle", { cx: last[0], cy: last[1], r: 3.5 }));
  return { group, end: last };
}

/** Names beside the ends of the lines, none on another. */
function drawNames(frame, ends) {
  const rows = ends.filter(({ end }) => end).sort((a, b) => a.end[1] - b.end[1]);
  const room = 17;
  let lowest = -Infinity;
  for (const row of rows) {
    row.y = Math.max(row.end[1] + 4, lowest + room);
    lowest = row.y;
  }
  const above = Math.max(0, lowest - frame.bottom);
  return rows.map(({ one, y }) => {
    const text = one.data.title.length > 24 ? `${one.data.title.slice(0, 23)}…` : one.data.title;
    return make("text", { class: "compare-name", x: frame.right + 12, y: y - above }, isolated(text));
  });
}

function draw(view, size) {
  const frame = frameOf(view, size);
  const svg = make("svg", { class: `compare-${size}`, viewBox: `0 0 ${SIZES[size].join(" ")}`, "aria-hidden": "true" });
  if (!frame) return { svg, frame };
  const ends = view.series.map((one) => ({ one, ...drawSeries(frame, one) }));
  svg.append(...drawAxes(frame, view), ...ends.map(({ group }) => group));
  if (size === "wide") svg.append(...drawNames(frame, ends));
  svg.append(make("path", { class: "compare-cursor", d: "" }));
  return { svg, frame };
}

// -- the page -----------------------------------------------------------------------------------------

const figure = document.querySelector(".compare-figure");
const plot = document.querySelector(".compare-plot");
const reading = document.querySelector(".compare-reading");
let current = null;

function html(tag, text, className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  element.className = className;
  return element;
}

function showChosen() {
  const list = document.querySelector(".compare-chosen");
  const items = chosen.names.map((name, index) => {
    const data = loaded.get(name);
    const item = document.createElement("li");
    item.className = `tone-${TONES[index]}`;
    const title = html("bdi", data?.title ?? name);
    const note = html("span", data ? `${data.source}, ${data.unit}` : "no full month yet", "muted");
    const remove = html("button", "Remove");
    remove.type = "button";
    remove.setAttribute("aria-label", `Remove ${data?.title ?? name}`);
    remove.addEventListener("click", () => choose({ names: chosen.names.filter((one) => one !== name) }));
    item.append(html("i", ""), title, " ", note, remove);
    return item;
  });
  list.replaceChildren(...items);
  for (const option of document.querySelectorAll("#compare-add option")) option.disabled = chosen.names.includes(option.value);
  document.getElementById("compare-add").disabled = chosen.names.length >= MOST;
  for (const input of document.querySelectorAll("[name=mode]")) input.checked = input.value === chosen.mode;
}

function placeText(view, place) {
  if (view.isTime) return formatMonth(timeAt(place));
  return `Month ${formatNumber(place)}`;
}

function showTable(view) {
  const places = [...new Set(view.series.flatMap((one) => one.points.map(([place]) => place)))].sort((a, b) => b - a);
  const head = document.createElement("tr");
  head.append(html("th", view.isTime ? "Month" : "Age"), ...view.series.map((one) => html("th", one.data.title, "num")));
  for (const cell of head.querySelectorAll("th")) cell.scope = "col";
  const rows = places.map((place) => {
    const row = document.createElement("tr");
    const name = html("th", placeText(view, place));
    name.scope = "row";
    row.append(name, ...view.series.map((one) => html("td", valueAt(view, one, place), "num")));
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
  return units.size > 1 ? "These metrics count different things: compare their growth, not their absolute values." : "";
}

async function show() {
  await Promise.all(chosen.names.map(load));
  showChosen();
  const view = viewOf(seriesOf());
  document.querySelector(".compare-note").textContent = noteOf(view);
  figure.hidden = view.series.length === 0;
  if (figure.hidden) return;
  const drawings = ["wide", "narrow"].map((size) => draw(view, size));
  current = { view, drawings, place: null };
  plot.replaceChildren(...drawings.map(({ svg }) => svg));
  figure.querySelector("h2").textContent = view.title;
  figure.querySelector(".covers").textContent = "Full months only. Gaps: months with missing days.";
  reading.textContent = "";
  showTable(view);
}

function readAt(place) {
  const { view, drawings } = current;
  const { first, last } = drawings[0].frame;
  current.place = Math.min(Math.max(place, first), last);
  for (const { svg, frame } of drawings) {
    const x = frame.x(current.place).toFixed(1);
    svg.querySelector(".compare-cursor").setAttribute("d", `M${x} ${frame.top}V${frame.bottom}`);
  }
  const parts = view.series.map((one) => `${isolated(one.data.title)} ${valueAt(view, one, current.place)}`);
  reading.textContent = `${placeText(view, current.place)}: ${parts.join(", ")}`;
}

plot.addEventListener("pointermove", (event) => {
  const shown = current?.drawings.find(({ svg }) => svg.getClientRects().length > 0);
  if (!shown?.frame) return;
  const box = shown.svg.getBoundingClientRect();
  const { frame } = shown;
  const x = ((event.clientX - box.left) / box.width) * frame.width;
  readAt(Math.round(frame.first + ((x - frame.left) / (frame.right - frame.left)) * (frame.last - frame.first)));
});
plot.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step || !current?.drawings[0].frame) return;
  event.preventDefault();
  readAt((current.place ?? current.drawings[0].frame.last + 1) + step);
});
document.getElementById("compare-add").addEventListener("change", (event) => {
  const name = event.target.value;
  event.target.value = "";
  if (name) choose({ names: [...chosen.names, name] });
});
document.querySelector(".compare-modes").addEventListener("change", (event) => choose({ mode: event.target.value }));
addEventListener("popstate", () => {
  readAddress();
  show();
});
readAddress();
show();
