// The frame of a chart: grid, labels, events, names of series, subtitle. The server draws it for the initial view
// (chart.html.j2); this file draws it for all others, over picture and live chart alike.

/** Draws everything around the marks; `scale` is null if there is nothing to draw. */
function drawFrame(chart, view, scale) {
  const [levels, ...shown] = axisTexts(scale);
  chart.figure.querySelector(".still .grid").replaceChildren(...gridLines(scale));
  shown.unshift(...ghostNodes(chart.data, view, scale));
  const events = shownEvents(chart.data, view, scale);
  chart.figure.classList.toggle("dated", events.length > 0);
  for (const room of ["large", "wide", "narrow"]) {
    const lane = svgNode("g", { class: `lane ${room}` });
    lane.append(...laneOf(events, scale, room).map(eventNode));
    shown.push(lane);
  }
  // Above the lines of events.
  shown.push(levels);
  shown.push(...lastNodes(chart.data, view, scale));
  chart.figure.querySelector(".frame").replaceChildren(...shown);
  listEvents(chart, events);
  placeNames(chart, view, scale);
  chart.figure.querySelector(".covers").textContent = coverText(chart.data, scale);
  chart.figure.querySelector(".notes").textContent = scale ? notesOf(chart.data, view, scale).join(" ") : "";
  setTitle(chart, viewTitle(chart.data));
}

/** Explanations of the signs in the picture, one sentence each, as in cmetrics/site/views.py. */
function notesOf(data, view, scale) {
  const bars = isBars(data, view);
  const lists = view.map((one) => one.points.filter((point) => point.slot !== null));
  const drawn = lists.flat().filter((point) => point.shown !== null);
  const notes = [];
  if (scale.low !== 0 && !scale.log) notes.push(`The axis starts at ${formatNumber(scale.low)}.`);
  if (drawn.some((point) => point.state === "partial")) notes.push(bars ? "Hatched: days missing." : "Open marks: days missing.");
  const published = drawn.filter((point) => point.state === "published");
  if (bars && isStacked(data) && published.length > 0) notes.push("Cross-hatched: published 30-day totals.");
  else if (published.some((point) => point.kind === "seeded")) notes.push("◇ Published 30-day totals from before daily data.");
  if (!bars && lists.some(hasGap)) notes.push("Gaps: no data.");
  if (!bars && drawn.some((point) => point.kind === "estimated")) notes.push("Dotted: estimated.");
  return notes;
}

function hasGap(points) {
  const first = points.findIndex((point) => point.shown !== null);
  const last = points.findLastIndex((point) => point.shown !== null);
  return first >= 0 && points.slice(first, last).some((point) => point.shown === null);
}

// -- paper --------------------------------------------------------------------------------------------

const FRAME_PARTS = [".frame", ".still .grid", ".still .marks", ".legend", ".covers", ".notes", ":is(h2, h3)"];

/** The frame of the initial view, to be printed with its picture. */
function frameOf(chart) {
  return FRAME_PARTS.map((css) => chart.figure.querySelector(css).innerHTML);
}

/**
 * On paper, a chart is a picture with the width of the paper: the server's picture, or the selected view if the
 * picture can show it. Other views are printed from the live chart, whose plot box is fitted to that of the frame.
 */
function preparePrint() {
  for (const chart of charts) {
    const { figure, data } = chart;
    const isFirst = isUsual(data);
    if (chart.isEmpty || (!isFirst && awaitsDays(data))) continue;
    const view = isFirst ? null : viewOf(data);
    const isPicture = isFirst || isDrawable(data, view);
    figure.toggleAttribute("data-changed", chart.isLive && !isPicture);
    if (isFirst) restoreFirstView(chart);
    else if (isPicture) drawPicture(chart, view);
    else if (chart.isLive) fitPlot(chart);
  }
}

