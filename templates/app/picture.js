// Draws a view as an SVG with the axes, marks and texts of the page, and converts it to PNG, without Plotly. The
// picture includes the texts around a chart on the page. This file is loaded separately when a picture is saved; the
// build provides the names that it uses from other parts.

const SIZES = { wide: [1200, 675], square: [1080, 1080], slide: [1920, 1080] };
/** The maximum share of the width for the names of series. */
const NAMES_SHARE = 0.26;

/** Measures texts in the browser's font. */
const pen = document.createElement("canvas").getContext("2d");

function measured(text, size, weight, family) {
  pen.font = `${weight} ${size}px ${family}`;
  return pen.measureText(text).width;
}

/** Wraps a text to as few lines as possible. A word longer than a line is truncated. */
function linesOf(text, room, widthOf) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
    if (lines.at(-1) && widthOf(longer) > room) lines.push(fitted(word, room, widthOf));
    else lines[lines.length - 1] = fitted(longer, room, widthOf);
  }
  return lines;
}

function fitted(text, room, widthOf) {
  if (widthOf(text) <= room) return text;
  let end = text.length;
  while (end > 0 && widthOf(`${text.slice(0, end)}…`) > room) end -= 1;
  return `${text.slice(0, end).trimEnd()}…`;
}

/** Positions, sizes and colours of a picture. */
function sheetOf(width, height) {
  const unit = Math.sqrt((width * height) / (1200 * 675));
  const colours = look();
  const root = svgNode("svg", { xmlns: SVG, viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "font-family": colours.family });
  const sizes = { title: 30, subtitle: 19, text: 17, note: 15 };
  const write = (parent, x, y, text, { size = "text", weight = 400, colour = colours.muted, anchor = "start", halo = false } = {}) => {
    const ring = halo ? { stroke: colours.panel, "stroke-width": 5 * unit, "paint-order": "stroke", "stroke-linejoin": "round" } : {};
    const style = { "font-size": sizes[size] * unit, "font-weight": weight, fill: colour, "text-anchor": anchor, ...ring };
    parent.append(svgNode("text", { x, y, ...style }, text));
  };
  const widthOf = (size, weight = 400) => (text) => measured(text, sizes[size] * unit, weight, colours.family);
  return { root, unit, width, height, colours, write, widthOf, edge: 40 * unit };
}

