// From a view to a Plotly figure.

const AREA_OPACITY = 0.55;
/** With colours forced by the system, lines of one chart differ in more than their colour. */
const DASHES = ["solid", "dash", "dashdot", "longdash", "longdashdot"];
const FEW_MONTHS = 6;
/** Of more points than that, bars are thinner than a finger and a pointer can hit; they are lines then. */
const MOST_BARS = 200;
/** So many points have marks of their own; more would be thousands of elements. */
const MOST_MARKS = 60;
const SNAPSHOT_WIDTH = 18 * DAY;

/** The page's colours as they are in the scheme of this moment, so that charts follow light and dark. */
function look() {
  // A custom property keeps `light-dark()` as it is written; only a colour that is used is resolved.
  const probe = document.createElement("span");
  // Lines and the squares of the legend keep their colours in a contrast theme, too.
  probe.style.forcedColorAdjust = "none";
  document.body.append(probe);
  const read = (name) => {
    probe.style.color = `var(--${name}, var(--tone-n0))`;
    return getComputedStyle(probe).color;
  };
  const [text, muted, line, panel] = ["text", "muted", "line", "panel"].map(read);
  const names = [...new Set(charts.flatMap((chart) => chart.data.series.map((series) => series.tone)))];
  const tones = new Map(names.map((name) => [name, read(`tone-${name}`)]));
  probe.remove();
  const family = getComputedStyle(document.body).fontFamily;
  return { tone: (name) => tones.get(name), text, muted, line, panel, family };
}

function forcedColours() {
  return matchMedia("(forced-colors: active)").matches;
}

