// The numbers of the view as a table. Always absolute values.

function label(chart, point) {
  if (point.when === null || (chart.kind === "stock" && point.missing === "")) {
    return longDay.format(Math.min(point.end, timeOf(chart.through ?? chart.asOf)));
  }
  return point.when.replace(/^in (the )?/, "");
}

/** Rebuilt only if visible. The server's table is valid until the view changes. */
async function fillTable(chart) {
  const details = chart.figure.querySelector("details.numbers");
  if (!details?.open) return;
  await loadDays(chart.data).catch(() => {}); // Then the table has no rows, and the chart says why.
  const view = viewOf(chart.data);
  const rows = new Map();
  view.forEach((series, column) => {
    for (const point of series.points) {
      if (point.value === null) continue;
      const key = `${isoDay(point.end)} ${isoDay(point.start)} ${point.kind === "seeded"}`;
      if (!rows.has(key)) rows.set(key, { label: label(chart.data, point), cells: view.map(() => null) });
      rows.get(key).cells[column] = point;
    }
  });
  const ghosts = ghostColumns(chart.data, view);
  const head = details.querySelector("thead tr");
  const body = details.querySelector("tbody");
  head.replaceChildren(cell("th", "Period"), ...[...view, ...ghosts].map(({ name }) => nameCell(name)));
  for (const heading of head.children) heading.scope = "col";
  const newestFirst = [...rows].sort(([a], [b]) => (a < b ? 1 : -1));
  body.replaceChildren(
    ...newestFirst.map(([key, row]) => {
      const line = document.createElement("tr");
      const heading = cell("th", row.label);
      heading.scope = "row";
      line.append(heading, ...row.cells.map(numberCell), ...ghosts.map(({ cells }) => ghostCell(cells.get(key))));
      return line;
    }),
  );
}

function nameCell(name) {
  const made = cell("th", name, "num");
  made.dir = "auto";
  return made;
}

function cell(tag, text, className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

/** A value of an earlier period, with the name of that period. */
function ghostCell(point) {
  const made = numberCell(point);
  if (point) made.append(" ", cell("span", point.period, "tag"));
  return made;
}

function numberCell(point) {
  const made = cell("td", point ? number.format(point.value) : "–", "num");
  if (point?.missing) made.append(" ", cell("span", point.missing, "partial"));
  if (point?.kind === "seeded") made.append(" ", cell("span", "published total", "tag"));
  if (point?.kind === "estimated") made.append(" ", cell("span", "estimated", "tag"));
  return made;
}
