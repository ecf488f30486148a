// Formats numbers and dates in the language of the page. No other script formats them.
//
//   formatNumber(7624793)     7,624,793        formatDay(time)            24 November 2026
//   formatDecimal(3.25, 1)    3.3              formatShortDay(time)       24 Nov 2026
//   formatPercent(12.3)       12.3%            formatDayMonth(time)       24 Nov
//   formatChange(12.3)        +12.3%, ×3.3     formatMonth(time)          October 2026
//   formatSigned(386)         +386             formatShortMonth(time)     Oct 2026
//   formatFactor(3.25)        ×3.3             formatMonthName(time)      October
//   formatCompact(7624793)    7.6M             formatShortMonthName(time) Oct
//   formatValue(31.25)        31.3             formatPeriod(from, to)     16 to 22 Nov 2026
//
// A time is in milliseconds since 1970, as of Date.UTC. `FORMATS` is the table of the language, which the build
// inserts before this file; cmetrics/domain/formats.py has the same functions and uses the same table. The browser's
// Intl would differ from it, and between browsers.

/**
 * An external name for use in a sentence. Right-to-left letters must not reorder the text around it (as isolate in
 * cmetrics/domain/sanitize.py).
 */
const isolated = (name) => (/[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(name) ? `\u2068${name}\u2069` : name);

const MINUS = "\u2212";
const GROUP = 3;
/** The ratios from which a change is shown as a factor, and as a factor without decimals. */
const FACTOR = 2;
const MANY = 100;

function localDigits(text) {
  if (FORMATS.digits === "0123456789") return text;
  return text.replace(/\d/g, (digit) => FORMATS.digits[digit]);
}

/** Digits with at most one point, with separators. */
function localNumber(text) {
  const [whole, decimals] = text.split(".");
  let shown = whole;
  if (whole.length >= GROUP + FORMATS.first_group) {
    const groups = [whole.slice(-GROUP)];
    for (let end = whole.length - GROUP; end > 0; end -= FORMATS.later_group) {
      groups.unshift(whole.slice(Math.max(0, end - FORMATS.later_group), end));
    }
    shown = groups.join(FORMATS.group);
  }
  return localDigits(decimals ? `${shown}${FORMATS.decimal}${decimals}` : shown);
}

/** Rounds like Python, half to even, so that page and script agree. */
function fixed(value, digits) {
  const size = Math.abs(value);
  const text = size.toFixed(digits);
  // Exactly in the middle, toFixed rounds up.
  const isTie = (size * 2 ** (digits + 1)) % 2 === 1;
  const last = Number(text.at(-1));
  return isTie && last % 2 === 1 ? `${text.slice(0, -1)}${last - 1}` : text;
}

const signOf = (value, text) => (value < 0 && Number(text) !== 0 ? MINUS : "");
const withPlus = (text) => (text.startsWith(MINUS) ? text : `+${text}`);

function formatDecimal(value, digits = 1) {
  const text = fixed(value, digits);
  return signOf(value, text) + localNumber(text);
}

const formatNumber = (value) => formatDecimal(value, 0);
const formatSigned = (value) => withPlus(formatNumber(value));
const formatFactor = (value, digits = 1) => `×${formatDecimal(value, digits)}`;

/** At most one decimal, for counts, means, shares and indexes alike. */
const formatValue = (value) => formatDecimal(value, Number.isInteger(Math.round(value * 10) / 10) ? 0 : 1);

function formatPercent(value, digits = 1) {
  const text = fixed(value, digits);
  return signOf(value, text) + FORMATS.percent.replace("{}", () => localNumber(text));
}

/** A change in percent with its sign, or as a factor from twice on. */
function formatChange(percent) {
  if (percent < 100 * (FACTOR - 1)) return withPlus(formatPercent(percent));
  const factor = 1 + percent / 100;
  return formatFactor(factor, factor < MANY ? 1 : 0);
}

/** `trim` leaves out decimals that are zero: 2M. */
function formatCompact(value, { digits = 1, trim = false } = {}) {
  for (const [size, text] of FORMATS.units) {
    if (Math.abs(value) >= size * 0.99995) {
      const exact = fixed(value / size, digits);
      const shown = trim ? exact.replace(/\.?0+$/, "") : exact;
      return (value < 0 ? MINUS : "") + text.replace("{}", () => localNumber(shown));
    }
  }
  return formatNumber(value);
}

function writeDate(time, { text, months }) {
  const date = new Date(time);
  const parts = { d: date.getUTCDate(), m: months[date.getUTCMonth()], y: date.getUTCFullYear() };
  return text.replace(/\{([dmy])\}/g, (_, part) => (part === "m" ? parts.m : localDigits(String(parts[part]))));
}

const formatDay = (time) => writeDate(time, FORMATS.long_day);
const formatShortDay = (time) => writeDate(time, FORMATS.short_day);
const formatDayMonth = (time) => writeDate(time, FORMATS.day_month);
const formatMonth = (time) => writeDate(time, FORMATS.month);
const formatShortMonth = (time) => writeDate(time, FORMATS.short_month);
const formatMonthName = (time) => writeDate(time, FORMATS.month_name);
const formatShortMonthName = (time) => writeDate(time, FORMATS.short_month_name);

function formatPeriod(from, to) {
  const [first, last] = [new Date(from), new Date(to)];
  if (from === to) return formatShortDay(to);
  if (first.getUTCFullYear() !== last.getUTCFullYear()) return `${formatShortDay(from)} to ${formatShortDay(to)}`;
  const isShort = first.getUTCMonth() === last.getUTCMonth() && FORMATS.lang === "en";
  return `${isShort ? first.getUTCDate() : formatDayMonth(from)} to ${formatShortDay(to)}`;
}
