// Converts a view to a Plotly figure.

const AREA_OPACITY = 0.55;
/** In forced colours, lines of one chart also differ in their dash pattern. */
const DASHES = ["solid", "dash", "dashdot", "longdash", "longdashdot"];
/** The maximum number of points with marks, to limit the number of elements. */
const MOST_MARKS = 60;
/** The share of a period that its bar fills, and that all bars of a period fill side by side. */
const STACK_SHARE = 0.84;
const GROUP_SHARE = 0.78;
const PATTERNS = { "": "", partial: "/", running: "/", published: "x" };
/** The background of a pattern; the current period has none. */
const GROUNDS = { partial: 0.3, published: 0.15 };

/** The page's colours in the current scheme, so that charts follow light and dark. */
function look() {
  // A custom property contains `light-dark()` literally; only a used colour is resolved.
  const probe = document.createElement("span");
  // Lines and the squares of the legend keep their colours in forced colours.
  probe.style.forcedColorAdjust = "none";
  document.body.append(probe);
  const read = (name) => {
    probe.style.color = `var(--${name}, var(--tone-n0))`;
    return getComputedStyle(probe).color;
  };
  const [text, muted, line, panel, warn] = ["text", "muted", "line", "panel", "warn"].map(read);
  const names = [...new Set(charts.flatMap((chart) => chart.data.series.map((series) => series.tone)))];
  const tones = new Map(names.map((name) => [name, read(`tone-${name}`)]));
  probe.remove();
  const family = getComputedStyle(document.body).fontFamily;
  return { tone: (name) => tones.get(name), text, muted, line, panel, warn, family };
}

function forcedColours() {
  return matchMedia("(forced-colors: active)").matches;
}

