// Draws the picture for other views of downloads (hidden series, another range or split) from the data in the page,
// without Plotly. The server draws the initial view, see cmetrics/charts/svg.py.

/** The size of the box in which bars are drawn; it is stretched over the plot. */
const MARKS_BOX = 1000;
const rounded = (value, digits) => Number(value.toFixed(digits));

/** Whether a view shows stacked bars of weeks or months. */
function isDrawable(data, view) {
  return data.kind === "flow" && isStacked(data) && isBars(data, view) && grainOf(data) !== "day" && !isLog(data);
}

/** Draws the bars of a view into the picture. */
function drawMarks(chart, view, axes) {
  const { data, figure } = chart;
  const still = figure.querySelector(".still");
  const marks = still.querySelector(".marks");
  const paths = svgNode("svg", { viewBox: `0 0 ${MARKS_BOX} ${MARKS_BOX}`, preserveAspectRatio: "none" });
  const hatched = [];
  const sums = new Map();
  for (const { tone, points } of axes ? view : []) {
    let path = "";
    for (const { slot, shown, state: kind } of points) {
      if (slot === null || shown === null || slot < axes.start) continue;
      const ground = sums.get(slot) ?? 0;
      sums.set(slot, ground + shown);
      const { x, y, width, height } = barBox(axes, slot, periodEnd(slot, grainOf(data)) + DAY, ground, ground + shown);
      if (height === 0) continue;
      if (!kind) path += `M${x} ${y}h${width}v${height}h-${width}z`;
      else hatched.push([tone, kind, { x, y, width, height }]);
    }
    if (path) paths.append(svgNode("path", { class: `bar tone-${tone}`, d: path }));
  }
  const share = (value) => `${rounded((100 * value) / MARKS_BOX, 2)}%`;
  const rects = hatched.map(([tone, kind, { x, y, width, height }]) => {
    const fill = `url(#${hatchOf(still, data.key, tone, kind)})`;
    return svgNode("rect", { class: `bar tone-${tone}`, fill, x: share(x), y: share(y), width: share(width), height: share(height) });
  });
  marks.replaceChildren(paths, ...rects);
}

function barBox(axes, start, end, low, high) {
  const [left, right] = [start, end].map((time) => rounded(MARKS_BOX * xShare(axes, time), 1));
  const [bottom, top] = [low, high].map((value) => rounded(MARKS_BOX * yShare(axes, value), 1));
  const room = (right - left) * STACK_SHARE;
  return { x: rounded(left + (right - left - room) / 2, 1), y: top, width: rounded(room, 1), height: rounded(bottom - top, 1) };
}

/** The id of the pattern for incomplete bars, created when first needed. */
function hatchOf(still, key, tone, kind) {
  const id = `hatch-${key}-${tone}-${kind}`;
  if (still.querySelector(`[id="${CSS.escape(id)}"]`)) return id;
  const size = { width: 6, height: 6 };
  const pattern = svgNode("pattern", { id, class: `tone-${tone}`, ...size, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  pattern.append(
    svgNode("rect", { class: `ground ${kind}`, ...size }),
    svgNode("path", { class: "hatch", d: kind === "published" ? "M1 0V6M0 1H6" : "M1 0V6" }),
  );
  if (!still.querySelector("defs")) still.prepend(svgNode("defs", {}));
  still.querySelector("defs").append(pattern);
  return id;
}

/** Shows a view with the picture alone. Returns false if the view needs Plotly. */
function drawStill(chart) {
  const view = viewOf(chart.data);
  if (chart.isLive || !isDrawable(chart.data, view)) return false;
  drawPicture(chart, view);
  placeCursor(chart);
  return true;
}

/** Draws a view and its frame into the picture. */
function drawPicture(chart, view) {
  const axes = axesOf(chart.data, view);
  showMessage(chart, messageOf(chart.data, axes));
  chart.paper ??= frameOf(chart);
  drawFrame(chart, view, axes);
  drawMarks(chart, view, axes);
  chart.axes = axes;
}
