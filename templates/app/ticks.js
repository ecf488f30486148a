// The rules of the axes, the same as in cmetrics/charts/scale.py; a test compares both. Times are milliseconds.

const MOST_LEVELS = 5;
const MOST_STEPS = 4;
const CLOSE = 0.7;
const DAYS_NAMED = 62;
/** @type {[number, number, string][]} */
const UNITS = [[1e9, 1e9, "billion"], [1e6, 1e6, "million"], [1e4, 1e3, "thousand"]];
const MONTH_STEPS = [1, 2, 3, 6, 12, 24, 60, 120];
const DAY_STEPS = [1, 2, 7, 14];
/** By size class: the maximum number of labels of the time axis, and the narrowest plot that they must fit in. */
const MOST_LABELS = { wide: 8, narrow: 4 };
const LEAST_WIDTH = { large: 516, wide: 370, narrow: 246 };
/** The space for labels to the left and to the right of the plot. */
const [GUTTER, SIDE] = [36, 6];
const LABEL_GAP = 6;
const CHARACTER = 6.8;
const WIDE_CHARACTER = 13;
const DAY = 24 * 60 * 60 * 1000;

function monthStart(time, plus = 0) {
  const day = new Date(time);
  return Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + plus, 1);
}

// -- values -------------------------------------------------------------------------------------------

function* roundSteps() {
  for (let size = 1; ; size *= 10) for (const digit of [1, 2, 5]) yield digit * size;
}

function multiples(step, first, last) {
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

/** Round numbers from 0 up to the first one that is not below the maximum. */
function levelsTo(most) {
  for (const step of roundSteps()) {
    if (step * MOST_LEVELS >= most) return most ? multiples(step, 0, Math.ceil(most / step)) : [0, step];
  }
}

/** Round numbers around a range of values. */
function stepsBetween(low, high) {
  for (const step of roundSteps()) {
    const [first, last] = [Math.floor(low / step), Math.ceil(high / step)];
    if (last - first <= MOST_STEPS) return multiples(step, first, Math.max(last, first + 1));
  }
}

/** Lines start above zero if their values are close to each other. */
function lineLevels(low, high) {
  return low > CLOSE * high ? stepsBetween(low, high) : levelsTo(high);
}

/** A number with the decimals that it needs, such as 2.5. */
function plainNumber(value) {
  let digits = 0;
  while (digits < 6 && Math.abs(Number(value.toFixed(digits)) - value) >= 1e-9) digits += 1;
  return formatDecimal(value, digits);
}

/** The unit is on the top level only; the zero line has no text. */
function levelTexts(values) {
  const most = Math.max(...values.map(Math.abs));
  const [, size, unit] = UNITS.find(([least]) => most >= least) ?? [1, 1, ""];
  const texts = values.map((value) => (size > 1 ? plainNumber(value / size) : formatNumber(value)));
  if (values[0] === 0) texts[0] = "";
  texts[texts.length - 1] = `${texts.at(-1)} ${unit}`.trim();
  return texts;
}

// -- time ---------------------------------------------------------------------------------------------

/** Labels between two times that fit in a chart of a size class: `[time, text]`. */
function timeTicks(start, end, room, centred) {
  const [most, width] = [MOST_LABELS[room], LEAST_WIDTH[room]];
  const byDay = !centred && Math.floor((end - start) / DAY) <= DAYS_NAMED;
  const found = byDay ? daysNamed(start, end, most) : monthsNamed(start, end, most, centred);
  const ticks = [];
  let [year, taken] = [null, 0];
  for (const [at, time, short, long] of found) {
    const own = new Date(time).getUTCFullYear();
    const text = own === year ? short : long;
    const middle = ((at - start) / (end - start)) * width;
    const half = textWidth(text) / 2;
    if (middle < half - GUTTER || middle > width + SIDE - half) continue;
    // The first label and that of January, which have the year, may be next to each other.
    if (ticks.length > 0 && middle - half < taken + LABEL_GAP) ticks.pop();
    ticks.push([at, text]);
    [year, taken] = [own, middle + half];
  }
  return ticks;
}

/** An upper estimate of the width of a text of 12 px. */
function textWidth(text) {
  return [...text].reduce((sum, char) => sum + (char.codePointAt(0) >= 0x2e80 ? WIDE_CHARACTER : CHARACTER), 0);
}

function daysNamed(start, end, most) {
  const count = Math.floor((end - start) / DAY);
  const step = DAY_STEPS.find((one) => count / one <= most) ?? DAY_STEPS.at(-1);
  const first = Math.floor(start / DAY);
  const found = [];
  for (let day = first; day <= first + count; day += 1) {
    const time = day * DAY;
    // Steps of weeks begin on Mondays; day 0 is a Thursday.
    if ((day + ORDINAL_0) % step === 0) found.push([time, time, formatDayMonth(time), formatShortDay(time)]);
  }
  return found;
}

/** The number of days before 1970, which makes remainders the same as those of Python's ordinals less one. */
const ORDINAL_0 = 719162;

function monthsNamed(start, end, most, centred) {
  const shown = [];
  for (let time = monthStart(start); time < end; time = monthStart(time, 1)) shown.push(time);
  const step = MONTH_STEPS.find((one) => shown.length / one <= most) ?? MONTH_STEPS.at(-1);
  return shown
    .map((time) => /** @type {const} */ ([time, new Date(time)]))
    .filter(([, date]) => (date.getUTCFullYear() * 12 + date.getUTCMonth()) % step === 0)
    .map(([time, date]) => {
      const year = String(date.getUTCFullYear());
      const texts = step >= 12 ? [year, year] : [formatShortMonthName(time), formatShortMonth(time)];
      return [centred ? (time + monthStart(time, 1)) / 2 : time, time, ...texts];
    });
}
