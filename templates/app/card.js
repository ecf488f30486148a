// The visible and spoken parts of the cursor: a plane over the plot box, a column, a card, and a sentence for screen
// readers. Used by the charts of all pages, including the comparison.

/** On a narrower canvas, the card does not fit next to the column, and is above the canvas. */
const CARD_BESIDE = 520;
const LEAST_COLUMN = 8;
const CARD_GAP = 10;
/** A touch that moves less than this (in pixels) counts as still. */
const STILL_FINGER = 8;
/** The delay of an announcement in ms, so that a held key does not flood the screen reader. */
const SPEECH_DELAY = 150;

// -- speech -----------------------------------------------------------------------------------------

const speech = element("p", "visually-hidden");
let speechTimer;

function setUpSpeech() {
  speech.setAttribute("role", "status");
  document.body.append(speech);
}

/** Announces a sentence to screen readers once, after the current announcement. */
function announce(text) {
  clearTimeout(speechTimer);
  speechTimer = setTimeout(() => {
    speech.textContent = text;
  }, SPEECH_DELAY);
}

// -- parts ------------------------------------------------------------------------------------------

/** Adds a cursor to a canvas. `help` is the id of the element that describes its keys. */
function addCursor(canvas, title, help) {
  const plane = element("div", "plane");
  plane.tabIndex = 0;
  plane.setAttribute("role", "application");
  plane.setAttribute("aria-roledescription", "interactive chart");
  plane.setAttribute("aria-label", title);
  plane.setAttribute("aria-describedby", help);
  const column = element("div", "column");
  column.hidden = true;
  plane.append(column);
  const card = element("div", "cursor-card");
  card.hidden = true;
  card.setAttribute("aria-hidden", "true");
  canvas.append(plane);
  return { canvas, plane, column, card, isAbove: false };
}

/** Places the plane over the plot box; null if there is none. */
function placePlane(cursor, box) {
  const { canvas, plane, card } = cursor;
  plane.hidden = box === null;
  const isAbove = canvas.clientWidth < CARD_BESIDE;
  if (isAbove !== cursor.isAbove || !card.parentElement) {
    cursor.isAbove = isAbove;
    card.classList.toggle("above", isAbove);
    if (isAbove) canvas.parentElement.before(card);
    else canvas.append(card);
  }
  if (!box) return;
  const { left, top, right, bottom } = box;
  Object.assign(plane.style, { left: `${left}px`, top: `${top}px`, width: `${right - left}px`, height: `${bottom - top}px` });
  card.style.top = isAbove ? "" : `${top}px`;
}

/** A row of the card: the swatch of a tone, an external name, a value. */
function cardRow(classes, name, value) {
  const row = element("li", classes);
  row.append(element("i"), element("bdi", "", name), element("b", "", value));
  return row;
}

function hideCard({ canvas, column, card, isAbove }) {
  column.hidden = true;
  keepInPlace(isAbove ? canvas : null, () => {
    card.hidden = true;
    card.style.minHeight = "";
  });
}

/** Scrolls by the distance that a change above an element moves it, so that it stays below the finger. */
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

/** Places the column over a period, and a card with `content` next to it or above the canvas. */
function showCard({ canvas, column, card, isAbove }, { box: { left, right }, first, last }, { from, to }, content) {
  const unit = (right - left) / (last - first);
  const middle = ((from + to) / 2 - first) * unit;
  const width = Math.max(LEAST_COLUMN, (to - from) * unit);
  const start = Math.max(0, middle - width / 2);
  const end = Math.min(right - left, middle + width / 2);
  Object.assign(column.style, { left: `${start}px`, width: `${end - start}px` });
  column.hidden = false;
  if (isAbove) {
    keepInPlace(canvas, () => {
      card.replaceChildren(...content);
      card.hidden = false;
      // Otherwise, a card that shrinks or grows would move the chart at every step.
      card.style.minHeight = `${Math.max(card.offsetHeight, Number.parseFloat(card.style.minHeight) || 0)}px`;
    });
    return;
  }
  card.replaceChildren(...content);
  // On the side with more space, which needs no measuring.
  const isLeft = middle > (right - left) / 2;
  const room = isLeft ? left + start - CARD_GAP : canvas.clientWidth - left - end - CARD_GAP;
  card.style.left = isLeft ? "" : `${left + end + CARD_GAP}px`;
  card.style.right = isLeft ? `${canvas.clientWidth - left - start + CARD_GAP}px` : "";
  card.style.maxWidth = `${room}px`;
  card.hidden = false;
}

// -- stops ------------------------------------------------------------------------------------------

function nearestStop(stops, time) {
  let [low, high] = [0, stops.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    // The boundary between two periods that do not touch is in the middle.
    const border = (stops[middle].to + stops[middle + 1].from) / 2;
    if (time < border) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The period selected by a key; undefined for keys that do not move the cursor. */
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