function restoreFirstView(chart) {
  if (!chart.paper) return;
  chart.paper.forEach((html, index) => {
    chart.figure.querySelector(FRAME_PARTS[index]).innerHTML = html;
  });
  showMessage(chart, "");
}

/** The live chart has a fixed size. With the plot box as its viewBox, CSS can fit it to the frame. */
function fitPlot({ figure }) {
  const plot = figure.querySelector(".plot");
  const { width, height, margin } = plot.layout;
  const box = [margin.l, margin.t, width - margin.l - margin.r, height - margin.t - margin.b].join(" ");
  for (const layer of plot.querySelectorAll(".main-svg")) {
    layer.setAttribute("viewBox", box);
    layer.setAttribute("preserveAspectRatio", "none");
  }
}

/** On the screen, the live chart has its own size again. */
function endPrint() {
  for (const { figure } of charts) figure.removeAttribute("data-changed");
  for (const layer of document.querySelectorAll(".plot .main-svg")) layer.removeAttribute("viewBox");
  show();
}

// -- events -------------------------------------------------------------------------------------------

function eventNode(event) {
  const x = `${Number(event.x.toFixed(2))}%`;
  const node = svgNode("a", event.url ? { href: event.url, tabindex: -1 } : {});
  node.append(
    svgNode("title", {}, event.title),
    svgNode("line", { x1: x, x2: x, y1: -33, y2: "100%" }),
    svgNode("rect", { width: 2 * event.half, x, y: -53 }),
    svgNode("text", { class: "number", x, y: -43 }, event.number),
  );
  if (event.name) {
    const name = event.before ? { class: "before", dx: -event.half - 4 } : { dx: event.half + 4 };
    node.append(svgNode("text", { ...name, x, y: -43 }, isolated(event.name)));
  }
  return node;
}

/** The list below the chart has the same numbers. */
function listEvents(chart, events) {
  const details = chart.figure.querySelector("details.events");
  if (!details) return;
  details.hidden = events.length === 0;
  details.querySelector("ol").replaceChildren(
    ...events.map(({ day, label, url, effect }) => {
      const item = document.createElement("li");
      const time = document.createElement("time");
      time.dateTime = day;
      time.textContent = formatShortDay(timeOf(day));
      const name = document.createElement("bdi");
      name.textContent = label;
      const link = document.createElement("a");
      if (url) {
        link.href = url;
        link.append(name);
      }
      item.append(time, " ", url ? link : name);
      if (effect) {
        const note = document.createElement("small");
        note.textContent = effect;
        item.append(" ", note);
      }
      return item;
    }),
  );
}

// -- last values --------------------------------------------------------------------------------------

/** Bars of months are labelled with the last full month, even if incomplete, like the numbers next to the chart. */
function namesLastMonth() {
  return state.by === "month" && state.mark === "bars";
}

/** The last complete point of a series, at `end` if given. */
function lastWhole(one, end = null) {
  const isOver = (point) => point.whole || (namesLastMonth() && point.state === "partial");
  const isWhole = (point) => point.shown !== null && isOver(point) && point.kind !== "seeded";
  return one.points.findLast((point) => isWhole(point) && (end === null || point.end === end)) ?? null;
}

/** The last period in which every current series is complete; if there is none, the last one of any series. */
function commonEnd(view) {
  const lasts = view.map((one) => [one, lastWhole(one)?.end ?? -Infinity]);
  const newest = Math.max(...lasts.map(([, end]) => end));
  if (namesLastMonth()) return newest;
  const going = lasts.filter(([, end]) => end > newest - 31 * DAY);
  const latest = Math.min(...going.map(([, end]) => end));
  return going.every(([one]) => lastWhole(one, latest)) ? latest : newest;
}

function endText(data, value) {
  if (isShared(data)) return formatPercent(value);
  return state.show === "indexed" ? formatNumber(value) : preciseNumber(Math.round(value));
}