/** The view of a chart as an SVG element of a size. Days must have been loaded. */
function pictureOf(chart, [width, height]) {
  const { data } = chart;
  const view = viewOf(data);
  const axes = axesOf(data, view);
  const sheet = sheetOf(width, height);
  const { root, unit, edge, colours, write, widthOf } = sheet;
  // A selected range is part of the heading.
  const title = chart.figure.querySelector("figcaption > :is(h2, h3)").textContent.trim();
  const chosen = windowOf(chart);
  root.append(svgNode("title", {}, marked(title)), svgNode("desc", {}, chart.figure.querySelector("[data-words]").textContent));
  root.append(svgNode("rect", { width, height, fill: colours.panel }));
  const { notice } = document.documentElement.dataset;
  const bold = widthOf("text", 600);
  if (notice) write(root, width - edge, edge + 24 * unit, notice, { weight: 600, colour: colours.warn, anchor: "end" });
  const room = width - 2 * edge - (notice ? bold(notice) + 20 * unit : 0);
  write(root, edge, edge + 24 * unit, fitted(title, room, widthOf("title", 650)), { size: "title", weight: 650, colour: colours.text });
  const covers = chosen ? chosen.summary : coverText(data, axes);
  const subtitle = linesOf(`${covers} · ${subtitleOf(data)}`, width - 2 * edge, widthOf("subtitle"));
  subtitle.forEach((line, index) => write(root, edge, edge + (56 + 25 * index) * unit, line, { size: "subtitle" }));

  const notes = footLines(chart, view, axes, sheet);
  notes.forEach((line, index) => write(root, edge, height - edge + (6 - 22 * (notes.length - 1 - index)) * unit, line, { size: "note" }));
  write(root, width - edge, height - edge + 6 * unit, addressText(), { size: "note", anchor: "end" });
  const names = namesOf(chart, view, sheet);
  const events = shownEvents(data, view, axes);
  // As on the page, labels are beside the marks; the top one, which may be longer, is above them.
  const gutter = Math.max(0, ...(axes?.texts ?? []).slice(0, -1).map(widthOf("text"))) + 10 * unit;
  const box = {
    left: edge + gutter,
    right: width - edge - (names.length > 0 ? names.room : 0),
    top: edge + (56 + 25 * (subtitle.length - 1) + 38 + (events.length > 0 ? 40 : 0)) * unit,
    bottom: height - edge - (22 * (notes.length - 1) + 50) * unit,
  };
  if (!axes) {
    write(root, width / 2, (box.top + box.bottom) / 2, messageOf(data, axes), { anchor: "middle" });
    return root;
  }
  const x = (time) => box.left + xShare(axes, time) * (box.right - box.left);
  const y = (value) => box.top + yShare(axes, value) * (box.bottom - box.top);
  const grid = axes.levels.map((level) => `M${edge} ${y(level)}H${box.right}`).join("");
  root.append(svgNode("path", { d: grid, stroke: colours.line, "stroke-width": unit }));
  // The square picture has space for as many labels as a narrow chart.
  const isNarrow = (box.right - box.left) / unit < 700;
  for (const [time, text] of axes.ticks[isNarrow ? "narrow" : "wide"]) {
    write(root, x(time), box.bottom + 25 * unit, text, { anchor: "middle" });
  }
  drawLane(root, laneOf(events, axes, isNarrow ? "wide" : "large"), box, sheet);
  if (isBars(data, view)) drawBars(root, data, view, { x, y }, sheet);
  else drawLines(root, data, view, { x, y }, sheet);
  drawSeeds(root, data, view, { x, y }, sheet);
  drawGhosts(root, data, view, { x, y }, sheet);
  if (chosen) drawWindow(root, chosen, box, sheet);
  axes.levels.forEach((level, index) => {
    if (axes.texts[index]) write(root, edge, y(level) - 6 * unit, axes.texts[index], { halo: true });
  });
  const last = lastLabel(data, view, axes);
  if (last) {
    const [wide, tall] = [box.right - box.left, box.bottom - box.top];
    const at = box.left + last.x * wide;
    const anchor = at > box.right - 40 * unit ? "end" : "middle";
    const { y: top, ground } = raised(data, view, axes, last, widthOf("text", 650)(last.text) / 2 / wide);
    if (ground !== undefined) {
      root.append(svgNode("path", { d: `M${at} ${box.top + top * tall}V${box.top + ground * tall}`, stroke: colours.text, "stroke-width": unit }));
    }
    const style = { weight: 650, colour: colours.text, anchor, halo: true };
    write(root, Math.min(at, box.right), box.top + top * tall - 9 * unit, last.text, style);
  }
  writeNames(root, names, { y, box }, sheet);
  return root;
}

/** The selected range: the shares of the plot before and after it, and its text; null if there is none. */
function windowOf(chart) {
  if (!chart.figure.classList.contains("windowed")) return null;
  const { early, late, summary } = chart.window;
  const note = summary.querySelector(".window-note");
  const facts = [...summary.childNodes].filter((node) => node !== note).map((node) => node.textContent).join("");
  const words = [facts, note?.textContent.replace(/\.$/, "")].filter(Boolean).join(" · ");
  return { early: parseFloat(early.style.width) / 100, late: parseFloat(late.style.width) / 100, summary: words };
}

/** The plot outside of the selected range is pale. */
function drawWindow(root, { early, late }, box, { unit, colours }) {
  const wide = box.right - box.left;
  const [from, to] = [box.left + early * wide, box.right - late * wide];
  const rect = (x, width, style) => svgNode("rect", { x, y: box.top, width, height: box.bottom - box.top, ...style });
  const pale = { fill: colours.panel, "fill-opacity": 0.6 };
  root.append(rect(box.left, early * wide, pale), rect(to, late * wide, pale));
  for (const at of [from, to]) root.append(rect(at - unit, 2 * unit, { fill: colours.text }));
}

