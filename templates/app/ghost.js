// The ghost of a chart of downloads: values of the preceding period, or of a year before, over those of the selected
// range or of the whole view. It is part of the frame, so it is over picture and live chart alike.

/** The names of ghosts, also for the legend, and the number of periods in a year. */
const GHOSTS = { previous: "Previous period", year: "Year before" };
const GHOST_NAMES = { previous: "Previous", year: "Year before" };
const YEAR_OF = { month: 12, week: 52, day: 364 };
const GHOST_KEY = "-ghost";

/**
 * @typedef {object} GhostPoint  A value over a period of the chart.
 * @property {number} start
 * @property {number} end
 * @property {number} slot
 * @property {number} at
 * @property {number} from  The first day of the value.
 * @property {number} to
 * @property {number | null} shown  null without any value.
 * @property {number | null} value  The same, but never an average.
 * @property {string} missing  A text about missing data; empty if complete.
 *
 * @typedef {{tone: string, name: string, points: GhostPoint[]}} Ghost  The name is empty for all series together.
 */

/** Shares and indexes of another period would not be comparable. */
function hasGhost(data) {
  return data.kind === "flow" && state.ghost !== "none" && !isShared(data) && !isIndexed(data);
}

/** @returns {Ghost[]} One for the total if series are stacked, else one for each. */
function ghostsOf(data, view) {
  if (!hasGhost(data)) return [];
  const key = viewKey(data);
  if (data.ghosts?.key !== key) data.ghosts = { key, list: findGhosts(data, view) };
  return data.ghosts.list;
}

function findGhosts(data, view) {
  const grain = grainOf(data);
  const span = clippedSpan(data, windows.flow);
  const periods = new Map();
  for (const point of view.flatMap((one) => one.points)) {
    const isInside = !span || (point.start <= span.to && point.end >= span.from);
    if (isInside && point.kind !== "seeded") periods.set(point.start, point);
  }
  const shown = [...periods.values()].sort((a, b) => a.start - b.start);
  if (shown.length === 0) return [];
  const back = stepBack(grain, shown[0].start, shown.at(-1).start);
  const parts = view.map((one) => {
    const points = pointsOf(data, one).filter((point) => point.kind !== "seeded");
    return { name: one.name, tone: one.tone, points: new Map(points.map((point) => [point.start, point])), first: points[0]?.start ?? Infinity };
  });
  const groups = isStacked(data) ? [parts] : parts.map((part) => [part]);
  return groups.map((group) => ({
    tone: isStacked(data) ? "total" : group[0].tone,
    name: isStacked(data) ? "" : group[0].name,
    points: shown.map((period) => ghostPoint(group, period, back(period.start), grain)),
  }));
}

/** The time that is earlier by the length of the view, or by a year. */
function stepBack(grain, first, last) {
  const days = { week: 7, day: 1 }[grain];
  const length = (days ? (last - first) / DAY / days : monthOf(last) - monthOf(first)) + 1;
  const count = state.ghost === "year" ? YEAR_OF[grain] : length;
  return (time) => (days ? time - count * days * DAY : monthStart(time, -count));
}

/** @returns {GhostPoint} A series before its first value is not missing. */
function ghostPoint(group, { start, end, slot, at }, from, grain) {
  const begun = group.filter(({ first }) => first <= from).map(({ name, points }) => ({ name, point: points.get(from) }));
  const valueOf = (point) => (point?.mean ? point.mean.value : (point?.value ?? null));
  const known = begun.filter(({ point }) => valueOf(point) !== null);
  const lacking = begun.filter(({ point }) => valueOf(point) === null || !point.whole);
  const texts = lacking.map(({ name, point }) => [name, valueOf(point) === null ? "no data" : point.missing || "with published totals"]);
  const isOne = lacking.length === begun.length && new Set(texts.map(([, text]) => text)).size === 1;
  return {
    start,
    end,
    slot,
    at,
    from,
    to: grain === "day" ? from : periodEnd(from, grain),
    shown: known.length > 0 ? known.reduce((sum, { point }) => sum + valueOf(point), 0) : null,
    value: known.length > 0 ? known.reduce((sum, { point }) => sum + (point.value ?? 0), 0) : null,
    missing: isOne ? texts[0][1] : texts.map(([name, text]) => `${isolated(name)}: ${text}`).join("; "),
  };
}