/** The value of the last full period, above its bar; only for a stack or a single series. */
function lastLabel(data, view, scale) {
  if (isShared(data) || view.length === 0 || (view.length > 1 && !(isStacked(data) && isBars(data, view)))) return null;
  const end = commonEnd(view);
  const last = view.map((one) => lastWhole(one, end)).filter((point) => point !== null);
  if (last.length === 0) return null;
  const value = last.reduce((sum, point) => sum + point.shown, 0);
  if (value <= 0 || (scale.log && value < scale.low)) return null;
  return { x: xShare(scale, last[0].at), y: yShare(scale, value), text: endText(data, value) };
}

/** The width of a character of a label, and the share of the height from which a line connects it with its bar. */
const [LAST_CHARACTER, LEADER] = [9, 0.03];

/** The label in wide and in narrow charts, once if it is equally high in both. */
function lastNodes(data, view, scale) {
  const last = scale && lastLabel(data, view, scale);
  if (!last) return [];
  const [wide, narrow] = ["wide", "narrow"].map((room) => {
    const half = (LAST_CHARACTER * last.text.length) / 2 / LEAST_WIDTH[room];
    return labelNodes(raised(data, view, scale, last, half));
  });
  const outer = (nodes) => nodes.map((node) => node.outerHTML).join("");
  if (outer(wide) === outer(narrow)) return wide;
  const group = (room, nodes) => {
    const found = svgNode("g", { class: `value ${room}` });
    found.append(...nodes);
    return found;
  };
  return [group("wide", wide), group("narrow", narrow)];
}

function labelNodes({ x, y, text, ground }) {
  const nodes = [svgNode("text", { class: "last", x: percent(x), y: percent(y), dy: -7 }, text)];
  if (ground !== undefined) {
    nodes.push(svgNode("line", { class: "leader", x1: percent(x), x2: percent(x), y1: percent(y), y2: percent(ground) }));
  }
  return nodes;
}

/**
 * A label above everything within its width, of which `half` is a share of the plot; `ground` is the top of its bar
 * if that is much lower.
 */
function raised(data, view, scale, last, half) {
  // Above a line of stars, it ends at the end of the line.
  const [from, to] = data.kind === "stock" ? [last.x - 2 * half, last.x] : [last.x - half, last.x + half];
  const tops = topsOf(data, view, scale).filter(([left, right]) => left < to && right > from);
  const y = Math.min(last.y, ...tops.map(([, , top]) => top));
  return last.y - y < LEADER ? { ...last, y } : { ...last, y, ground: last.y };
}

/** The start, the end and the top of each bar, or of each point of a line. */
function topsOf(data, view, scale) {
  const points = view.flatMap((one) => one.points).filter((point) => point.shown !== null && point.slot !== null);
  if (!isBars(data, view)) {
    const shown = points.filter((point) => !scale.log || point.shown >= scale.low);
    return shown.map((point) => [xShare(scale, point.at), xShare(scale, point.at), yShare(scale, point.shown)]);
  }
  const sums = new Map();
  for (const { slot, shown } of points) sums.set(slot, (sums.get(slot) ?? 0) + Math.max(shown, 0));
  return [...sums].map(([slot, value]) => {
    const [left, right] = [slot, periodEnd(slot, grainOf(data)) + DAY].map((time) => xShare(scale, time));
    const gap = ((right - left) * (1 - STACK_SHARE)) / 2;
    return [left + gap, right - gap, yShare(scale, value)];
  });
}

/**
 * The last full value of every selectable series: `value` (null if there is none), `last` its point, and `at` the
 * position of its name; in a stack, the middle of its part.
 */
function endsOf(data, view) {
  const end = data.kind === "stock" ? null : commonEnd(view);
  const stacked = isStacked(data);
  let ground = 0;
  return offered(data).map(({ key }) => {
    const shown = view.find((one) => one.key === key);
    const last = shown && lastWhole(shown, end);
    const drawn = last ? last.shown : null;
    // Stacked lines already contain sums.
    const value = drawn !== null && stacked && !isBars(data, view) ? drawn - (last.ground ?? 0) : drawn;
    const at = stacked ? ground + (value ?? 0) / 2 : (drawn ?? 0);
    if (stacked) ground += value ?? 0;
    return { key, value, last, at };
  });
}

