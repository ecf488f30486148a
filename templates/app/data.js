// Converts the data in the page to the points of a view. Sums are computed at build time; here they are only
// selected, compared and smoothed.

const MONTHS = { "3m": 3, "6m": 6, "1y": 12, "2y": 24 };
const number = { format: formatValue };
const longDay = { format: formatDay };
const shortDay = { format: formatShortDay };
const longMonth = { format: formatMonth };

const isoDay = (time) => new Date(time).toISOString().slice(0, 10);
const timeOf = (day) => Date.parse(`${day}T00:00:00Z`);

function isGain(chart) {
  return chart.kind === "stock" && state.stars === "gain";
}

/** Every point of a series in the selected period; gaps are points with the value null. */
function pointsOf(chart, series) {
  const grain = grainOf(chart);
  const points = grain === "day" ? dayPoints(series) : periodPoints(chart, series, grain);
  const smooth = optionOf(chart, "smooth");
  const found = isGain(chart) ? gains(points) : points;
  return grain === "day" && smooth !== "off" && (chart.kind === "flow" || isGain(chart)) ? smoothed(found, Number(smooth)) : found;
}

function dayPoints(series) {
  if (!series.day) return [];
  const points = [];
  let time = timeOf(series.day.start);
  let index = 0;
  for (const [count, kind, how] of series.day.notes) {
    for (let n = 0; n < count; n += 1, time += DAY, index += 1) {
      const value = series.day.values[index];
      const day = isoDay(time);
      const place = { start: time, end: time, slot: time, at: time, x: day };
      points.push({ ...place, value, whole: true, state: "", kind, when: null, missing: "", how });
    }
  }
  return points;
}

/** The last day of the period that begins at a time. */
function periodEnd(start, grain) {
  if (grain === "week") return start + 6 * DAY;
  const day = new Date(start);
  return Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 1) - DAY;
}

/** Published totals. In stacked bars, each total is the bar of the month that has most of its days. */
function seedPoints(chart, series) {
  const taken = new Set();
  const { start: first, values } = series.month ?? { values: [] };
  values.forEach((value, index) => {
    if (value !== null) taken.add(monthStart(timeOf(first), index));
  });
  const seeds = (series.seeds ?? []).map(([first, last, value, how]) => {
    const when = `in about 30 days up to ${longDay.format(timeOf(last))}`;
    const [start, end] = [timeOf(first), timeOf(last)];
    const at = { start, end, slot: end, at: end, x: last };
    return { ...at, value, whole: true, state: "published", kind: "seeded", when, missing: "", how };
  });
  if (!isStacked(chart) || state.mark !== "bars") return seeds;
  const months = new Map();
  for (const point of seeds) {
    const slot = monthStart(point.end - 15 * DAY);
    point.slot = null;
    if (taken.has(slot)) continue;
    const before = months.get(slot);
    if (before) before.slot = null;
    months.set(slot, Object.assign(point, { slot, whole: false, at: middleOf(slot, monthStart(slot, 1) - DAY), x: middleDay(slot, monthStart(slot, 1) - DAY) }));
  }
  return seeds;
}

const middleOf = (start, end) => (start + end + DAY) / 2;
const middleDay = (start, end) => isoDay(start + DAY * Math.floor((end - start) / DAY / 2));

/** Consecutive weeks or months, each with the data for its texts; snapshots precede the months. */
function periodPoints(chart, series, grain) {
  const points = grain === "month" ? seedPoints(chart, series) : [];
  const periods = series[grain];
  if (!periods) return points;
  const partial = new Map(periods.partial.map(([place, ...counts]) => [place, counts]));
  const newest = timeOf(chart.through ?? chart.asOf);
  let start = timeOf(periods.start);
  let index = 0;
  for (const [count, kind, how] of periods.notes) {
    for (let n = 0; n < count; n += 1, index += 1) {
      const end = periodEnd(start, grain);
      const running = end > timeOf(chart.asOf);
      // A sum is placed in the middle of its days, a count on its day.
      const last = Math.min(end, newest);
      const x = chart.kind === "stock" ? isoDay(last) : middleDay(start, end);
      points.push({
        start,
        end,
        slot: start,
        at: chart.kind === "stock" ? last : middleOf(start, end),
        x,
        value: periods.values[index],
        whole: !partial.has(index),
        state: !partial.has(index) ? "" : running ? "running" : partial.get(index)[0] === null ? "published" : "partial",
        kind,
        when: whenText(chart, grain, start, end, running),
        missing: missingText(partial.get(index) ?? [], (end - start) / DAY + 1, running),
        how,
      });
      start = end + DAY;
    }
  }
  return points;
}

function whenText(chart, grain, start, end, running) {
  if (chart.kind === "stock") return running ? "so far" : `at the end of ${longDay.format(end)}`;
  return grain === "month" ? `in ${longMonth.format(start)}` : `in the week from ${longDay.format(start)}`;
}

