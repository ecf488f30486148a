// Sums of a selected range and of the preceding one of the same length, from the values by day. Only like is compared
// with like.

/** Metrics with missing days are left out of a change, unless they have more than this share of the downloads. */
const LEFT_OUT_SHARE = 0.1;
/** With more incomplete metrics, too many files would have to be loaded for a comparison. */
const MOST_LEFT_OUT = 24;
/** With more names, only their number is stated. */
const MOST_NAMED = 3;
/** With more parts, the smallest are stated together. */
const MOST_SHARES = 4;
const NUMBER_WORDS = ["", "", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/**
 * @typedef {{from: number, to: number}} Span  A first and a last day.
 *
 * @typedef {object} Member  A metric of a summed series, or that of a series itself.
 * @property {string} name
 * @property {string} file  The name of the file with its days.
 * @property {number} first
 * @property {number} last
 * @property {[number, number][]} missing  Missing days: start and length of each run.
 */

/** @returns {Member[]} */
function membersOf(series, days) {
  const start = timeOf(days.start);
  if (days.members) {
    return days.members.map(({ name, file, first, last, missing }) => ({
      name,
      file,
      first: start + first * DAY,
      last: start + last * DAY,
      missing: missing.map(([place, count]) => [start + place * DAY, count]),
    }));
  }
  const missing = [];
  days.values.forEach((value, place) => {
    const gap = missing.at(-1);
    if (value !== null) return;
    if (gap && gap[0] + gap[1] * DAY === start + place * DAY) gap[1] += 1;
    else missing.push([start + place * DAY, 1]);
  });
  return [{ name: series.name, file: series.days, first: start, last: start + (days.values.length - 1) * DAY, missing }];
}

const daysIn = (from, to) => Math.max(0, Math.round((to - from) / DAY) + 1);
const overlap = (from, to, span) => daysIn(Math.max(from, span.from), Math.min(to, span.to));

/** The number of days of a range that a metric has, and the number expected since its first day. */
function coverageOf(member, span) {
  const lost = member.missing.reduce((sum, [start, count]) => sum + overlap(start, start + (count - 1) * DAY, span), 0);
  return { known: overlap(member.first, member.last, span) - lost, expected: overlap(member.first, span.to, span) };
}

const isComplete = (member, span) => coverageOf(member, span).known === daysIn(span.from, span.to);

/** The stored values of a range. */
function sumOf(days, span) {
  const start = timeOf(days.start);
  const [from, to] = [(span.from - start) / DAY, (span.to - start) / DAY];
  let sum = 0;
  for (let place = Math.max(0, from); place <= Math.min(to, days.values.length - 1); place += 1) sum += days.values[place] ?? 0;
  for (const [place, value] of days.partial ?? []) if (place >= from && place <= to) sum += value;
  return sum;
}

function valueOn(days, time) {
  return days.values[(time - timeOf(days.start)) / DAY] ?? null;
}

const monthOf = (time) => {
  const day = new Date(time);
  return day.getUTCFullYear() * 12 + day.getUTCMonth();
};
const monthTime = (month) => Date.UTC(Math.floor(month / 12), month % 12, 1);

/** The number of whole months of a range; 0 if it begins or ends within a month. */
function wholeMonths({ from, to }) {
  return monthTime(monthOf(from)) === from && monthTime(monthOf(to) + 1) - DAY === to ? monthOf(to) - monthOf(from) + 1 : 0;
}

/** The preceding range of the same length, in months or days. */
function spanBefore(span) {
  const months = wholeMonths(span);
  if (months > 0) return { from: monthTime(monthOf(span.from) - months), to: span.from - DAY };
  return { from: span.from - daysIn(span.from, span.to) * DAY, to: span.from - DAY };
}

function beforeName(span) {
  const [months, days] = [wholeMonths(span), daysIn(span.from, span.to)];
  const [count, unit] = months > 0 ? [months, "month"] : [days, "day"];
  return count === 1 ? `the ${unit} before` : `the ${NUMBER_WORDS[count] ?? formatNumber(count)} ${unit}s before`;
}

/** "May – October 2026", or days. */
function spanName(span) {
  const months = wholeMonths(span);
  if (months === 0) return formatPeriod(span.from, span.to);
  const [first, last] = [new Date(span.from), new Date(span.to)];
  if (months === 1) return formatMonth(span.from);
  const isOneYear = first.getUTCFullYear() === last.getUTCFullYear();
  return `${isOneYear ? formatMonthName(span.from) : formatMonth(span.from)} – ${formatMonth(span.to)}`;
}

/** The series that can be summed: without a total if its parts are shown. */
function summedSeries(chart) {
  const view = viewOf(chart);
  const totals = view.filter((one) => one.tone === "total");
  if (chart.kind === "stock" && totals.length > 0) return totals;
  return view.filter((one) => one.tone !== "total" || view.length === 1);
}

/** A range of downloads: its sum, parts, coverage, and change from the preceding one. */
async function sumWindow(chart, span) {
  const series = summedSeries(chart).filter((one) => one.days);
  const days = await Promise.all(series.map((one) => loadDayFile(one.days)));
  const before = spanBefore(span);
  const members = series.flatMap((one, index) => membersOf(one, days[index]));
  const parts = series.map((one, index) => ({ name: one.name, value: sumOf(days[index], span) }));
  const total = parts.reduce((sum, part) => sum + part.value, 0);
  const coverage = members.map((member) => coverageOf(member, span));
  const known = coverage.reduce((sum, one) => sum + one.known, 0);
  const expected = coverage.reduce((sum, one) => sum + one.expected, 0);
  const totalBefore = days.reduce((sum, one) => sum + sumOf(one, before), 0);
  const lacking = members.filter((member) => !(isComplete(member, span) && isComplete(member, before)));
  const found = { total, parts, known, expected, members: members.length, change: null, leftOut: [] };
  if (totalBefore === 0 || lacking.length > MOST_LEFT_OUT) return found;
  const own = await Promise.all(lacking.map((member) => loadDayFile(member.file)));
  const sums = own.map((one) => [sumOf(one, span), sumOf(one, before)]);
  const sumBy = (pick) => sums.reduce((sum, pair) => sum + pick(pair), 0);
  const [now, then] = [total - sumBy(([value]) => value), totalBefore - sumBy(([, value]) => value)];
  // The weight of a metric is the larger of its two sums, as for the change of a month.
  const weight = sumBy(([value, earlier]) => Math.max(value, earlier));
  found.leftOut = lacking.filter((_, index) => Math.max(...sums[index]) > 0).map((member) => member.name);
  if (then <= 0 || weight > LEFT_OUT_SHARE * (Math.max(now, then) + weight)) return found;
  found.change = 100 * (now / then - 1);
  return found;
}

/** A range of stars: the net gain, and that of the preceding range. */
async function gainWindow(chart, span) {
  const files = chart.members ?? summedSeries(chart).map((one) => one.days);
  const days = await Promise.all(files.filter(Boolean).map(loadDayFile));
  const total = (time) => {
    const values = days.map((one) => valueOn(one, time));
    return values.includes(null) || values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0);
  };
  const before = spanBefore(span);
  const [last, first, earlier] = [total(span.to), total(span.from - DAY), total(before.from - DAY)];
  return { last, first, earlier };
}

