// The values of a period, for the card at the cursor and as one sentence for screen readers.

/**
 * @typedef {object} Reading  One visible series in a period.
 * @property {object} series
 * @property {object} point
 *
 * @typedef {object} Stop  A position of the cursor: one period.
 * @property {number} start  The first day.
 * @property {number} end  The last day.
 * @property {number} from  The start of its column.
 * @property {number} to  The end of its column.
 * @property {boolean} isSnapshot  A total that was published before daily data.
 * @property {Reading[]} readings  In the order of the series.
 * @property {object[]} ghosts  Values of an earlier period; see ghost.js.
 *
 * Stops of counts include their texts, see counts.js.
 */

/** Every period of the view in order, including those without a value between the first and the last one. */
function stopsOf(chart) {
  const view = isCount(chart.data) ? "" : viewKey(chart.data);
  if (chart.stops?.view !== view) chart.stops = { view, list: findStops(chart.data) };
  return chart.stops.list;
}

/** The key of a view's cache: everything that it depends on. */
function viewKey(chart) {
  const span = state.ghost === "none" ? null : windows.flow;
  return JSON.stringify([Object.values({ ...state, hide: [...state.hide] }), span, chart.series.map((one) => Boolean(one.day))]);
}

/** The point of a period before or after all values of a series. */
const ABSENT = { value: null, shown: null, whole: true, kind: "", how: "" };

function findStops(chart) {
  /** @type {Map<string, Stop>} */
  const stops = new Map();
  const view = viewOf(chart);
  for (const series of view) {
    for (const point of series.points) {
      if (point.slot === null) continue; // It is not drawn.
      // A published total that replaces a month is shown with that month.
      const isSnapshot = point.kind === "seeded" && point.slot === point.end;
      const [start, end] = isSnapshot || point.kind !== "seeded" ? [point.start, point.end] : [point.slot, monthStart(point.slot, 1) - DAY];
      const key = `${start} ${end} ${isSnapshot}`;
      if (!stops.has(key)) stops.set(key, { start, end, ...columnOf(chart, { ...point, start, end, isSnapshot }), isSnapshot, readings: [], ghosts: [] });
      stops.get(key).readings.push({ series, point });
    }
  }
  for (const { tone, name, points } of ghostsOf(chart, view)) {
    for (const point of points) stops.get(`${point.start} ${point.end} false`)?.ghosts.push({ tone, name, point });
  }
  // Every visible series has a row in the card: "No data" before its first and after its last value.
  for (const stop of stops.values()) {
    if (stop.isSnapshot) continue;
    stop.readings = view.map((series) => stop.readings.find((one) => one.series === series) ?? { series, point: ABSENT });
  }
  return [...stops.values()].sort((a, b) => a.from + a.to - b.from - b.to);
}

/** A sum has the width of its days; a count and a published total are placed on one day. */
function columnOf(chart, point) {
  const isSum = chart.kind === "flow" && point.start !== point.end && !point.isSnapshot;
  if (isSum) return { from: point.start, to: point.end + DAY };
  return { from: timeOf(point.x) - DAY / 2, to: timeOf(point.x) + DAY / 2 };
}

function periodName(chart, stop) {
  if (stop.name) return stop.name;
  const last = formatDay(Math.min(stop.end, timeOf(chart.through ?? chart.asOf)));
  if (stop.isSnapshot) return `30 days to ${formatDay(stop.end)}`;
  if (stop.start === stop.end || chart.kind === "stock") return last;
  return grainOf(chart) === "month" ? formatMonth(stop.start) : `Week from ${formatDay(stop.start)}`;
}

function valueText(chart, { point, text }) {
  if (text !== undefined) return text;
  const count = point.mean ? point.mean.value : point.value;
  if (count === null) return "No data";
  const value = `${isGain(chart) && count > 0 ? "+" : ""}${formatValue(count)}`;
  if (isShared(chart) && point.shown !== null) return `${value} (${formatPercent(point.shown)})`;
  if (isIndexed(chart) && point.shown !== null) return `${value} (index ${formatValue(point.shown)})`;
  return value;
}

/** The sum of the readings; null if they are not parts of one total. */
function totalOf(chart, stop) {
  const counts = stop.readings.map(({ point }) => (point.mean ? point.mean.value : point.value)).filter((value) => value !== null);
  const hasTotal = stop.readings.some(({ series }) => series.tone === "total");
  if (stop.isSnapshot || hasTotal || counts.length === 0 || stop.readings.length < 2) return null;
  return counts.reduce((sum, value) => sum + value, 0);
}