/** The notes of the page: explanations of signs, sources, and the day of the data. */
function footLines(chart, view, axes, { width, edge, unit, widthOf }) {
  const { data } = chart;
  const through = data.through ? `Data through ${formatShortDay(timeOf(data.through))} (UTC).` : "No data yet.";
  // It follows the view.
  const note = chart.figure.querySelector(".sources-note").textContent.trim();
  const numbered = shownEvents(data, view, axes).map((event, index) => `${index + 1} ${event.label}`);
  const events = numbered.length > 0 ? `Events: ${numbered.join(", ")}.` : "";
  const text = [note, runningText(data, axes) && `${runningText(data, axes)}.`, ghostText(data, view), events].filter(Boolean).join(" ");
  const lines = linesOf(text, width - 2 * edge, widthOf("note"));
  return [...lines, fitted(through, width - 2 * edge - widthOf("note")(addressText()) - 20 * unit, widthOf("note"))];
}

function ghostText(data, view) {
  const ghost = ghostEntry(data, view);
  return ghost && `${isBars(data, view) ? "Outline" : "Dashed"}: ${GHOSTS[state.ghost].toLowerCase()}${ghost.note ? ` (${ghost.note})` : ""}.`;
}

/** The address of the page without its scheme. */
function addressText() {
  return addressOf().replace(/^https?:\/\//, "").replace(/\/$/, "");
}

// -- names --------------------------------------------------------------------------------------------

/** The visible series of a chart with several, with their last values; `room` is their width. */
function namesOf(chart, view, { width, unit, widthOf }) {
  const { data } = chart;
  const names = data.series.length < 2 ? [] : endsOf(data, view)
    .filter(({ key }) => view.some((one) => one.key === key))
    .map(({ key, value, last, at }) => {
      const series = view.find((one) => one.key === key);
      const note = value === null ? "" : `${endText(data, value)}${noteWhen(data, last)}`;
      return { name: series.name, note, tone: series.tone, at };
    });
  const widths = names.flatMap(({ name, note }) => [widthOf("text", 600)(name), widthOf("note")(note)]);
  names.room = Math.min(Math.max(0, ...widths) + 40 * unit, width * NAMES_SHARE);
  return names;
}

function writeNames(root, names, { y, box }, { unit, colours, write, widthOf }) {
  const height = Math.min(46 * unit, (box.bottom - box.top) / Math.max(1, names.length));
  const order = names.map((name) => ({ ...name, place: y(name.at) })).sort((a, b) => a.place - b.place);
  let taken = box.top - height;
  for (const name of order) {
    name.place = Math.max(name.place, taken + height);
    taken = name.place;
  }
  let limit = box.bottom - height / 3;
  for (const name of [...order].reverse()) {
    name.place = Math.min(name.place, limit);
    limit = name.place - height;
  }
  const left = box.right + 12 * unit;
  for (const { name, note, tone, place } of order) {
    const side = 13 * unit;
    root.append(svgNode("rect", { x: left, y: place - 12 * unit, width: side, height: side, rx: 2 * unit, fill: colours.tone(tone) }));
    const room = names.room - 32 * unit;
    write(root, left + 20 * unit, place, fitted(name, room, widthOf("text", 600)), { weight: 600, colour: colours.text });
    if (note) write(root, left + 20 * unit, place + 20 * unit, fitted(note, room, widthOf("note")), { size: "note" });
  }
}

// -- marks --------------------------------------------------------------------------------------------

function drawLane(root, lane, box, { unit, colours, write }) {
  const top = box.top - 46 * unit;
  for (const { x, number, name, before } of lane) {
    const at = box.left + (x / 100) * (box.right - box.left);
    const style = { stroke: colours.muted, "stroke-width": unit, "stroke-dasharray": `${unit} ${3 * unit}` };
    root.append(svgNode("path", { d: `M${at} ${top}V${box.bottom}`, ...style }));
    const half = Math.max(13, 5 * number.length + 6) * unit;
    root.append(svgNode("rect", { x: at - half, y: top - 13 * unit, width: 2 * half, height: 26 * unit, rx: 13 * unit, fill: colours.text }));
    write(root, at, top + 5.5 * unit, number, { size: "note", weight: 650, colour: colours.panel, anchor: "middle" });
    if (!name) continue;
    const side = before ? -half - 6 * unit : half + 6 * unit;
    write(root, at + side, top + 5.5 * unit, name, { size: "note", colour: colours.text, anchor: before ? "end" : "start", halo: true });
  }
}

/** The fill of a bar: its colour, or a pattern for missing days, the current period, or a published total. */
function fillOf(root, tone, state, { unit, colours }) {
  if (!state) return colours.tone(tone);
  const id = `hatch-${tone}-${state}`;
  if (!root.querySelector(`[id="${CSS.escape(id)}"]`)) {
    const size = 9 * unit;
    const pattern = svgNode("pattern", { id, width: size, height: size, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
    pattern.append(svgNode("rect", { width: size, height: size, fill: colours.tone(tone), "fill-opacity": GROUNDS[state] ?? 0 }));
    const d = state === "published" ? `M1 0V${size}M0 1H${size}` : `M1 0V${size}`;
    pattern.append(svgNode("path", { d, stroke: colours.tone(tone), "stroke-width": 2.4 * unit }));
    root.append(pattern);
  }
  return `url(#${id})`;
}

function drawBars(root, data, view, { x, y }, sheet) {
  const stacked = isStacked(data);
  const [up, down] = [new Map(), new Map()];
  view.forEach((one, index) => {
    for (const point of one.points) {
      if (point.shown === null || point.slot === null || (point.kind === "seeded" && !stacked)) continue;
      const end = point.kind === "seeded" ? monthStart(point.slot, 1) : point.end + DAY;
      const [left, right] = [x(point.slot), x(end)];
      const room = (right - left) * (stacked || view.length === 1 ? STACK_SHARE : GROUP_SHARE);
      const width = stacked ? room : room / view.length;
      const sums = point.shown < 0 ? down : up;
      const ground = stacked ? (sums.get(point.slot) ?? 0) : 0;
      sums.set(point.slot, ground + point.shown);
      const [from, to] = [y(ground), y(ground + point.shown)].sort((a, b) => a - b);
      const colour = sheet.colours.tone(one.tone);
      const state = point.kind === "estimated" ? "partial" : point.state;
      root.append(
        svgNode("rect", {
          x: left + (right - left - room) / 2 + (stacked ? 0 : index * width),
          y: from,
          width,
          height: to - from,
          fill: fillOf(root, one.tone, state, sheet),
          stroke: state ? colour : null,
          "stroke-width": state ? 1.4 * sheet.unit : null,
        }),
      );
    }
  });
}

/** The parts of a line between gaps. */
function runsOf(points, isIn) {
  const runs = [];
  let run = [];
  for (const point of points) {
    if (isIn(point)) run.push(point);
    else if (run.length > 0) {
      runs.push(run);
      run = [];
    }
  }
  return run.length > 0 ? [...runs, run] : runs;
}

function drawLines(root, data, view, { x, y }, { unit, colours }) {
  const path = (points, of) => points.map((point) => `${x(point.at).toFixed(1)},${y(of(point)).toFixed(1)}`).join(" ");
  const shown = (point) => point.shown;
  for (const one of view) {
    const colour = colours.tone(one.tone);
    const points = one.points.filter((point) => point.kind !== "seeded");
    const isWhole = (point) => point.shown !== null && point.whole && point.kind !== "estimated";
    const dot = (point, isOpen) => {
      const style = { r: 4.5 * unit, fill: isOpen ? colours.panel : colour, stroke: colour, "stroke-width": 2.5 * unit };
      root.append(svgNode("circle", { cx: x(point.at), cy: y(point.shown), ...style }));
    };
    const line = { fill: "none", stroke: colour, "stroke-width": 3 * unit, "stroke-linejoin": "round" };
    const runs = runsOf(points, isWhole);
    for (const run of runs) {
      if (isStacked(data)) {
        const back = path([...run].reverse(), (point) => point.ground ?? 0);
        root.append(svgNode("polygon", { points: `${path(run, shown)} ${back}`, fill: colour, "fill-opacity": AREA_OPACITY }));
      }
      root.append(svgNode("polyline", { points: path(run, shown), ...line }));
      if (run.length === 1 || run === runs.at(-1)) dot(run.at(-1), false);
    }
    points.forEach((point, index) => {
      const before = points[index - 1];
      const isEstimate = point.kind === "estimated" || before?.kind === "estimated";
      if (isEstimate && before && point.shown !== null && before.shown !== null) {
        root.append(svgNode("polyline", { points: path([before, point], shown), ...line, "stroke-dasharray": `${3 * unit} ${5 * unit}` }));
      }
      if (point.shown !== null && !point.whole && point.kind !== "estimated") dot(point, true);
    });
  }
}

/** The ghost, as on the page. */
function drawGhosts(root, data, view, { x, y }, { unit, colours }) {
  const style = (stroke, dash) => ({ fill: "none", stroke, "stroke-width": 2.2 * unit, "stroke-dasharray": dash });
  if (isBars(data, view)) {
    for (const { left, right, value, isWhole } of ghostBars(data, view)) {
      const size = { x: x(left), y: y(value), width: x(right) - x(left), height: y(0) - y(value) };
      root.append(svgNode("rect", { ...size, ...style(colours.text, isWhole ? null : `${3 * unit} ${3 * unit}`) }));
    }
    return;
  }
  for (const { tone, run } of ghostRuns(data, view)) {
    const points = run.map((point) => `${x(point.at).toFixed(1)},${y(point.shown).toFixed(1)}`).join(" ");
    root.append(svgNode("polyline", { points, ...style(colours.tone(tone) ?? colours.text, `${8 * unit} ${5 * unit}`) }));
  }
}

/** Published totals that are not drawn as bars. */
function drawSeeds(root, data, view, { x, y }, { unit, colours }) {
  if (isStacked(data) && isBars(data, view)) return;
  for (const one of view) {
    for (const point of one.points) {
      if (point.kind !== "seeded" || point.shown === null || point.slot === null) continue;
      const d = `M${x(point.at)} ${y(point.shown) - 6 * unit}l${6 * unit} ${6 * unit}l${-6 * unit} ${6 * unit}l${-6 * unit} ${-6 * unit}z`;
      root.append(svgNode("path", { d, fill: colours.panel, stroke: colours.tone(one.tone), "stroke-width": 2.4 * unit }));
    }
  }
}

// -- files --------------------------------------------------------------------------------------------

function svgText(root) {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(root)}\n`;
}

/** Converts an SVG (text, or an address on this site) to PNG. */
async function pngOf(address, [width, height], ground) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const sheet = document.createElement("canvas");
  [sheet.width, sheet.height] = [width, height];
  const context = sheet.getContext("2d");
  context.fillStyle = ground;
  context.fillRect(0, 0, width, height);
  const scale = Math.min(width / image.naturalWidth, height / image.naturalHeight);
  const [w, h] = [image.naturalWidth * scale, image.naturalHeight * scale];
  context.drawImage(image, (width - w) / 2, (height - h) / 2, w, h);
  return new Promise((resolve) => {
    sheet.toBlob(resolve, "image/png");
  });
}

/** Saves the view as a picture in one of `SIZES`, with the size in its name unless it is the default. */
async function savePicture(chart, format, size = "wide") {
  await loadDays(chart.data).catch(() => {}); // Then the picture says that there is nothing to show.
  showWords(chart);
  const root = pictureOf(chart, SIZES[size]);
  const blob = new Blob([svgText(root)], { type: "image/svg+xml" });
  const suffix = size === "wide" ? "" : `-${SIZES[size].join("x")}`;
  const name = `${fileName(chart.data)}${suffix}.${format}`;
  if (format === "svg") {
    saveBlob(blob, name);
    return;
  }
  const address = URL.createObjectURL(blob);
  try {
    saveBlob(await pngOf(address, SIZES[size], look().panel), name);
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** The published picture of a count, in the scheme of the page, as SVG or as PNG of one of `SIZES`. */
async function saveFigure(path, name, size) {
  const { theme } = document.documentElement.dataset;
  const isDark = theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const address = `${path}${isDark ? "-dark" : ""}.svg`;
  if (size === "svg") save(address, `${name}.svg`);
  else saveBlob(await pngOf(address, SIZES[size], look().panel), `${name}${size === "wide" ? "" : `-${SIZES[size].join("x")}`}.png`);
}

window.cmetricsPictures = { savePicture, saveFigure };
