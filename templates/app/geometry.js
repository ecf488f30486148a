// Positions of times in a chart, in CSS pixels of its canvas, for picture and live chart alike.

/**
 * @typedef {{left: number, top: number, right: number, bottom: number}} Box
 * @typedef {{box: Box, first: number, last: number}} Scale  The times at the left and the right edge of the box.
 */

/** @returns {Box} The plot box, which is the area of the picture. */
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
