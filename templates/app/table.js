// The numbers of the view as a table and as a CSV file: always absolute ones.

function label(chart, point) {
  if (point.when === null || (chart.kind === "stock" && point.missing === "")) {
    return longDay.format(Math.min(point.end, timeOf(chart.through ?? chart.asOf)));
  }
  return point.when.replace(/^in (the )?/, "");
}

/** Rebuilt only where it can be seen; until the view changes, the one from the server is right. */
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
  const head = details.querySelector("thead tr");
  const body = details.querySelector("tbody");
  head.replaceChildren(cell("th", "Period"), ...view.map((series) => cell("th", series.name, "num")));
  for (const heading of head.children) heading.scope = "col";
  const newestFirst = [...rows].sort(([a], [b]) => (a < b ? 1 : -1));
  body.replaceChildren(
    ...newestFirst.map(([, row]) => {
      const line = document.createElement("tr");
      const heading = cell("th", row.label);
      heading.scope = "row";
      line.append(heading, ...row.cells.map(numberCell));
      return line;
    }),
  );
}

function cell(tag, text, className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

function numberCell(point) {
  const made = cell("td", point ? number.format(point.value) : "–", "num");
  if (point?.missing) made.append(" ", cell("span", point.missing, "partial"));
  if (point?.kind === "seeded") made.append(" ", cell("span", "published total", "tag"));
  if (point?.kind === "estimated") made.append(" ", cell("span", "estimated", "tag"));
  return made;
}

/** Names of services are ours; a comma or a quote in one would still break the line. */
function plainField(text) {
  return text.replaceAll(/[",\r\n]/g, " ");
}

/** Every field is an id, a day, a number or a word of our own: nothing that a spreadsheet would run. */
async function saveCsv(chart) {
  await loadDays(chart.data);
  const lines = ["metric_id,period_start,period_end,value,complete,kind,source"];
  for (const series of viewOf(chart.data)) {
    for (const point of series.points) {
      if (point.value === null) continue;
      const fields = [series.id ?? series.key, isoDay(point.start), isoDay(point.end), point.value, point.whole, point.kind];
      fields.push(plainField(series.source));
      lines.push(fields.join(","));
    }
  }
  const url = URL.createObjectURL(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }));
  save(url, `${fileName(chart.data)}.csv`);
  // The download has its own hold on the blob once it has begun.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
