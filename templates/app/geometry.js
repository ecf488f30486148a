// Where times are in a chart, in CSS pixels of its canvas: the same for the still picture and the live chart.

/**
 * @typedef {{left: number, top: number, right: number, bottom: number}} Box
 * @typedef {{box: Box, first: number, last: number}} Scale  The times at the left and the right edge of the box.
 */

/** @returns {Box} The plot box; the picture is as large as it. */
function boxOf(chart) {
  const canvas = chart.figure.querySelector(".canvas").getBoundingClientRect();
  const box = chart.figure.querySelector(".still").getBoundingClientRect();
  const [left, top] = [box.left - canvas.left, box.top - canvas.top];
  return { left, top, right: left + box.width, bottom: top + box.height };
}

/** @returns {Scale | null} null for a chart that shows nothing. */
function scaleOf(chart) {
  if (!chart.axes) return null;
  return { box: boxOf(chart), first: chart.axes.start, last: chart.axes.end };
}