// -- words --------------------------------------------------------------------------------------------

/** The rows of a period's ghosts: name with period, value, and missing data. */
function ghostRows(data, stop) {
  return (stop.ghosts ?? []).map(({ tone, name, point }) => {
    const period = periodName(data, { start: point.from, end: point.to });
    return {
      tone,
      name: name ? `${isolated(name)}, ${period}` : period,
      value: point.shown === null ? "No data" : formatValue(point.shown),
      note: point.missing && point.shown !== null ? `${period}: ${point.missing}` : "",
    };
  });
}

/** The columns of a table for the ghosts: their names, and each period's value with its days, by the key of the row. */
function ghostColumns(data, view) {
  return ghostsOf(data, view).map(({ name, points }) => ({
    name: name ? `${isolated(name)}, ${GHOSTS[state.ghost].toLowerCase()}` : GHOSTS[state.ghost],
    cells: new Map(
      points
        .filter((point) => point.value !== null)
        .map((point) => [`${isoDay(point.end)} ${isoDay(point.start)} false`, { ...point, period: periodName(data, { start: point.from, end: point.to }) }]),
    ),
  }));
}

/** The entry of the legend: the name of the ghost, and whether days are missing; null if there is none. */
function ghostEntry(data, view) {
  if (!hasGhost(data)) return null;
  const points = ghostsOf(data, view).flatMap((ghost) => ghost.points);
  const isEmpty = points.every((point) => point.shown === null);
  const note = isEmpty ? "no data" : points.some((point) => point.shown !== null && point.missing) ? "days missing" : "";
  return { name: GHOST_NAMES[state.ghost], note };
}

// -- drawing ------------------------------------------------------------------------------------------

/** Bars of ghosts (outlines): the times at their sides, and their values. */
function ghostBars(data, view) {
  const beside = isStacked(data) ? 1 : view.length;
  return ghostsOf(data, view).flatMap(({ points }, index) =>
    points.filter(({ shown, slot }) => shown !== null && slot !== null).map(({ slot, end, shown, missing }) => {
      const room = (end + DAY - slot) * (beside > 1 ? GROUP_SHARE : STACK_SHARE);
      const left = slot + (end + DAY - slot - room) / 2 + (index * room) / beside;
      return { left, right: left + room / beside, value: shown, isWhole: missing === "" };
    }),
  );
}

/** Lines of ghosts, interrupted at incomplete values, which would look like a decrease. */
function ghostRuns(data, view) {
  return ghostsOf(data, view).flatMap(({ tone, points }) => {
    const runs = [[]];
    for (const point of points) {
      if (point.shown !== null && point.missing === "") runs.at(-1).push(point);
      else runs.push([]);
    }
    return runs.filter((run) => run.length > 0).map((run) => ({ tone, run }));
  });
}

/** @returns {Element[]} The ghosts in percent of the plot box. */
function ghostNodes(data, view, scale) {
  if (!scale || !hasGhost(data)) return [];
  const inside = (value) => Math.max(0, Math.min(1, yShare(scale, Math.max(value, scale.log ? 1 : 0))));
  if (isBars(data, view)) {
    return ghostBars(data, view).map(({ left, right, value, isWhole }) => {
      const [x, y] = [xShare(scale, left), inside(value)];
      const size = { x: percent(x), y: percent(y), width: percent(xShare(scale, right) - x), height: percent(1 - y) };
      return svgNode("rect", { class: `ghost${isWhole ? "" : " partial"}`, ...size });
    });
  }
  const lines = svgNode("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none" });
  const dots = [];
  for (const { tone, run } of ghostRuns(data, view)) {
    const places = run.map((point) => [xShare(scale, point.at), inside(point.shown)]);
    const points = places.map(([x, y]) => `${rounded(100 * x, 2)},${rounded(100 * y, 2)}`).join(" ");
    if (run.length > 1) lines.append(svgNode("polyline", { class: `ghost tone-${tone}`, points }));
    else dots.push(svgNode("circle", { class: `ghost tone-${tone}`, cx: percent(places[0][0]), cy: percent(places[0][1]), r: 2.5 }));
  }
  return [lines, ...dots];
}
