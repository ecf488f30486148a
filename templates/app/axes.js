// The axes of a view: times and values at the edges of the plot box, levels and labels. `chart.axes` has those of the
// current drawing, picture and live chart alike; geometry.js has the plot box.

/** The widths from which a chart is large or wide, as in cmetrics/charts/scale.py. */
const ROOMS = [["large", 700], ["wide", 510], ["narrow", 0]];

function roomOf(chart) {
  const { width } = chart.figure.querySelector(".canvas").getBoundingClientRect();
  return ROOMS.find(([, least]) => width >= least)[0];
}

/** The axes of the server's picture. */
function stillAxes(still) {
  const { start, end, low, high } = still.dataset;
  return { start: Date.parse(start), end: Date.parse(end), low: Number(low), high: Number(high), log: false };
}

/** The axes of a view; null if nothing can be drawn. */
function axesOf(data, view) {
  const drawn = view.flatMap((one) => one.points.filter((point) => point.shown !== null));
  if (drawn.length === 0) return null;
  const bars = isBars(data, view);
  const [start, end, since] = domainOf(data, view, bars);
  const values = withGhosts(data, view, heightsOf(data, view, bars));
  const log = isLog(data);
  const levels = log ? decades(values) : levelsOf(data, values, bars);
  const texts = log ? levels.map(shortNumber) : isShared(data) ? levels.map((level) => `${level}%`) : levelTexts(levels);
  const centred = data.kind === "flow" && grainOf(data) === "month";
  const ticks = (room) => timeTicks(start, end, room, centred);
  const labels = { wide: ticks("wide"), narrow: ticks("narrow") };
  return { start, end, since, low: levels[0], high: levels.at(-1), log, levels, texts, ticks: labels };
}

/** The minimum number of bars that the range leaves space for. The bar of a single period would fill the plot. */
const LEAST_BARS = 6;
const PERIODS = { day: DAY, week: 7 * DAY, month: 30 * DAY };

/** Whole periods of bars and months; for lines, from the first to the last point. The third: the start of the data. */
function domainOf(data, view, bars) {
  const points = view.flatMap((one) => one.points);
  const isMonths = data.kind === "flow" && grainOf(data) === "month";
  const known = points.filter((point) => point.value !== null && point.slot !== null);
  const first = Math.min(...known.map((point) => (bars || isMonths ? point.slot : point.at)));
  const earliest = firstTime(data);
  if (isMonths) {
    const [since, end] = [Math.max(monthStart(first), earliest), monthStart(timeOf(data.asOf), 1)];
    return [Math.max(Math.min(since, monthStart(end, -LEAST_BARS)), earliest), end, since];
  }
  const last = Math.max(...known.map((point) => (bars ? point.end + DAY : point.at)));
  if (bars) return [Math.min(first, Math.max(last - LEAST_BARS * PERIODS[grainOf(data)], earliest)), last, first];
  return first === last ? [first - DAY, last + DAY, first] : [first, last, first];
}

/**
 * The lowest and the highest drawn value; for stacked bars, of their sums.
 * @returns {[number, number]}
 */
function heightsOf(data, view, bars) {
  if (!bars || !isStacked(data)) {
    const values = view.flatMap((one) => one.points.map((point) => point.shown)).filter((value) => value !== null);
    return [Math.min(...values), Math.max(...values)];
  }
  const [up, down] = [new Map(), new Map()];
  for (const point of view.flatMap((one) => one.points)) {
    if (point.shown === null || point.slot === null) continue;
    const sums = point.shown < 0 ? down : up;
    sums.set(point.slot, (sums.get(point.slot) ?? 0) + point.shown);
  }
  return [Math.min(0, ...down.values()), Math.max(0, ...up.values())];
}

/** @returns {[number, number]} */
function withGhosts(data, view, [low, high]) {
  const values = ghostsOf(data, view).flatMap((ghost) => ghost.points.map((point) => point.shown)).filter((value) => value !== null);
  return [Math.min(low, ...values), Math.max(high, ...values)];
}

function levelsOf(data, [low, high], bars) {
  if (isShared(data)) return [0, 25, 50, 75, 100];
  if (low < 0) return stepsBetween(low, Math.max(0, high));
  return bars || data.kind === "flow" ? levelsTo(high) : lineLevels(low, high);
}
