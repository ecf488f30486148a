// A window: a range of days of a chart, selected by dragging, by Shift and arrow keys, or by two dates. The title
// then shows the window, with its sum below. Charts of one kind share it; it is stored in the address.

/** The names of a window's days in the address, by the kind of the chart. */
const WINDOW_NAMES = { flow: ["from", "to"], stock: ["starsfrom", "starsto"], count: ["countsfrom", "countsto"] };
/** A pointer that moves less than this (in pixels) is a click. */
const LEAST_DRAG = 4;
/** The time in ms after which a resting finger begins a window. Before that, it scrolls or moves the cursor. */
const LONG_PRESS_MS = 450;

/** @type {Record<string, Span | null>} */
const windows = { flow: null, stock: null, count: null };
let windowCount = 0;

/** Charts of net stars share the window of the charts of stars. */
const windowKind = (data) => (data.kind === "net" ? "stock" : data.kind);

function setUpWindows() {
  for (const chart of readable()) if (chart.cursor) setUpWindow(chart);
  addEventListener("popstate", readWindows);
  readWindows();
}

function setUpWindow(chart) {
  const { plane } = chart.cursor;
  const parts = { early: element("div", "dim"), late: element("div", "dim"), start: element("div", "edge"), end: element("div", "edge") };
  plane.prepend(...Object.values(parts));
  const caption = chart.figure.querySelector("figcaption");
  const heading = caption.querySelector("h2, h3");
  const clear = element("button", "clear", "Clear");
  clear.type = "button";
  clear.setAttribute("aria-label", `Clear the selected window of ${chart.data.title}`);
  clear.addEventListener("click", () => {
    chooseWindow(chart, null);
    plane.focus({ preventScroll: true });
  });
  const summary = element("p", "window-sum");
  heading.after(clear);
  // Below title and controls, as wide as the picture.
  (chart.figure.querySelector(".controls") ?? caption).after(summary);
  chart.window = { ...parts, heading, clear, summary, title: heading.textContent, drag: null, press: 0, fields: null };
  plane.addEventListener("pointerdown", (event) => onWindowPress(chart, event));
  plane.addEventListener("pointermove", (event) => onWindowMove(chart, event));
  plane.addEventListener("pointerup", () => endDrag(chart, true));
  plane.addEventListener("pointercancel", () => endDrag(chart, false));
  plane.addEventListener("dblclick", () => showEverything(chart));
  // A resting finger would open the browser's menu.
  plane.addEventListener("contextmenu", (event) => {
    if (chart.window.drag) event.preventDefault();
  });
  plane.addEventListener("keydown", (event) => onWindowKey(chart, event));
  plane.addEventListener("keyup", (event) => {
    if (event.key === "Shift") endDrag(chart, true);
  });
  plane.addEventListener("blur", () => endDrag(chart, true));
  setUpFields(chart);
  showWindow(chart);
}

// -- the address ------------------------------------------------------------------------------------

/** The days for which a chart has values. */
function spanOfDays(chart) {
  if (isCount(chart)) return spanOfStops(chart);
  const starts = chart.series.flatMap((one) => [one.week?.start, one.month?.start].filter(Boolean));
  return starts.length > 0 && chart.through ? { from: timeOf(starts.sort()[0]), to: timeOf(chart.through) } : null;
}

/** A window, limited to the days of a chart; null if it has none of them. */
function clippedSpan(chart, span) {
  const all = spanOfDays(chart);
  if (!all || !span) return null;
  const [from, to] = [Math.max(span.from, all.from), Math.min(span.to, all.to)];
  return from <= to ? { from, to } : null;
}

/** The address is untrusted input. */
function dayFrom(text) {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text ?? "") ? timeOf(text) : Number.NaN;
  return Number.isNaN(time) || isoDay(time) !== text ? null : time;
}

function readWindows() {
  const asked = new URLSearchParams(location.search);
  for (const [kind, names] of Object.entries(WINDOW_NAMES)) {
    const [from, to] = names.map((name) => dayFrom(asked.get(name)));
    windows[kind] = from !== null && to !== null && from <= to ? { from, to } : null;
  }
  for (const chart of readable()) if (chart.window) showWindow(chart);
  if (state.ghost !== "none") redraw();
}

