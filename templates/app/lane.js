// The marks of events above a chart, by the rules of cmetrics/charts/lane.py.

const CIRCLE = 20;
const NAME_GAP = 10;
/** The width of a character of a mark's number, and the space on each side of it. */
const DIGIT = 8;
const PADDING = 2;
const LONGEST_NAME = 22;

/** The events of the range shown, without those before the first value. */
function shownEvents(data, view, scale) {
  if (state.events !== "on" || !scale) return [];
  const starts = view.flatMap((one) => one.points.filter((point) => point.shown !== null).map((point) => point.start));
  const first = Math.max(scale.start, Math.min(...starts));
  return data.events.filter(({ day }) => timeOf(day) >= first && timeOf(day) <= Math.min(scale.end, timeOf(data.asOf)));
}

/** The marks of events: `{x, number, half, name, before, url, title}`, x in percent. */
function laneOf(events, scale, room) {
  const width = LEAST_WIDTH[room];
  const groups = mergedEvents(
    events.map((event, index) => [{ number: index + 1, event, x: xShare(scale, timeOf(event.day)) * width }]),
  );
  const names = room === "narrow" ? groups.map(() => ["", false]) : laneNames(groups, width);
  return groups.map((group, index) => ({
    x: (100 * group[0].x) / width,
    number: numberOf(group),
    half: halfOf(group),
    name: names[index][0],
    before: names[index][1],
    url: group.length === 1 ? group[0].event.url : null,
    title: group.map(({ number: n, event }) => `${n}: ${isolated(event.label)}, ${formatShortDay(timeOf(event.day))}`).join("\n"),
  }));
}

/** Neighbours are combined until no marks touch. A combined mark is placed at its first event. */
function mergedEvents(groups) {
  const merged = [];
  for (const group of groups) {
    merged.push(group);
    // A combined mark is wider, and may touch the previous one.
    while (merged.length > 1) {
      const [before, last] = merged.slice(-2);
      if (last[0].x - before[0].x >= halfOf(before) + halfOf(last) + 1) break;
      merged.splice(-2, 2, [...before, ...last]);
    }
  }
  return merged;
}

/** The number of the event, or the first and the last of several. */
function numberOf(group) {
  return group.length === 1 ? String(group[0].number) : `${group[0].number}–${group.at(-1).number}`;
}

/** Half the width of a mark. Marks with long numbers are wider than a circle. */
function halfOf(group) {
  return Math.max(CIRCLE, DIGIT * numberOf(group).length + 2 * PADDING) / 2;
}

/** The name of each mark (empty if there is no space), and whether it is to the left of its circle. */
function laneNames(groups, width) {
  let taken = 0;
  return groups.map((group, index) => {
    const { x, event } = group[0];
    const half = halfOf(group);
    const [left, right] = [x - half, x + half];
    const name = group.length === 1 ? event.label : "";
    const need = textWidth(name) + NAME_GAP;
    const limit = index + 1 < groups.length ? groups[index + 1][0].x - halfOf(groups[index + 1]) : width;
    const before = taken;
    taken = right;
    if (!name || [...name].length > LONGEST_NAME) return ["", false];
    if (right + need <= limit) {
      taken = right + need;
      return [name, false];
    }
    return left - need >= before ? [name, true] : ["", false];
  });
}
