// The reader's choices. They are stored in the address, so that a link shows the same view. Charts of stars have
// their own options; if an address has none, those of downloads apply to them too.

const DEFAULTS = {
  range: "2y",
  by: "month",
  mark: "bars",
  place: "stacked",
  split: "product",
  scale: "linear",
  show: "absolute",
  smooth: "off",
  ghost: "none",
  starsrange: "2y",
  starsby: "day",
  stars: "total",
  starsscale: "linear",
  starsshow: "absolute",
  starssmooth: "off",
  events: "on",
};
/** The allowed values in an address, which is untrusted input. */
const CHOICES = {
  range: ["3m", "6m", "1y", "2y", "all"],
  by: ["day", "week", "month"],
  mark: ["bars", "lines"],
  place: ["side", "stacked"],
  split: ["product", "sdk", "total"],
  scale: ["linear", "log"],
  show: ["absolute", "share", "indexed"],
  smooth: ["off", "7", "28"],
  ghost: ["none", "previous", "year"],
  stars: ["total", "gain"],
  events: ["on", "off"],
};
/** Options of stars that follow those of downloads in an address that names only these. */
const INHERITED = { starsrange: "range", starsscale: "scale", starsshow: "show", starssmooth: "smooth" };

const state = { ...DEFAULTS, hide: new Set() };

/** The options of a chart, without the prefix of its kind. */
function optionOf(data, name) {
  const own = `stars${name}`;
  return state[data.kind === "stock" && own in DEFAULTS ? own : name];
}

const rangeOf = (data) => optionOf(data, "range");
const grainOf = (data) => optionOf(data, "by");

const OPTIONS = {
  flow: ["range", "by", "mark", "place", "split", "scale", "show", "smooth", "ghost", "events"],
  stock: ["starsrange", "starsby", "stars", "starsscale", "starsshow", "starssmooth", "events"],
};

/** Whether a chart shows its initial view. */
function isUsual(data) {
  const hidden = data.series.some((series) => state.hide.has(series.key));
  return !hidden && OPTIONS[data.kind].every((name) => state[name] === DEFAULTS[name]);
}

function readState() {
  const asked = new URLSearchParams(location.search);
  for (const [name, usual] of Object.entries(DEFAULTS)) {
    const inherited = INHERITED[name] ?? name;
    const values = CHOICES[name] ?? CHOICES[INHERITED[name] ?? name.slice("stars".length)];
    state[name] = [asked.get(name), asked.get(inherited)].find((value) => values.includes(value)) ?? usual;
  }
  if (state.starsshow === "share") state.starsshow = "absolute";
  const keys = new Set([...document.querySelectorAll(".legend [data-series]")].map((button) => button.dataset.series));
  state.hide = new Set((asked.get("hide") ?? "").split(",").filter((key) => keys.has(key)));
  makeSense();
}

/** Bars are meaningless on a log scale, and shares side by side; the last choice wins. */
function makeSense(chosen = "") {
  // Only daily values have a moving average; for stars, only new ones.
  if (chosen === "smooth" && state.smooth !== "off") state.by = "day";
  else if (chosen === "by" && state.by !== "day") state.smooth = "off";
  if (chosen === "starssmooth" && state.starssmooth !== "off") [state.stars, state.starsby] = ["gain", "day"];
  else if (["stars", "starsby"].includes(chosen) && (state.stars !== "gain" || state.starsby !== "day")) state.starssmooth = "off";
  // Shares and indexes are not comparable with values of another period.
  if (chosen === "ghost" && state.ghost !== "none") state.show = "absolute";
  else if (state.show !== "absolute") state.ghost = "none";
  const lines = state.scale === "log" || state.show === "indexed";
  if (chosen === "mark" && state.mark === "bars") {
    state.scale = "linear";
    if (state.show === "indexed") state.show = "absolute";
  } else if (lines) {
    state.mark = "lines";
  }
  if (chosen === "place" && state.place === "side" && state.show === "share") state.show = "absolute";
  if (chosen === "place" && state.place === "stacked") {
    state.scale = "linear";
    if (state.show === "indexed") state.show = "absolute";
  } else if (state.scale === "log" || state.show === "indexed") {
    state.place = "side";
  }
  if (state.show === "share") {
    state.place = "stacked";
    state.scale = "linear";
  }
}

/** The query of the view; options of stars only if they differ from those of an address without them. */
function queryOf() {
  const query = new URLSearchParams(location.search);
  for (const [name, usual] of Object.entries(DEFAULTS)) {
    const base = INHERITED[name];
    const without = base ? (state[base] === "share" ? "absolute" : state[base]) : usual;
    if (state[name] === without || (base && !hasStars())) query.delete(name);
    else query.set(name, state[name]);
  }
  if (state.hide.size === 0) query.delete("hide");
  else query.set("hide", [...state.hide].sort().join(","));
  return query.toString().replaceAll("%2C", ",");
}

function hasStars() {
  return document.querySelector("figure.chart.stock") !== null;
}

/** A choice of the reader is a history entry, so that Back undoes it. */
function writeState() {
  const text = queryOf();
  if (text === location.search.slice(1)) return;
  try {
    history.pushState(null, "", `${location.pathname}${text && `?${text}`}${location.hash}`);
  } catch {
    // Pages opened as local files cannot change their address.
  }
}