/** Applies a choice of the reader, which the browser's Back undoes. */
function chooseWindow(chart, span) {
  const kind = windowKind(chart.data);
  const query = new URLSearchParams(location.search);
  const [from, to] = WINDOW_NAMES[kind];
  if (span) {
    query.set(from, isoDay(span.from));
    query.set(to, isoDay(span.to));
  } else {
    query.delete(from);
    query.delete(to);
  }
  windows[kind] = span;
  // The ghost belongs to the window.
  if (state.ghost !== "none") redraw();
  const text = query.toString().replaceAll("%2C", ",");
  try {
    history.pushState(null, "", `${location.pathname}${text && `?${text}`}${location.hash}`);
  } catch {
    // Pages opened as local files cannot change their address.
  }
  for (const other of readable()) if (other.window && windowKind(other.data) === kind) showWindow(other, other === chart);
}

/** Without a window, for the whole range. */
function showEverything(chart) {
  if (windows[windowKind(chart.data)]) chooseWindow(chart, null);
  chart.figure.querySelector("input[data-option$=range][value=all]")?.click();
}

// -- choosing ---------------------------------------------------------------------------------------

/** Days between two periods, both included. */
function spanBetween(chart, one, other) {
  return clippedSpan(chart.data, { from: Math.min(one.start, other.start), to: Math.max(one.end, other.end) });
}

/** The periods at which a window can begin and end: all except published totals, which are not sums of days. */
function windowStops(chart) {
  return stopsOf(chart).filter((stop) => !stop.isSnapshot);
}

function onWindowPress(chart, event) {
  const { window: own, cursor } = chart;
  if (event.button !== 0 || !event.isPrimary || !cursor.scale) return;
  const span = clippedSpan(chart.data, windows[windowKind(chart.data)]);
  const isEnd = event.target === own.end;
  if (span && (isEnd || event.target === own.start)) {
    // The other end does not move.
    const fixed = isEnd ? { start: span.from, end: span.from } : { start: span.to, end: span.to };
    own.drag = { fixed, x: null, span };
  } else if (event.pointerType === "touch") {
    const { clientX } = event;
    own.press = setTimeout(() => beginDrag(chart, clientX), LONG_PRESS_MS);
    return;
  } else {
    own.drag = { fixed: stopAt(chart, event.clientX), x: event.clientX, span: null };
  }
  cursor.plane.setPointerCapture(event.pointerId);
}

/** A finger has rested on a period. */
function beginDrag(chart, clientX) {
  const fixed = stopAt(chart, clientX);
  if (!fixed || fixed.isSnapshot) return;
  hideCursor(chart);
  chart.window.drag = { fixed, x: null, span: spanBetween(chart, fixed, fixed) };
  showWindow(chart);
}

function onWindowMove(chart, event) {
  const { drag, press } = chart.window;
  const { touch } = chart.cursor;
  if (event.pointerType === "touch" && touch !== null && Math.abs(event.clientX - touch) >= STILL_FINGER) clearTimeout(press);
  if (!drag || (drag.x !== null && Math.abs(event.clientX - drag.x) < LEAST_DRAG)) return;
  drag.x = null;
  const stop = stopAt(chart, event.clientX);
  if (!stop || stop.isSnapshot || !drag.fixed) return;
  hideCursor(chart);
  const span = spanBetween(chart, drag.fixed, stop);
  if (drag.span && span && span.from === drag.span.from && span.to === drag.span.to) return;
  drag.span = span;
  showWindow(chart);
}

/** Ends a selection by pointer or keys. A cancelled one is discarded. */
function endDrag(chart, isTaken) {
  const { window: own } = chart;
  clearTimeout(own.press);
  const { drag } = own;
  if (!drag) return;
  own.drag = null;
  const now = clippedSpan(chart.data, windows[windowKind(chart.data)]);
  const isOther = drag.span && !(now && drag.span.from === now.from && drag.span.to === now.to);
  if (isTaken && isOther) chooseWindow(chart, drag.span);
  else if (drag.span) showWindow(chart);
}

/** Shift with a key that moves the cursor moves one end of the window with it. */
function onWindowKey(chart, event) {
  const { window: own, cursor } = chart;
  if (!event.shiftKey || event.altKey || event.ctrlKey || event.metaKey) return;
  const stops = windowStops(chart);
  if (stops.length === 0) return;
  const here = Math.max(0, stops.indexOf(currentStop(chart)));
  const target = keyTarget(stops, here, event.key);
  if (target === undefined) return;
  event.preventDefault();
  own.drag ??= { fixed: stops[here], x: null, span: null };
  const stop = stops[Math.max(0, Math.min(stops.length - 1, target))];
  cursor.last = stop;
  hideCursor(chart);
  own.drag.span = spanBetween(chart, own.drag.fixed, stop);
  showWindow(chart, true);
}