/** For several packages, the days of each are counted, so the number exceeds the days of the period. */
function missingText([observed = null, expected], days, running) {
  if (observed === null) return "";
  const all = expected ?? days;
  const unit = all === days ? "days" : "package-days";
  return `${observed} of ${all} ${unit}${running ? " so far" : `, ${all - observed} missing`}`;
}

/** Differences between consecutive points; none across a gap. */
function gains(points) {
  return points.slice(1).map((point, index) => {
    const before = points[index];
    const known = point.value !== null && before.value !== null;
    const kind = before.kind === "estimated" ? before.kind : point.kind;
    return { ...point, kind, value: known ? point.value - before.value : null };
  });
}

/** The mean of the last days; none if any of them has no value. */
function smoothed(points, days) {
  return points.map((point, index) => {
    const last = points.slice(Math.max(0, index - days + 1), index + 1).map((p) => p.value);
    const known = last.length === days && !last.includes(null);
    return { ...point, mean: { days, value: known ? last.reduce((sum, value) => sum + value, 0) / days : null } };
  });
}

function firstTime(chart) {
  const range = rangeOf(chart);
  if (range === "all") return -Infinity;
  const day = new Date(timeOf(chart.asOf));
  // The current month counts as one of them.
  return Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1 - MONTHS[range], 1);
}

/** The series of a chart in the selected split. */
function offered(chart) {
  return chart.series.filter((series) => !series.split || series.split === state.split);
}

function isStacked(chart) {
  return chart.kind === "flow" && state.place === "stacked";
}

/** A chart of one series does not show shares, because its share is always 100%. */
function isShared(chart) {
  return chart.kind === "flow" && state.show === "share" && offered(chart).length > 1;
}

function isIndexed(chart) {
  return optionOf(chart, "show") === "indexed" && !isGain(chart);
}

function isLog(chart) {
  return optionOf(chart, "scale") === "log" && !isGain(chart) && !isShared(chart);
}

/** With more points, bars would be too thin for a pointer, so lines are drawn instead. */
const MOST_BARS = 200;

/** Whether a view is drawn as bars. */
function isBars(chart, view) {
  const wanted = isGain(chart) || (chart.kind === "flow" && state.mark === "bars");
  return wanted && !isLog(chart) && !isIndexed(chart) && Math.max(0, ...view.map((one) => one.points.length)) <= MOST_BARS;
}

/** The view of a chart: its visible series with the points in range. `shown` is the drawn value. */
function viewOf(chart) {
  const first = firstTime(chart);
  const comparing = isShared(chart) || isStacked(chart);
  const choice = offered(chart);
  const series = choice
    .filter((one) => !state.hide.has(one.key) && !(comparing && one.tone === "total" && choice.length > 1))
    .map((one) => {
      const points = pointsOf(chart, one).filter((point) => point.end >= first);
      const place = chart.series.indexOf(one);
      return { ...one, place, points: points.map((point) => ({ ...point, shown: point.mean ? point.mean.value : point.value })) };
    });
  if (isShared(chart)) toShares(series);
  if (isIndexed(chart)) series.forEach(toIndex);
  if (isStacked(chart) && !isBars(chart, series)) stack(series);
  return series;
}

/** Percent of the sum of all visible series; none if one of them has no value. */
function toShares(series) {
  const sums = new Map();
  for (const one of series) {
    for (const point of one.points) {
      if (point.shown === null || point.kind === "seeded") continue;
      const sum = sums.get(point.x) ?? { value: 0, parts: 0 };
      sums.set(point.x, { value: sum.value + point.shown, parts: sum.parts + 1 });
    }
  }
  for (const one of series) {
    for (const point of one.points) {
      const sum = point.kind === "seeded" ? undefined : sums.get(point.x);
      const known = point.shown !== null && sum?.parts === series.length && sum.value > 0;
      point.shown = known ? (100 * point.shown) / sum.value : null;
    }
  }
}

/** The first complete value in view is 100. */
function toIndex(one) {
  const base = one.points.find((point) => point.whole && point.kind !== "seeded" && point.shown > 0)?.shown;
  for (const point of one.points) {
    point.shown = base && point.shown !== null ? (100 * point.shown) / base : null;
  }
}

/** Stacked lines. Where a series has a gap after its first value, the series above it have a gap too. */
function stack(series) {
  const sums = new Map();
  const broken = new Set();
  for (const one of series) {
    const first = one.points.find((point) => point.shown !== null && point.kind !== "seeded");
    for (const point of one.points) {
      if (!first || point.at < first.at) point.shown = null;
      else if (point.shown === null || point.kind === "seeded") broken.add(point.x);
      point.ground = sums.get(point.x) ?? 0;
      if (broken.has(point.x)) point.shown = null;
      if (point.shown !== null) point.shown += point.ground;
      if (point.shown !== null) sums.set(point.x, point.shown);
    }
    if (!first) continue;
    // After the end of a series, the series above it have a gap.
    const last = one.points.at(-1).at;
    for (const other of series) {
      for (const point of other.points) if (other !== one && point.at > last && point.at > first.at) broken.add(point.x);
    }
  }
}
