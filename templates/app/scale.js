// Positions of values, times and names in a plot box, as shares of it, for all charts including the comparison.

const PLOT_HEIGHT = 220;
const NAME_HEIGHT = 36;

const percent = (share) => `${Number((100 * share).toFixed(2))}%`;

/** The share of the height at a value, 0 at the top. */
function yShare(scale, value) {
  const of = scale.log ? Math.log10 : (one) => one;
  return 1 - (of(value) - of(scale.low)) / (of(scale.high) - of(scale.low));
}

function xShare(scale, time) {
  return (time - scale.start) / (scale.end - scale.start);
}

// -- drawing ------------------------------------------------------------------------------------------

/** The lines of the grid; `scale` is null if there is nothing to draw. */
function gridLines(scale) {
  const places = scale?.levels.map((level) => percent(yShare(scale, level))) ?? [];
  return places.map((y) => svgNode("rect", { y }));
}

/** The labels of the axes: of levels, and of times in a wide and in a narrow chart. */
function axisTexts(scale) {
  const levels = svgNode("g", { class: "levels" });
  scale?.levels.forEach((level, index) => {
    const text = scale.texts[index];
    if (text) levels.append(svgNode("text", { y: percent(yShare(scale, level)), dy: -5 }, text));
  });
  const times = ["wide", "narrow"].map((room) => {
    const group = svgNode("g", { class: `times ${room}` });
    for (const [time, text] of scale?.ticks[room] ?? []) {
      group.append(svgNode("text", { x: percent(xShare(scale, time)), y: "100%", dy: 18 }, text));
    }
    return group;
  });
  return [levels, ...times];
}

// -- values -------------------------------------------------------------------------------------------

/** Powers of ten around positive values. */
function decades([low, high]) {
  const first = Math.floor(Math.log10(Math.max(1, low)));
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(1, high))));
  const step = Math.ceil((last - first) / MOST_LEVELS);
  const found = [];
  for (let power = first; power < last + step; power += step) found.push(10 ** power);
  return found;
}

const shortNumber = (value) => formatCompact(value, { trim: true });

/** As on the server: 7.62M, 314.2k, 99,999. */
function preciseNumber(value) {
  return Math.abs(value) < 99_999.5 ? formatNumber(value) : formatCompact(value, { digits: Math.abs(value) >= 999_950 ? 2 : 1 });
}

// -- names --------------------------------------------------------------------------------------------

/** Positions of names next to their series in percent of the height, without overlaps; `places` are shares. */
function spreadNames(places, height = PLOT_HEIGHT) {
  const room = Math.min((100 * NAME_HEIGHT) / height, 100 / Math.max(1, places.length));
  const order = places.map((_, index) => index).sort((a, b) => places[a] - places[b] || a - b);
  const found = [];
  let taken = -room / 2;
  for (const index of order) {
    taken = Math.max(100 * places[index], taken + room);
    found[index] = taken;
  }
  let limit = 100;
  for (const index of [...order].reverse()) {
    limit = Math.min(found[index], limit);
    found[index] = limit;
    limit -= room;
  }
  return found.map((place) => Math.max(0, Math.round(place)));
}