// -- two dates --------------------------------------------------------------------------------------

function setUpFields(chart) {
  const group = chart.figure.querySelector(".dates");
  if (!group) return;
  const [from, to] = group.querySelectorAll("input");
  const all = spanOfDays(chart.data);
  for (const field of [from, to]) {
    if (all) [field.min, field.max] = [isoDay(all.from), isoDay(all.to)];
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") apply();
    });
  }
  const apply = () => {
    to.setCustomValidity(from.value && to.value && from.value > to.value ? "The end date is before the start date." : "");
    for (const field of [from, to]) {
      field.required = true;
      if (!field.reportValidity()) return;
    }
    chooseWindow(chart, { from: timeOf(from.value), to: timeOf(to.value) });
    group.closest("[popover]")?.hidePopover();
  };
  group.querySelector("button").addEventListener("click", apply);
  chart.window.fields = [from, to];
}

// -- showing ----------------------------------------------------------------------------------------

/** Shows the window of a chart, or none. With `isSpoken`, also announces it. */
async function showWindow(chart, isSpoken = false) {
  const { window: own, data } = chart;
  const span = own.drag?.span ?? clippedSpan(data, windows[windowKind(data)]);
  chart.figure.classList.toggle("windowed", span !== null);
  own.clear.hidden = span === null;
  own.summary.hidden = span === null;
  placeWindow(chart);
  own.fields?.forEach((field, index) => {
    field.value = span ? isoDay([span.from, span.to][index]) : "";
  });
  if (span === null) {
    own.heading.textContent = own.title;
    own.count = 0;
    if (isSpoken) announce(`Window cleared. ${own.title}.`);
    return;
  }
  own.heading.replaceChildren(element("span", "visually-hidden", `${own.title}: `), spanName(span));
  windowCount += 1;
  const count = windowCount;
  own.count = count;
  // Loading values takes time; until then, the sum below the new title would be that of another window.
  own.summary.setAttribute("aria-busy", "true");
  const texts = await windowTexts(data, span).catch(() => ({ facts: [], note: "Daily values could not be loaded." }));
  // Another window may have been selected while values were loading.
  if (own.count !== count) return;
  own.summary.removeAttribute("aria-busy");
  const facts = texts.facts.flatMap(([look, value, rest], index) => {
    const number = element(look === "b" ? "b" : "span", look === "b" ? "" : look, value);
    return [...(index > 0 ? [" · "] : []), number, rest];
  });
  own.summary.replaceChildren(...facts, ...(texts.note ? [element("span", "window-note", texts.note)] : []));
  if (isSpoken) announce([own.heading.textContent, facts.map((one) => one.textContent ?? one).join(""), texts.note].filter(Boolean).join(". "));
}

/** Places the window over the plot, limited to the range shown. */
function placeWindow(chart) {
  const { window: own, cursor, data } = chart;
  if (!own) return;
  const span = own.drag?.span ?? clippedSpan(data, windows[windowKind(data)]);
  const parts = [own.early, own.late, own.start, own.end];
  for (const part of parts) part.hidden = !span || !cursor.scale;
  if (!span || !cursor.scale) return;
  const { first, last } = cursor.scale;
  // A count or a day is placed at the beginning of its day; a sum covers its days.
  const isDaily = !isCount(data) && stopsOf(chart).some((stop) => stop.to - stop.from > DAY) === false;
  const [from, to] = isDaily ? [span.from - DAY / 2, span.to + DAY / 2] : [span.from, span.to + DAY];
  const share = (time) => Math.max(0, Math.min(1, (time - first) / (last - first)));
  own.early.style.width = `${100 * share(from)}%`;
  own.late.style.width = `${100 * (1 - share(to))}%`;
  own.start.style.left = `${100 * share(from)}%`;
  own.end.style.left = `${100 * share(to)}%`;
  own.start.hidden = from < first;
  own.end.hidden = to > last;
}

/** Esc cancels the current selection, or else clears the window. */
function leaveWindows() {
  const busy = readable().filter((chart) => chart.window?.drag);
  for (const chart of busy) {
    chart.window.drag = null;
    showWindow(chart);
  }
  if (busy.length > 0) return;
  for (const kind of Object.keys(windows)) {
    const chart = readable().find((one) => one.window && windowKind(one.data) === kind);
    if (windows[kind] && chart) chooseWindow(chart, null);
  }
}