/** The texts of a range: its numbers in one line, and missing days in another. */
async function windowTexts(chart, span) {
  if (chart.kind === "count") return countTexts(chart, span);
  if (windowKind(chart) === "stock") return gainTexts(await gainWindow(chart, span), span);
  const { total, parts, known, expected, members, change, leftOut } = await sumWindow(chart, span);
  const facts = [["b", formatNumber(total), " downloads"]];
  if (change !== null) facts.push([change < 0 ? "down" : "up", formatChange(change), ` vs ${beforeName(span)}`]);
  const shares = parts.filter((part) => part.value > 0).sort((a, b) => b.value - a.value);
  if (shares.length > 1) {
    const shown = shares.length > MOST_SHARES ? shares.slice(0, MOST_SHARES - 1) : shares;
    const rest = total - shown.reduce((sum, { value }) => sum + value, 0);
    const named = [...shown, ...(rest > 0 ? [{ name: "the others", value: rest }] : [])];
    facts.push(["", named.map(({ name, value }) => `${isolated(name)} ${formatPercent((100 * value) / total, 0)}`).join(", "), ""]);
  }
  const notes = [];
  const unit = members > 1 ? "package-days" : "days";
  if (known < expected) notes.push(`${formatNumber(known)} of ${formatNumber(expected)} ${unit}.`);
  const names = leftOut.length > MOST_NAMED ? `${leftOut.length} packages` : leftOut.join(", ").replace(/, ([^,]*)$/, " and $1");
  const reason = leftOut.length > 0 ? `days missing in ${names}` : "days missing";
  if (change === null) notes.push(`No comparison with ${beforeName(span)}: ${reason}.`);
  else if (leftOut.length > 0) notes.push(`The comparison excludes ${names}: days missing.`);
  return { facts, note: notes.join(" ") };
}

function gainTexts({ last, first, earlier }, span, unit = "stars") {
  if (last === null || first === null) return { facts: [], note: "No count at the start or end of this window." };
  const facts = [["b", formatSigned(last - first), ` ${unit}, from ${formatNumber(first)} to ${formatNumber(last)}`]];
  if (earlier !== null) facts.push(["", formatSigned(first - earlier), ` in ${beforeName(span)}`]);
  return { facts, note: earlier === null ? `No comparison with ${beforeName(span)}: no count at its start.` : "" };
}
