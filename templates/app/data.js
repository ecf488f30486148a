// From the data in the page to the points of a view. Sums were made when the page was built; here
// they are only selected, compared and smoothed.

const DAY = 24 * 60 * 60 * 1000;
const MONTHS = { "3m": 3, "6m": 6, "1y": 12, "2y": 24 };
const number = { format: formatValue };
const longDay = { format: formatDay };
const shortDay = { format: formatShortDay };
const longMonth = { format: formatMonth };

const isoDay = (time) => new Date(time).toISOString().slice(0, 10);
const timeOf = (day) => Date.parse(`${day}T00:00:00Z`);

function grainOf(chart) {
  return chart.kind === "flow" ? state.by : state.starsby;
}

/** Every point of a series at the grain asked for; a gap is a point whose value is null. */
function pointsOf(chart, series) {
  const grain = grainOf(chart);
  const points = grain === "day" ? dayPoints(series) : periodPoints(chart, series, grain);
  if (chart.kind === "stock" && state.stars === "gain") return gains(points);
  return grain === "day" && state.smooth !== "off" ? smoothed(points, Number(state.smooth)) : points;
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
      points.push({ start: time, end: time, x: day, value, whole: true, kind, when: null, missing: "", how });
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

function seedPoints(series) {
  return (series.seeds ?? []).map(([first, last, value, how]) => {
    const when = `in about 30 days up to ${longDay.format(timeOf(last))}`;
    const [start, end] = [timeOf(first), timeOf(last)];
    return { start, end, x: last, value, whole: true, kind: "seeded", when, missing: "", how };
  });
}

/** Weeks or months, one after the other, each with what a text needs; the snapshots come before the months. */
function periodPoints(chart, series, grain) {
  const points = grain === "month" ? seedPoints(series) : [];
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
      // A sum stands in the middle of its days, a count on the day it is from.
      const x = isoDay(chart.kind === "stock" ? Math.min(end, newest) : start + DAY * Math.floor((end - start) / DAY / 2));
      points.push({
        start,
        end,
        x,
        value: periods.values[index],
        whole: !partial.has(index),
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

/** Of several packages the days of each count, which is more than a period has. */
function missingText([observed = null, expected], days, running) {
  if (observed === null) return "";
  const all = expected ?? days;
  const unit = all === days ? "days" : "package-days";
  return `${observed} of ${all} ${unit}${running ? " so far" : `, ${all - observed} missing`}`;
}

/** From one point to the next; none across a gap. */
function gains(points) {
  return points.slice(1).map((point, index) => {
    const before = points[index];
    const known = point.value !== null && before.value !== null;
    const kind = before.kind === "estimated" ? before.kind : point.kind;
    return { ...point, kind, value: known ? point.value - before.value : null };
  });
}

/** The mean of the last days; none unless every one of them has a value. */
function smoothed(points, days) {
  return points.map((point, index) => {
    const last = points.slice(Math.max(0, index - days + 1), index + 1).map((p) => p.value);
    const known = last.length === days && !last.includes(null);
    return { ...point, mean: { days, value: known ? last.reduce((sum, value) => sum + value, 0) / days : null } };
  });
}

function firstTime(chart) {
  if (state.range === "all") return -Infinity;
  const day = new Date(timeOf(chart.asOf));
  // The month that runs counts as one of them.
  return Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1 - MONTHS[state.range], 1);
}

/** The series that a chart offers in the way that it is split. */
function offered(chart) {
  return chart.series.filter((series) => !series.split || series.split === state.split);
}

function isStacked(chart) {
  return chart.stacked || state.place === "stacked";
}

/** A share of itself would be of no use to anybody: a chart of one series stays as it is. */
function isShared(chart) {
  return state.show === "share" && offered(chart).length > 1;
}

/** The view of a chart: its visible series with the points in range, `shown` being what is drawn. */
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
  if (state.show === "indexed") series.forEach(toIndex);
  return series;
}

/** Percent of what all visible series have together; none where one of them has no value. */
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

/** The first whole value in view is 100. */
function toIndex(one) {
  const base = one.points.find((point) => point.whole && point.kind !== "seeded" && point.shown > 0)?.shown;
  for (const point of one.points) {
    point.shown = base && point.shown !== null ? (100 * point.shown) / base : null;
  }
}
