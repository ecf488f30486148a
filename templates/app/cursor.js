// The cursor: a column and a card with what a chart says of a period. It lies over the plot, over the still picture
// and the live chart alike, and is moved by pointer, finger and keyboard.

/** A narrower canvas has no room for a card beside the column; it stands above the canvas then. */
const CARD_BESIDE = 520;
const LEAST_COLUMN = 8;
const CARD_GAP = 10;
/** A finger that moves less far than this is still. */
const STILL_FINGER = 8;
/** Keys that are held down would fill the speech of a screen reader. */
const SPEECH_DELAY = 150;

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// -- speech -----------------------------------------------------------------------------------------

const speech = element("p", "visually-hidden");
let speechTimer;

/** Says a sentence once to those who listen, after what is being said. */
function announce(text) {
  clearTimeout(speechTimer);
  speechTimer = setTimeout(() => {
    speech.textContent = text;
  }, SPEECH_DELAY);
}

// -- set-up -----------------------------------------------------------------------------------------

function setUpCursors() {
  speech.setAttribute("role", "status");
  const help = element("p", "", "The left and right arrow keys move by one period, Page Up and Page Down by a year, Home and End to the first and last period. Hold Shift to select a window. Escape closes the card.");
  help.id = "cursor-help";
  help.hidden = true;
  document.body.append(speech, help);
  for (const chart of charts) {
    if (!chart.isEmpty) setUpCursor(chart);
    showWords(chart);
  }
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = charts.filter((chart) => chart.cursor?.stop);
    for (const chart of open) dismiss(chart);
    if (open.length === 0) leaveWindows();
  });
  addEventListener("pointerdown", (event) => {
    for (const chart of charts) if (chart.cursor?.stop && !chart.cursor.plane.contains(event.target)) hideCursor(chart);
  });
}

function setUpCursor(chart) {
  const canvas = chart.figure.querySelector(".canvas");
  const plane = element("div", "plane");
  plane.tabIndex = 0;
  plane.setAttribute("role", "application");
  plane.setAttribute("aria-roledescription", "interactive chart");
  plane.setAttribute("aria-label", chart.data.title);
  plane.setAttribute("aria-describedby", "cursor-help");
  const column = element("div", "column");
  column.hidden = true;
  plane.append(column);
  const card = element("div", "cursor-card");
  card.hidden = true;
  card.setAttribute("aria-hidden", "true");
  canvas.append(plane);
  chart.cursor = { canvas, plane, column, card, stop: null, last: null, at: null, dismissed: null, isAbove: false, touch: null };
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

/** Lays the plane over the plot; to be called whenever the chart is another one. */
function placeCursor(chart) {
  if (!chart.cursor) return;
  const { canvas, plane, card } = chart.cursor;
  const scale = scaleOf(chart);
  plane.hidden = scale === null;
  chart.cursor.scale = scale;
  const isAbove = canvas.clientWidth < CARD_BESIDE;
  if (isAbove !== chart.cursor.isAbove || !card.parentElement) {
    chart.cursor.isAbove = isAbove;
    card.classList.toggle("above", isAbove);
    if (isAbove) canvas.parentElement.before(card);
    else canvas.append(card);
  }
  if (scale) {
    const { left, top, right, bottom } = scale.box;
    Object.assign(plane.style, { left: `${left}px`, top: `${top}px`, width: `${right - left}px`, height: `${bottom - top}px` });
    card.style.top = isAbove ? "" : `${top}px`;
  }
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
    // The pointer may have left while values were loaded.
    const stop = chart.cursor.at === null ? null : stopAt(chart, chart.cursor.at);
    if (stop && stop !== chart.cursor.dismissed) showStop(chart, stop, false);
  });
}

/** A picture of days comes without their values; they are loaded when it is first pointed at. */
function withDays(chart, action) {
  const { data } = chart;
  if (grainOf(data) !== "day" || data.series.every((one) => one.day || !one.days)) action();
  else loadDays(data).then(action, () => {}); // Without them, the picture is what there is.
}

/** The period below a place in the window. */
function stopAt(chart, clientX) {
  const { scale, canvas } = chart.cursor;
  const stops = stopsOf(chart);
  if (!scale || stops.length === 0) return null;
  const share = (clientX - canvas.getBoundingClientRect().left - scale.box.left) / (scale.box.right - scale.box.left);
  const near = nearestStop(stops, scale.first + share * (scale.last - scale.first));
  return stops[near];
}

