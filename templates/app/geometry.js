// Where times are in a chart, in CSS pixels of its canvas: the same for the still picture and the live chart.

/**
 * @typedef {{left: number, top: number, right: number, bottom: number}} Box
 * @typedef {{box: Box, first: number, last: number}} Scale  The times at the left and the right edge of the box.
 */

/** The still picture in use: the page has one for wide and one for narrow windows. */
function stillOf(chart) {
  return [...chart.figure.querySelectorAll(".still")].find((svg) => svg.getClientRects().length > 0);
}

/** @returns {Scale | null} null for a chart without a picture. */
function scaleOf(chart) {
  if (chart.figure.classList.contains("live")) return liveScale(chart);
  const svg = stillOf(chart);
  if (!svg) return null;
  const { left, right, top, bottom, first, last } = svg.dataset;
  const ground = svg.parentElement.getBoundingClientRect();
  const room = svg.getBoundingClientRect();
  const { width, height } = svg.viewBox.baseVal;
  const unit = Math.min(room.width / width, room.height / height);
  const x = room.left - ground.left + (room.width - width * unit) / 2;
  const y = room.top - ground.top + (room.height - height * unit) / 2;
  return {
    box: { left: x + left * unit, right: x + right * unit, top: y + top * unit, bottom: y + bottom * unit },
    first: timeOf(first),
    last: timeOf(last) + DAY,
  };
}

function liveScale(chart) {
  const layout = chart.figure.querySelector(".plot")._fullLayout;
  if (!layout?.xaxis?.visible) return null;
  const { l, t, w, h } = layout._size;
  const [first, last] = layout.xaxis.range.map((text) => layout.xaxis.r2l(text));
  return { box: { left: l, top: t, right: l + w, bottom: t + h }, first, last };
}

/** @returns {Box | null} The box between the axes, from the left and the top of the canvas. */
function plotBox(chart) {
  return scaleOf(chart)?.box ?? null;
}

function timeToX(chart, time) {
  const { box, first, last } = scaleOf(chart);
  return box.left + ((time - first) / (last - first)) * (box.right - box.left);
}

function xToTime(chart, x) {
  const { box, first, last } = scaleOf(chart);
  return first + ((x - box.left) / (box.right - box.left)) * (last - first);
}