/** "31 of 31 days", or the series with missing days. */
function coverageText(chart, stop) {
  if (stop.coverage !== undefined) return stop.coverage;
  if (stop.isSnapshot || chart.kind === "stock" || stop.start === stop.end) return "";
  const days = (stop.end - stop.start) / DAY + 1;
  const known = stop.readings.filter(({ point }) => point.value !== null);
  if (known.length === 0) return `0 of ${days} days`;
  const present = stop.readings.filter(({ point }) => point !== ABSENT);
  const lacking = present.filter(({ point }) => point.value === null || !point.whole);
  if (lacking.length === 0) return `${days} of ${days} days`;
  const textOf = (point) => (point.value === null ? `0 of ${days} days` : point.missing || "with published totals");
  const texts = lacking.map(({ series, point }) => [series.name, textOf(point)]);
  if (lacking.length === present.length && new Set(texts.map(([, text]) => text)).size === 1) return texts[0][1];
  return texts.map(([name, text]) => `${isolated(name)}: ${text}`).join("; ");
}

/** The origin of the values, and how they were read. */
function sourceText(stop) {
  if (stop.source) return stop.source;
  const known = stop.readings.filter(({ point }) => point.value !== null);
  const sources = [...new Set(known.flatMap(({ series }) => series.source.split(", ")))];
  const ways = [...new Set(known.map(({ point }) => point.how).filter(Boolean))];
  if (sources.length === 0) return "";
  return `Source: ${sources.join(", ")}${ways.length > 0 ? `: ${ways.join("; ")}` : ""}`;
}

/** The releases and other events of a period. */
function eventsOf(chart, stop) {
  return chart.events.filter((event) => timeOf(event.day) >= stop.start && timeOf(event.day) <= stop.end);
}

/** Stacked bars from the top down, all others as in the legend. */
function orderedReadings(chart, stop) {
  return isStacked(chart) ? [...stop.readings].reverse() : stop.readings;
}

/** The whole card in one sentence. */
function stopSentence(chart, stop) {
  const total = totalOf(chart, stop);
  const values = orderedReadings(chart, stop).map((reading) => `${isolated(reading.series.name)} ${valueText(chart, reading)}`);
  if (total !== null) values.push(`total ${formatValue(total)}`);
  values.push(...ghostRows(chart, stop).map(({ name, value }) => `${name} ${value}`));
  const notes = [coverageText(chart, stop), ...eventsOf(chart, stop).map((event) => isolated(event.label))].filter(Boolean);
  return `${periodName(chart, stop)}: ${[...values, ...notes].join(", ")}.`;
}

// -- the whole chart in words ---------------------------------------------------------------------------

/** The alternative text of a view: its subject and the first, last and highest complete value of each series. */
function viewSentence(chart) {
  const series = viewOf(chart);
  const summaries = series.map((one) => {
    const known = one.points.filter((point) => point.value !== null && (point.whole || point.kind === "seeded"));
    if (known.length === 0) return `${isolated(one.name)}: no complete period.`;
    const told = (point) => `${formatValue(point.value)} (${pointName(chart, point)})`;
    const [first, last] = [known[0], known.at(-1)];
    const peak = known.reduce((most, point) => (point.value >= most.value ? point : most));
    return first === last ? `${isolated(one.name)}: ${told(last)}.` : `${isolated(one.name)}: from ${told(first)} to ${told(last)}; peak ${told(peak)}.`;
  });
  const shown = summaries.length > 0 ? summaries.join(" ") : "All series hidden.";
  const ghost = hasGhost(chart) ? ` ${GHOSTS[state.ghost]} as an outline.` : "";
  return `${viewSubject(chart)}. ${shown}${ghost}`;
}

/** The title with the period of a value, such as "Downloads of Lance, by month", as in cmetrics/charts/words.py. */
function viewSubject(chart) {
  const grain = grainOf(chart);
  const title = viewTitle(chart);
  if (title.endsWith(` per ${grain}`)) return title;
  return `${title}, ${isGain(chart) ? "new stars " : ""}by ${grain}`;
}

function pointName(chart, point) {
  return periodName(chart, { ...point, isSnapshot: point.kind === "seeded", readings: [] });
}

/** The alternative text follows the view; it includes days and weeks once they are loaded. */
function showWords(chart) {
  const words = chart.figure.querySelector("[data-words]");
  words.dataset.words ||= words.textContent;
  if (isUsual(chart.data)) words.textContent = words.dataset.words;
  else words.textContent = awaitsDays(chart.data) ? `${viewSubject(chart.data)}.` : viewSentence(chart.data);
}
