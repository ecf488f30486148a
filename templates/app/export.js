// Saves the numbers of a view as files, and names files.

/** The first and the last day of a view; null if it shows nothing. */
function spanOf(chart) {
  const points = viewOf(chart).flatMap((series) => series.points.filter((point) => point.value !== null));
  if (points.length === 0) return null;
  const last = Math.min(Math.max(...points.map((point) => point.end)), timeOf(chart.through ?? chart.asOf));
  return [Math.min(...points.map((point) => point.start)), last];
}

/** The file name for a view, from its key and range: `downloads-lance-2025-12-to-2026-11`. */
function fileName(chart) {
  const length = grainOf(chart) === "month" ? "2026-11".length : "2026-11-24".length;
  const [first, last] = (spanOf(chart) ?? []).map((time) => isoDay(time).slice(0, length));
  const span = !first ? "" : first === last ? `-${last}` : `-${first}-to-${last}`;
  return `${chart.key}${span}`;
}

/** The subtitle of a picture: period, range, and options of the view. */
function subtitleOf(chart) {
  const grain = { day: "by day", week: "by week", month: "by month" }[grainOf(chart)];
  const span = spanOf(chart);
  const mean = optionOf(chart, "smooth");
  const isMean = viewOf(chart).some((one) => one.points.some((point) => point.mean));
  const parts = [
    span ? `${grain}, ${formatShortDay(span[0])} to ${formatShortDay(span[1])}` : grain,
    isGain(chart) && "new stars",
    isMean && `average of ${mean} days`,
    isShared(chart) && "share of all shown",
    isIndexed(chart) && "index, the first value is 100",
    isLog(chart) && "log scale",
  ];
  return parts.filter(Boolean).join(", ");
}

/** The address of the page: the published one, or that from which it was opened. */
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

/** Pictures are drawn by a separate script, which is loaded for the first picture. */
let pictures = null;

function loadPictures() {
  pictures ??= loadScript(PICTURES).then(
    () => window.cmetricsPictures,
    (error) => {
      pictures = null;
      throw error;
    },
  );
  return pictures;
}

async function saveImage(chart, format, size) {
  const { savePicture } = await loadPictures();
  await savePicture(chart, format, size);
}

function saveBlob(blob, name) {
  const url = URL.createObjectURL(blob);
  save(url, name);
  // A started download keeps its own reference to the blob.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Names of services are fixed, but a comma or a quote in one would still break the line. */
function plainField(text) {
  return text.replaceAll(/[",\r\n]/g, " ");
}

/** The known values of a view. */
function knownPoints(series) {
  return series.points
    .filter((point) => point.value !== null)
    .map((point) => ({
      period_start: isoDay(point.start),
      period_end: isoDay(point.end),
      value: point.value,
      complete: point.whole || point.kind === "seeded",
      kind: point.kind,
    }));
}

/** Every field is an id, a day, a number or a fixed text: nothing that a spreadsheet would run. */
async function saveCsv(chart) {
  await loadDays(chart.data);
  const lines = ["metric_id,period_start,period_end,value,complete,kind,source"];
  for (const series of viewOf(chart.data)) {
    for (const point of knownPoints(series)) {
      lines.push([series.id ?? series.key, ...Object.values(point), plainField(series.source)].join(","));
    }
  }
  saveBlob(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }), `${fileName(chart.data)}.csv`);
}

async function saveJson(chart) {
  await loadDays(chart.data);
  const { data } = chart;
  const document = {
    title: marked(data.title),
    view: subtitleOf(data),
    data_through: data.through,
    address: addressOf() || null,
    series: viewOf(data).map((series) => ({
      metric_id: series.id ?? series.key,
      name: series.name,
      source: series.source,
      values: knownPoints(series),
    })),
  };
  const text = `${JSON.stringify(document, null, 1)}\n`;
  saveBlob(new Blob([text], { type: "application/json" }), `${fileName(data)}.json`);
}