/** Text that Plotly shows literally. Otherwise, it would interpret tags as formatting and links. */
function literal(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The figure of a view on its axes, as in cmetrics/charts/figure.py; `box` is the plot box. */
function figureOf(chart, view, scale, colours, box, room) {
  const bars = isBars(chart, view);
  const beside = bars && !isStacked(chart) ? view.length : 0;
  const data = view.flatMap((one, index) => {
    const { points } = one;
    const colour = colours.tone(one.tone);
    const seeded = points.filter((point) => point.kind === "seeded" && point.slot !== null);
    const rest = points.filter((point) => point.kind !== "seeded");
    const drawn = bars ? [barTrace(one, rest, colour, beside, index)] : lineTraces(one, rest, colour);
    if (isStacked(chart) && !bars) drawn.unshift(areaTrace(one, rest, colour));
    return [...drawn, publishedTrace(chart, one, seeded, colour, bars)].filter((trace) => trace.x.length > 0);
  });
  return { data, layout: { ...layoutOf(scale, colours, box, room), barmode: beside > 0 ? "group" : "relative" } };
}

function trace(one, points, extra) {
  return {
    name: literal(one.name),
    meta: { series: one.key },
    x: points.map((point) => point.x),
    y: points.map((point) => point.shown),
    ...extra,
  };
}

/** Bars, hatched if days are missing. Side by side, `beside` of them share a period. */
function barTrace(one, points, colour, beside, index) {
  const share = beside > 1 ? GROUP_SHARE : STACK_SHARE;
  const boxes = points.map((point) => {
    const end = point.kind === "seeded" ? monthStart(point.slot, 1) : point.end + DAY;
    const room = (end - point.slot) * share;
    const width = beside > 1 ? room / beside : room;
    return [width, point.slot + (end - point.slot - room) / 2 + (beside > 1 ? index * width : 0) - timeOf(point.x)];
  });
  const states = points.map((point) => (point.kind === "estimated" ? "partial" : point.state));
  const marker = {
    color: colour,
    line: { color: colour, width: states.map((state) => (state === "" ? 0 : 1)) },
    pattern: {
      shape: states.map((state) => PATTERNS[state]),
      fgcolor: colour,
      bgcolor: states.map((state) => faded(colour, GROUNDS[state] ?? 0)),
      fillmode: "replace",
      size: 5,
      solidity: 0.3,
    },
  };
  const [width, offset] = [boxes.map(([one]) => Math.round(one)), boxes.map(([, one]) => Math.round(one))];
  return trace(one, points, { type: "bar", width, offset, marker });
}

/** A computed colour, "rgb(1, 2, 3)", with an opacity. */
function faded(colour, opacity) {
  return `rgba(${(colour.match(/[\d.]+/g) ?? [0, 0, 0]).slice(0, 3).join(",")},${opacity})`;
}

/**
 * A line of complete periods, connected to a dotted line of estimates. An incomplete period is an open mark without a
 * line, which would look like a decrease.
 */
function lineTraces(one, points, colour) {
  const partial = points.map((point) => !point.whole && point.kind !== "estimated");
  const estimated = points.map((point) => point.kind === "estimated");
  const solidY = points.map((point, index) => (partial[index] || estimated[index] ? null : point.shown));
  const last = solidY.findLastIndex((value) => value !== null);
  const isAlone = (index) => [index - 1, index + 1].every((next) => (solidY[next] ?? null) === null);
  const few = points.length <= MOST_MARKS;
  const style = { type: "scatter", connectgaps: false };
  const line = trace(one, points, {
    ...style,
    mode: few ? "lines+markers" : "lines",
    line: { color: colour, width: 2.2, dash: forcedColours() ? DASHES[one.place % DASHES.length] : undefined },
    marker: { color: colour, size: 5 },
  });
  line.y = solidY;
  const traces = [line];
  const part = (isPart, extra) => {
    const indices = points.map((_, index) => index).filter(isPart);
    if (indices.length > 0) traces.push(trace(one, indices.map((index) => points[index]), { ...style, ...extra }));
  };
  if (estimated.includes(true)) {
    const beside = (index) => estimated[index] || estimated[index - 1] || estimated[index + 1];
    const dotted = trace(one, points, { ...style, mode: "lines", line: { color: colour, width: 2, dash: "dot" } });
    dotted.y = points.map((point, index) => (beside(index) && !partial[index] ? point.shown : null));
    traces.push(dotted);
  }
  const mark = { color: colour, size: 5, symbol: "circle" };
  // A line does not show a value without neighbours. The last value always has a mark.
  if (!few) part((i) => solidY[i] !== null && (isAlone(i) || i === last), { mode: "markers", marker: mark });
  const open = { color: colour, size: 7, symbol: "circle-open", line: { width: 2 } };
  part((i) => partial[i] && points[i].shown !== null, { mode: "markers", marker: open });
  return traces;
}

/** The area between a line and the one below it, in pieces, because Plotly's own fills extend across gaps. */
function areaTrace(one, points, colour) {
  const [x, y] = [[], []];
  let run = [];
  const close = () => {
    if (run.length > 1) {
      const back = [...run].reverse();
      x.push(...run.map((point) => point.x), ...back.map((point) => point.x), null);
      y.push(...run.map((point) => point.shown), ...back.map((point) => point.ground), null);
    }
    run = [];
  };
  for (const point of points) {
    if (point.shown === null || (!point.whole && point.kind !== "estimated")) close();
    else run.push(point);
  }
  close();
  return {
    type: "scatter",
    mode: "lines",
    name: literal(one.name),
    x,
    y,
    fill: "toself",
    fillcolor: colour,
    opacity: AREA_OPACITY,
    line: { color: colour, width: 0 },
    hoverinfo: "skip",
    meta: "area",
  };
}

/** Published totals are not sums of days: diamonds, or bars of their months in stacked bars. */
function publishedTrace(chart, one, points, colour, bars) {
  if (bars && isStacked(chart)) return barTrace(one, points, colour, 0, 0);
  const marker = { color: colour, symbol: "diamond-open", size: 8, line: { width: 2 } };
  return trace(one, points, { type: "scatter", mode: "markers", marker });
}

/** Grid and labels are drawn by the frame. The axes also have them, for programs that read the figure. */
function layoutOf(scale, colours, box, room) {
  const text = (time) => new Date(time).toISOString().slice(0, 16).replace("T", " ");
  const axis = { tickmode: "array", showticklabels: false, showgrid: false, zeroline: false, fixedrange: true };
  const ticks = scale?.ticks[room === "narrow" ? "narrow" : "wide"] ?? [];
  const of = (value) => (scale.log ? Math.log10(value) : value);
  return {
    ...box.size,
    dragmode: false,
    hovermode: false,
    font: { color: colours.text, family: colours.family, size: 12 },
    margin: box.margin,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    showlegend: false,
    xaxis: {
      ...axis,
      type: "date",
      visible: scale !== null,
      range: scale && [text(scale.start), text(scale.end)],
      tickvals: ticks.map(([time]) => text(time)),
      ticktext: ticks.map(([, label]) => label),
    },
    yaxis: {
      ...axis,
      type: scale?.log ? "log" : "linear",
      visible: scale !== null,
      range: scale && [of(scale.low), of(scale.high)],
      tickvals: scale?.levels,
      ticktext: scale?.texts,
    },
  };
}
