// The cursor of a chart, and the values that it shows. It works over the picture and the live chart alike, with
// pointer, touch and keyboard; card.js draws it.

// -- set-up -----------------------------------------------------------------------------------------

function setUpCursors() {
  const help = element("p", "", "The left and right arrow keys move by one period, Page Up and Page Down by a year, Home and End to the first and last period. Hold Shift to select a window. Escape closes the card.");
  help.id = "cursor-help";
  help.hidden = true;
  document.body.append(help);
  setUpSpeech();
  for (const chart of readable()) if (!chart.isEmpty) setUpCursor(chart);
  for (const chart of charts) showWords(chart);
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = readable().filter((chart) => chart.cursor?.stop);
    for (const chart of open) dismiss(chart);
    if (open.length === 0) leaveWindows();
  });
  addEventListener("pointerdown", (event) => {
    for (const chart of readable()) if (chart.cursor?.stop && !chart.cursor.plane.contains(event.target)) hideCursor(chart);
  });
}

function setUpCursor(chart) {
  const parts = addCursor(chart.figure.querySelector(".canvas"), chart.data.title, "cursor-help");
  const { canvas, plane } = parts;
  chart.cursor = { ...parts, stop: null, last: null, at: null, dismissed: null, touch: null };
  plane.addEventListener("pointermove", (event) => onPointer(chart, event));
  plane.addEventListener("pointerdown", (event) => {
    chart.cursor.touch = event.pointerType === "touch" ? event.clientX : null;
  });
  plane.addEventListener("click", (event) => {
    chart.cursor.dismissed = null;
    pointAt(chart, event);
  });
  plane.addEventListener("pointerleave", (event) => {
    chart.cursor.dismissed = null;
    if (event.pointerType !== "touch") chart.cursor.at = null;
    if (event.pointerType !== "touch" && !plane.matches(":focus-visible")) hideCursor(chart);
  });
  plane.addEventListener("keydown", (event) => onCursorKey(chart, event));
  plane.addEventListener("focus", () => {
    withDays(chart, () => {
      if (plane.matches(":focus-visible")) showStop(chart, currentStop(chart), true);
    });
  });
  plane.addEventListener("blur", () => hideCursor(chart));
  new ResizeObserver(() => placeCursor(chart)).observe(canvas);
}

/** Places the plane over the plot. Must be called whenever the chart changes. */
function placeCursor(chart) {
  if (!chart.cursor) return;
  const scale = scaleOf(chart);
  chart.cursor.scale = scale;
  placePlane(chart.cursor, scale?.box ?? null);
  placeWindow(chart);
  const { stop } = chart.cursor;
  hideCursor(chart);
  const same = scale && stop && stopsOf(chart).find((one) => one.start === stop.start && one.end === stop.end);
  if (same) showStop(chart, same, false);
}

// -- moving -----------------------------------------------------------------------------------------

function onPointer(chart, event) {
  const { touch } = chart.cursor;
  if (event.pointerType === "touch" && (touch === null || Math.abs(event.clientX - touch) < STILL_FINGER)) return;
  if (chart.window?.drag?.span) return;
  chart.cursor.touch = event.pointerType === "touch" ? Infinity : null;
  pointAt(chart, event);
}

function pointAt(chart, event) {
  chart.cursor.at = event.clientX;
  withDays(chart, () => {
    // The pointer may have left while values were loading.
    const stop = chart.cursor.at === null ? null : stopAt(chart, chart.cursor.at);
    if (stop && stop !== chart.cursor.dismissed) showStop(chart, stop, false);
  });
}

/** A picture of days does not include their values, which are loaded at the first use of the cursor. */
function withDays(chart, action) {
  const { data } = chart;
  if (grainOf(data) !== "day" || data.series.every((one) => one.day || !one.days)) action();
  else loadDays(data).then(action, () => {}); // Without them, the picture is what there is.
}

/** The period at a position in the browser window. */
function stopAt(chart, clientX) {
  const { scale, canvas } = chart.cursor;
  const stops = stopsOf(chart);
  if (!scale || stops.length === 0) return null;
  const share = (clientX - canvas.getBoundingClientRect().left - scale.box.left) / (scale.box.right - scale.box.left);
  const near = nearestStop(stops, scale.first + share * (scale.last - scale.first));
  return stops[near];
}

/** The current or last position of the cursor. */
function currentStop(chart) {
  const stops = stopsOf(chart);
  const { last } = chart.cursor;
  if (stops.includes(last)) return last;
  return stops.findLast((stop) => stop.readings.some(({ point }) => point.value !== null)) ?? stops.at(-1);
}

function onCursorKey(chart, event) {
  // With Shift, the same keys select a range.
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const stops = stopsOf(chart);
  if (stops.length === 0) return;
  const here = stops.indexOf(currentStop(chart));
  const target = keyTarget(stops, here, event.key);
  if (target === undefined) return;
  event.preventDefault();
  const moved = chart.cursor.stop ? target : here;
  const index = ["Home", "End"].includes(event.key) ? target : moved;
  showStop(chart, stops[Math.max(0, Math.min(stops.length - 1, index))], true);
}

function dismiss(chart) {
  chart.cursor.dismissed = chart.cursor.stop;
  hideCursor(chart);
}

// -- showing ----------------------------------------------------------------------------------------

function hideCursor(chart) {
  if (!chart.cursor.stop) return;
  chart.cursor.stop = null;
  hideCard(chart.cursor);
}

function showStop(chart, stop, isSpoken) {
  const { scale } = chart.cursor;
  if (!stop || !scale) return;
  if (isSpoken) announce(stopSentence(chart.data, stop));
  if (chart.cursor.stop === stop) return;
  chart.cursor.stop = stop;
  chart.cursor.last = stop;
  showCard(chart.cursor, scale, stop, cardOf(chart, stop));
}

/** The content of the card for a period. */
function cardOf(chart, stop) {
  const rows = orderedReadings(chart.data, stop).map((reading) =>
    cardRow(`tone-${reading.series.tone}`, reading.series.name, valueText(chart.data, reading)),
  );
  const total = totalOf(chart.data, stop);
  if (total !== null) {
    const row = element("li", "sum");
    const name = offered(chart.data).some((series) => state.hide.has(series.key)) ? "Total shown" : "Total";
    row.append(element("span", "", name), element("b", "", `${isGain(chart.data) && total > 0 ? "+" : ""}${formatValue(total)}`));
    rows.push(row);
  }
  const ghosts = ghostRows(chart.data, stop);
  rows.push(...ghosts.map(({ tone, name, value }) => cardRow(`ghost tone-${tone}`, name, value)));
  const list = element("ul");
  list.append(...rows);
  const notes = [coverageText(chart.data, stop), ...ghosts.map(({ note }) => note), sourceText(stop)].filter(Boolean);
  const events = eventsOf(chart.data, stop).map((event) => {
    const line = element("p", "event");
    line.append(`${formatShortDay(timeOf(event.day))}: `, element("bdi", "", event.label));
    return line;
  });
  return [element("p", "when", periodName(chart.data, stop)), list, ...events, ...notes.map((note) => element("p", "", note))];
}
