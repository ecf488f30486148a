// Charts of counts and of net stars. Their picture is always the server's; cursor and selected ranges use values that
// are in the page.

const counts = [];

/** All charts with a cursor. */
const readable = () => [...charts, ...counts];

/**
 * Finds these charts. `stops` of their data are `[first day, last day, values, coverage, amount]`, days counted from
 * `start`; see panels_document in cmetrics/charts/panels.py.
 */
function findCounts() {
  for (const source of document.querySelectorAll("script.stops")) {
    const figure = source.closest("figure");
    const data = { events: [], ...JSON.parse(source.textContent) };
    data.found = countStops(data);
    counts.push({ figure, data, axes: stillAxes(figure.querySelector(".still")), stops: { view: "", list: data.found } });
  }
}

const isCount = (data) => data.stops !== undefined;

function countStops(data) {
  return data.stops.map(([first, last, values, coverage, amount]) => {
    const [start, end] = [first, last].map((day) => timeOf(data.start) + day * DAY);
    const readings = data.series.map((series, index) => ({ series, point: { value: null }, text: countText(values[index]) }));
    const name = start !== end ? formatPeriod(start, end) : `${data.days ? `${data.days} days to ` : ""}${formatDay(end)}`;
    return { start, end, from: start, to: end + DAY, isSnapshot: false, readings, name, coverage, amount, source: `Source: ${data.source}` };
  });
}

function countText(value) {
  if (value === null) return "No data";
  return typeof value === "number" ? formatNumber(value) : value;
}

/** @returns {Span} The days of a chart. */
function spanOfStops({ start, stops }) {
  return { from: timeOf(start) + stops[0][0] * DAY, to: timeOf(start) + stops.at(-1)[1] * DAY };
}

/** The count of a selected range, and the number of days for which it is known. */
function amountIn(data, span) {
  const inside = data.found.filter((stop) => stop.amount !== null && stop.start >= span.from && stop.end <= span.to);
  return {
    sum: inside.reduce((sum, stop) => sum + stop.amount, 0),
    days: inside.reduce((sum, stop) => sum + daysIn(stop.start, stop.end), 0),
  };
}

/** The texts for a selected range of a count, as `windowTexts` returns them. */
function countTexts(data, span) {
  const before = spanBefore(span);
  const unit = data.days ? `${data.unit} in ${data.days} days` : data.unit;
  if (data.sums === null) return { facts: [], note: `${unit} of several days do not add up.` };
  if (!data.sums) {
    const on = (time) => data.found.find((stop) => stop.end === time)?.amount ?? null;
    return gainTexts({ last: on(span.to), first: on(span.from - DAY), earlier: on(before.from - DAY) }, span, unit);
  }
  const [now, then] = [amountIn(data, span), amountIn(data, before)];
  const days = daysIn(span.from, span.to);
  const facts = [["b", formatNumber(now.sum), ` ${unit}`]];
  const isComparable = now.days === days && then.days === daysIn(before.from, before.to) && then.sum > 0;
  const change = 100 * (now.sum / then.sum - 1);
  if (isComparable) facts.push([change < 0 ? "down" : "up", formatChange(change), ` vs ${beforeName(span)}`]);
  const notes = now.days < days ? [`Known for ${now.days} of ${days} days.`] : [];
  if (!isComparable) notes.push(`No comparison with ${beforeName(span)}: days missing.`);
  return { facts, note: notes.join(" ") };
}
