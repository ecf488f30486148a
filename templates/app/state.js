// What the reader has chosen. It lives in the address, so that a link shows the same view.

const DEFAULTS = {
  range: "2y",
  by: "month",
  starsby: "day",
  mark: "bars",
  place: "side",
  split: "product",
  scale: "linear",
  show: "absolute",
  stars: "total",
  smooth: "off",
  events: "on",
};

const state = { ...DEFAULTS, hide: new Set() };

/** The inputs of an option: those of all charts, and those that the first chart has for itself. */
function optionInputs(name) {
  return [...document.querySelectorAll(".controls input, .lens input")].filter((input) => optionOf(input) === name);
}

function optionOf(input) {
  return input.dataset.option ?? input.name;
}

function isUsual() {
  return state.hide.size === 0 && Object.entries(DEFAULTS).every(([name, usual]) => state[name] === usual);
}

/** Only values that a control offers: an address is text from outside. */
function readState() {
  const asked = new URLSearchParams(location.search);
  for (const name of Object.keys(DEFAULTS)) {
    const value = asked.get(name);
    const known = value !== null && optionInputs(name).some((input) => input.value === value);
    state[name] = known ? value : DEFAULTS[name];
  }
  const keys = new Set([...document.querySelectorAll(".legend [data-series]")].map((button) => button.dataset.series));
  state.hide = new Set((asked.get("hide") ?? "").split(",").filter((key) => keys.has(key)));
}

function writeState() {
  const query = new URLSearchParams(location.search);
  for (const [name, usual] of Object.entries(DEFAULTS)) {
    if (state[name] === usual) query.delete(name);
    else query.set(name, state[name]);
  }
  if (state.hide.size === 0) query.delete("hide");
  else query.set("hide", [...state.hide].sort().join(","));
  const text = query.toString().replaceAll("%2C", ",");
  try {
    history.replaceState(null, "", `${location.pathname}${text && `?${text}`}${location.hash}`);
  } catch {
    // Pages that were opened as files may not change their address.
  }
}