/** Text that Plotly shows as it is; unescaped, it would take tags in it for formatting and links. */
function literal(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** A sentence in lines of a bearable length; Plotly does not wrap. */
function wrapped(text) {
  const lines = [""];
  for (const word of text.split(" ")) {
    if (lines.at(-1) && lines.at(-1).length + word.length > 46) lines.push("");
    lines[lines.length - 1] += (lines.at(-1) && " ") + word;
  }
  return lines.map(literal).join("<br>");
}

function sentence(chart, series, point) {
  const gain = chart.kind === "stock" && state.stars === "gain";
  const unit = chart.kind === "flow" ? "downloads" : gain ? "new stars (net)" : "stars";
  const mean = point.mean ? ` a day on average in the ${point.mean.days} days` : "";
  const when = point.when ?? (mean ? `up to ${longDay.format(point.start)}` : `on ${longDay.format(point.start)}`);
  const count = point.mean ? point.mean.value : point.value;
  const value = `${gain && count > 0 ? "+" : ""}${number.format(count)} ${unit} of ${series.name}${mean} ${when}`;
  const missing = point.missing ? `, ${point.missing}` : "";
  const compared =
    isShared(chart)
      ? `${number.format(point.shown)}% of all shown: `
      : state.show === "indexed"
        ? `Index ${number.format(point.shown)}: `
        : "";
  return wrapped(`${compared}${value}${missing}. Source: ${series.source}${point.how && `, ${point.how}`}.`);
}

function figureOf(chart, colours) {
  const series = viewOf(chart);
  const longest = Math.max(0, ...series.map((one) => one.points.length));
  const bars = state.mark === "bars" && (chart.kind === "flow" || state.stars === "gain") && longest <= MOST_BARS;
  const stacked = isStacked(chart);
  if (stacked && !bars) stack(series);
  const data = series.flatMap((one) => {
    const points = one.points.map((point) => ({
      ...point,
      text: point.shown === null ? "" : sentence(chart, one, point),
    }));
    const colour = colours.tone(one.tone);
    const seeded = points.filter((point) => point.kind === "seeded");
    const rest = points.filter((point) => point.kind !== "seeded");
    const drawn = bars ? [barTrace(one, rest, colour)] : lineTraces(one, rest, colour);
    if (stacked && !bars) drawn.unshift(areaTrace(one, rest, colour));
    return [...drawn, ...snapshotTraces(one, seeded, colour, bars && stacked)].filter((trace) => trace.x.length > 0);
  });
  const events = state.events === "on" ? eventTraces(chart, series, colours) : [];
  return { data: [...data, ...events], layout: layoutOf(chart, series, colours, stacked) };
}

/** Whether anything of a view can be drawn. */
function hasData(series) {
  return series.some((one) => one.points.some((point) => point.shown !== null));
}

/** Lines on top of each other; where one has no value, those above have none either. */
function stack(series) {
  let below = null;
  for (const one of series) {
    const sums = new Map();
    for (const point of one.points) {
      const ground = below === null ? 0 : (below.get(point.x) ?? null);
      point.ground = ground;
      point.shown = point.shown === null || ground === null || point.kind === "seeded" ? null : ground + point.shown;
      sums.set(point.x, point.shown);
    }
    below = sums;
  }
}

function trace(one, points, extra) {
  return {
    name: literal(one.name),
    x: points.map((point) => point.x),
    y: points.map((point) => point.shown),
    customdata: points.map((point) => point.text),
    hovertemplate: "%{customdata}<extra></extra>",
    ...extra,
  };
}

/** Bars; those that lack days are hatched. */
function barTrace(one, points, colour) {
  const shape = points.map((point) => (point.whole && point.kind !== "estimated" ? "" : "/"));
  const pattern = { shape, fgcolor: colour, bgcolor: "rgba(0,0,0,0)", size: 6, solidity: 0.4 };
  return trace(one, points, { type: "bar", marker: { color: colour, pattern, line: { color: colour, width: 1 } } });
}

/**
 * A line of whole periods and, where values are estimated, a dotted one that meets it. A period that lacks days is
 * an open mark that no line leads to: it would look like a fall.
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
  // A line does not show what has no neighbours; the last value has a mark anyway.
  if (!few) part((i) => solidY[i] !== null && (isAlone(i) || i === last), { mode: "markers", marker: mark });
  const open = { color: colour, size: 7, symbol: "circle-open", line: { width: 2 } };
  part((i) => partial[i] && points[i].shown !== null, { mode: "markers", marker: open });
  return traces;
}

/** The area between a line and the one below it; in pieces, because fills of Plotly's own run across gaps. */
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

/** Snapshots are no sums of days: diamonds, or hatched where bars are stacked. */
function snapshotTraces(one, points, colour, stacked) {
  if (!stacked) {
    return [
      trace(one, points, {
        type: "scatter",
        mode: "markers",
        marker: { color: colour, symbol: "diamond-open", size: 8, line: { width: 2 } },
      }),
    ];
  }
  const pattern = { shape: "x", fgcolor: colour, bgcolor: "rgba(0,0,0,0)", size: 5 };
  const marker = { color: colour, pattern, line: { color: colour, width: 1 } };
  return [trace(one, points, { type: "bar", width: points.map(() => SNAPSHOT_WIDTH), marker })];
}

/** Dotted lines over the whole height, on an axis of their own. */
function eventTraces(chart, series, colours) {
  // An event before the first value would stretch the axis.
  const starts = series.flatMap((one) => one.points.filter((point) => point.shown !== null).map((point) => point.start));
  const first = Math.max(firstTime(chart), Math.min(...starts));
  const shown = chart.events.filter((event) => timeOf(event.day) >= first);
  if (shown.length === 0 || !hasData(series)) return [];
  return [
    {
      type: "scatter",
      mode: "lines+markers",
      name: "Events",
      yaxis: "y2",
      x: shown.flatMap((event) => [event.day, event.day, null]),
      y: shown.flatMap(() => [0, 1, null]),
      customdata: shown.flatMap((event) => {
        const text = wrapped(`${event.label}, ${longDay.format(timeOf(event.day))}.`);
        return [text, text, ""];
      }),
      hovertemplate: "%{customdata}<extra></extra>",
      line: { color: colours.muted, width: 1, dash: "dot" },
      marker: { color: colours.muted, size: shown.flatMap(() => [0, 9, 0]), symbol: "triangle-down" },
    },
  ];
}

/** Of few months each has its name; Plotly would name days in between. */
function monthAxis(chart, series) {
  if (grainOf(chart) !== "month") return {};
  const months = Math.max(0, ...series.map((one) => one.points.length));
  return { ticklabelmode: "period", tickformat: "%b %Y", dtick: months <= FEW_MONTHS ? "M1" : undefined };
}

function layoutOf(chart, series, colours, stacked) {
  const unit = isShared(chart) ? "percent" : state.show === "indexed" ? `Index (first ${grainOf(chart)} = 100)` : null;
  const plain = chart.kind === "flow" ? "downloads" : state.stars === "gain" ? "new stars" : "stars";
  const axis = { gridcolor: colours.line, linecolor: colours.line, zerolinecolor: colours.line, automargin: true };
  // Plotly invents a time for axes without data.
  const visible = hasData(series);
  // A finger that moves over a chart wants to scroll the page.
  const fixedrange = matchMedia("(pointer: coarse)").matches;
  return {
    autosize: true,
    barmode: stacked ? "relative" : "group",
    bargap: 0.22,
    dragmode: fixedrange ? false : "zoom",
    font: { color: colours.text, family: colours.family, size: 12 },
    hoverlabel: {
      align: "left",
      bgcolor: colours.panel,
      bordercolor: colours.muted,
      font: { color: colours.text, family: colours.family, size: 13 },
    },
    hovermode: "closest",
    margin: { l: 48, r: 12, t: 12, b: 34 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    showlegend: false,
    xaxis: { ...axis, ...monthAxis(chart, series), type: "date", showgrid: false, fixedrange, visible },
    yaxis: {
      ...axis,
      visible,
      type: state.scale,
      fixedrange,
      rangemode: state.show === "indexed" ? "normal" : "tozero",
      // Of whole numbers below ten, SI prefixes would make half stars.
      tickformat: state.scale === "log" ? "~s" : undefined,
      exponentformat: "B",
      title: { text: unit ?? plain, standoff: 6 },
    },
    yaxis2: { overlaying: "y", range: [0, 1], visible: false, fixedrange: true },
  };
}
