// A view as a file: picture or numbers.

/** A picture for a talk: on the page's own ground, with title, legend and source. */
async function saveImage(chart, format) {
  let Plotly;
  try {
    Plotly = await loadPlotly();
    await loadDays(chart.data);
  } catch {
    disableControls(); // There is no picture to save; the numbers are in CSV and table.
    return;
  }
  const colours = look();
  const view = viewOf(chart.data);
  const axes = axesOf(chart.data, view);
  const { data, layout } = figureOf(chart.data, view, axes, colours, { size: {}, margin: {} }, "large");
  const sources = [...new Set(chart.data.series.map((series) => series.source))].join(", ");
  const through = chart.data.through ? `Data through ${shortDay.format(timeOf(chart.data.through))} (UTC). ` : "";
  const lacks = view.some((series) => series.points.some((point) => point.value !== null && !point.whole));
  const missing = lacks ? "Hatched or open: days missing. " : "";
  const note = `${through}${missing}Source: ${sources}. ${addressOf()}`.trim();
  const figure = {
    data,
    layout: {
      ...layout,
      xaxis: { ...layout.xaxis, showticklabels: true },
      yaxis: { ...layout.yaxis, showticklabels: true, showgrid: true, gridcolor: colours.line, ticklabelposition: "inside top" },
      title: {
        text: literal(marked(chart.data.title)),
        subtitle: { text: literal(subtitleOf(chart.data)), font: { size: 14, color: colours.muted } },
        x: 0.02,
        font: { size: 20 },
      },
      annotations: [
        { text: literal(note), showarrow: false, xref: "paper", yref: "paper", x: 0, y: -0.14, font: { size: 12 } },
      ],
      margin: { l: 40, r: 40, t: 132, b: 84 },
      paper_bgcolor: colours.panel,
      showlegend: true,
      legend: { orientation: "h", y: 1.08 },
    },
  };
  const url = await Plotly.toImage(figure, { format, width: 1200, height: 675, scale: format === "png" ? 2 : 1 });
  save(url, `${fileName(chart.data)}.${format}`);
}

/** The first and the last day of what a view shows; null if it shows nothing. */
function spanOf(chart) {
  const points = viewOf(chart).flatMap((series) => series.points.filter((point) => point.value !== null));
  if (points.length === 0) return null;
  const last = Math.min(Math.max(...points.map((point) => point.end)), timeOf(chart.through ?? chart.asOf));
  return [Math.min(...points.map((point) => point.start)), last];
}

/** The name of a file with the view, by its key and its days. */
function fileName(chart) {
  const span = spanOf(chart);
  return [chart.key, ...(span ?? []).map(isoDay)].join("-");
}

/** What a picture shows beyond its title: grain and days, as words. */
function subtitleOf(chart) {
  const grain = { day: "By day", week: "By week", month: "By month" }[grainOf(chart)];
  const span = spanOf(chart);
  return span ? `${grain}, ${shortDay.format(span[0])} to ${shortDay.format(span[1])}` : grain;
}

/** Where the page is: its published address, or the one it was opened from. */
function addressOf() {
  const canonical = document.querySelector("link[rel=canonical]")?.href;
  return canonical ?? (location.protocol === "file:" ? "" : `${location.origin}${location.pathname}`);
}

/** The title after the notice of the site, such as "Sample data", if it has one. */
function marked(title) {
  const { notice } = document.documentElement.dataset;
  return notice ? `${notice} · ${title}` : title;
}

function save(url, name) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
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
      const fields = [series.id ?? series.key, isoDay(point.start), isoDay(point.end), point.value, point.whole || point.kind === "seeded", point.kind];
      fields.push(plainField(series.source));
      lines.push(fields.join(","));
    }
  }
  const url = URL.createObjectURL(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }));
  save(url, `${fileName(chart.data)}.csv`);
  // The download has its own hold on the blob once it has begun.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