/** Places names next to the last values of their series, without overlaps. */
function placeNames(chart, view, scale) {
  const { data } = chart;
  const places = new Map();
  const notes = new Map();
  for (const { key, value, last, at } of endsOf(data, view)) {
    if (value !== null) notes.set(key, [endText(data, value), noteWhen(data, last)]);
    places.set(key, scale ? Math.min(1, yShare(scale, Math.max(scale.low, at))) : 1);
  }
  const ghost = scale && ghostEntry(data, view);
  if (ghost) places.set(GHOST_KEY, 0);
  showGhostEntry(chart, ghost);
  const running = runningText(data, scale);
  if (running) places.set("", 1);
  const spread = spreadNames([...places.values()]);
  [...places.keys()].forEach((key, index) => {
    const legend = chart.figure.querySelector(".legend");
    const own = { "": ".so-far", [GHOST_KEY]: ".ghost-name" }[key];
    const node = legend.querySelector(own ?? `[data-series="${CSS.escape(key)}"]`);
    node.className = node.className.replace(/ ?\bat-\d+/, "");
    node.classList.add(`at-${spread[index]}`);
    if (own) return;
    const [value, when] = notes.get(key) ?? ["", ""];
    const moment = document.createElement("span");
    moment.className = "when";
    moment.textContent = when;
    node.querySelector(".note").replaceChildren(value, moment);
  });
  const node = chart.figure.querySelector(".legend .so-far");
  node.hidden = !running;
  node.textContent = running;
}

/** Adds the ghost to the legend. */
function showGhostEntry(chart, ghost) {
  const legend = chart.figure.querySelector(".legend");
  const node = legend.querySelector(".ghost-name") ?? element("span", "ghost-name");
  node.hidden = ghost === null;
  node.replaceChildren(ghost?.name ?? "", " ", element("span", "note", ghost?.note ?? ""));
  legend.append(node);
}

function noteWhen(data, point) {
  if (data.kind === "stock") return "";
  const grain = grainOf(data);
  if (grain === "month") return ` in ${formatShortMonthName(point.start)}`;
  return grain === "week" ? " a week" : " a day";
}

/** "Nov so far, 23 of 30 days", of months. */
function runningText(data, scale) {
  if (!scale || data.kind !== "flow" || grainOf(data) !== "month" || !data.through) return "";
  const [asOf, through] = [timeOf(data.asOf), timeOf(data.through)];
  const next = monthStart(asOf, 1);
  if (asOf + DAY === next || monthStart(through) !== monthStart(asOf)) return "";
  const day = new Date(through);
  const days = Math.round((next - monthStart(asOf)) / DAY);
  return `${formatShortMonthName(through)} so far, ${day.getUTCDate()} of ${days} days`;
}

/** A selected range replaces the title. */
function setTitle(chart, title) {
  if (chart.window) chart.window.title = title;
  if (!chart.figure.classList.contains("windowed")) chart.figure.querySelector(":is(h2, h3)").textContent = title;
}

/** The title, with the selected period if it names one. */
function viewTitle(data) {
  return data.title.replace(/ per month$/, ` per ${grainOf(data)}`);
}

/** "All packages, last 24 months". */
function coverText(data, scale) {
  if (!scale) return data.scope;
  const range = rangeOf(data);
  const first = firstTime(data);
  const full = range !== "all" && monthStart(scale.since) <= first;
  const when = full
    ? `last ${MONTHS[range]} months`
    : `since ${formatShortMonth(scale.since)}`;
  return data.scope ? `${data.scope}, ${when}` : when[0].toUpperCase() + when.slice(1);
}