function nearestStop(stops, time) {
  let [low, high] = [0, stops.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    // The border between two periods that do not touch is in the middle between them.
    const border = (stops[middle].to + stops[middle + 1].from) / 2;
    if (time < border) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Where the cursor is, or was. */
function currentStop(chart) {
  const stops = stopsOf(chart);
  const { last } = chart.cursor;
  if (stops.includes(last)) return last;
  return stops.findLast((stop) => stop.readings.some(({ point }) => point.value !== null)) ?? stops.at(-1);
}

/** The period that a key leads to; undefined for keys that move nothing. */
function keyTarget(stops, index, key) {
  const year = 365.25 * DAY;
  const byTime = (time) => {
    const found = nearestStop(stops, time);
    return found === index ? index + Math.sign(time - stops[index].start) : found;
  };
  const middle = index < 0 ? 0 : (stops[index].from + stops[index].to) / 2;
  switch (key) {
    case "ArrowLeft":
      return index - 1;
    case "ArrowRight":
      return index + 1;
    case "Home":
      return 0;
    case "End":
      return stops.length - 1;
    case "PageUp":
      return byTime(middle - year);
    case "PageDown":
      return byTime(middle + year);
    default:
      return undefined;
  }
}

function onCursorKey(chart, event) {
  // With Shift, the same keys choose a window.
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
  const { column, card, isAbove, canvas } = chart.cursor;
  if (!chart.cursor.stop) return;
  chart.cursor.stop = null;
  column.hidden = true;
  keepInPlace(isAbove ? canvas : null, () => {
    card.hidden = true;
    card.style.minHeight = "";
  });
}

/** Scrolls by what a change above an element moves it, so that it stays below the finger. */
function keepInPlace(place, change) {
  if (!place) {
    change();
    return;
  }
  const root = document.documentElement;
  root.classList.add("anchored");
  const before = place.getBoundingClientRect().top;
  change();
  const moved = place.getBoundingClientRect().top - before;
  if (moved !== 0) scrollBy({ top: moved, behavior: "instant" });
  requestAnimationFrame(() => root.classList.remove("anchored"));
}

function showStop(chart, stop, isSpoken) {
  const { column, card, scale, isAbove, canvas } = chart.cursor;
  if (!stop || !scale) return;
  if (isSpoken) announce(stopSentence(chart.data, stop));
  if (chart.cursor.stop === stop) return;
  chart.cursor.stop = stop;
  chart.cursor.last = stop;
  const { left, right } = scale.box;
  const unit = (right - left) / (scale.last - scale.first);
  const middle = ((stop.from + stop.to) / 2 - scale.first) * unit;
  const width = Math.max(LEAST_COLUMN, (stop.to - stop.from) * unit);
  const start = Math.max(0, middle - width / 2);
  const end = Math.min(right - left, middle + width / 2);
  Object.assign(column.style, { left: `${start}px`, width: `${end - start}px` });
  column.hidden = false;
  if (isAbove) {
    keepInPlace(canvas, () => {
      fillCard(chart, stop);
      card.hidden = false;
      // A card that shrinks and grows would move the chart at every step.
      card.style.minHeight = `${Math.max(card.offsetHeight, Number.parseFloat(card.style.minHeight) || 0)}px`;
    });
    return;
  }
  fillCard(chart, stop);
  // On the side where there is more room; nothing has to be measured for that.
  const isLeft = middle > (right - left) / 2;
  const room = isLeft ? left + start - CARD_GAP : canvas.clientWidth - left - end - CARD_GAP;
  card.style.left = isLeft ? "" : `${left + end + CARD_GAP}px`;
  card.style.right = isLeft ? `${canvas.clientWidth - left - start + CARD_GAP}px` : "";
  card.style.maxWidth = `${room}px`;
  card.hidden = false;
}

function fillCard(chart, stop) {
  const rows = orderedReadings(chart.data, stop).map((reading) => {
    const row = element("li", `tone-${reading.series.tone}`);
    row.append(element("i"), element("bdi", "", reading.series.name), element("b", "", valueText(chart.data, reading)));
    return row;
  });
  const total = totalOf(chart.data, stop);
  if (total !== null) {
    const row = element("li", "sum");
    const name = offered(chart.data).some((series) => state.hide.has(series.key)) ? "Total shown" : "Total";
    row.append(element("span", "", name), element("b", "", `${isGain(chart.data) && total > 0 ? "+" : ""}${formatValue(total)}`));
    rows.push(row);
  }
  const list = element("ul");
  list.append(...rows);
  const notes = [coverageText(chart.data, stop), sourceText(stop)].filter(Boolean);
  const events = eventsOf(chart.data, stop).map((event) => {
    const line = element("p", "event");
    line.append(`${formatShortDay(timeOf(event.day))}: `, element("bdi", "", event.label));
    return line;
  });
  chart.cursor.card.replaceChildren(
    element("p", "when", periodName(chart.data, stop)),
    list,
    ...events,
    ...notes.map((note) => element("p", "", note)),
  );
}
