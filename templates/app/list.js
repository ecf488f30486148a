// The rows of metrics: search, filter, sort, select for a comparison. All rows are in the page.

/** More lines in one chart cannot be distinguished. */
const MOST_COMPARED = 6;
const collator = new Intl.Collator("en");

function setUpList() {
  const table = document.querySelector("table.metrics");
  if (!table) return;
  const finder = document.querySelector(".finder");
  const fields = new Map([...(finder?.querySelectorAll("[name]") ?? [])].map((field) => [field.name, field]));
  const rows = [...table.tBodies[0].rows];
  // The searchable text of a row, from its first two cells; converted to lower case once, when first needed.
  const texts = new Map();
  const textOf = (row) => {
    if (!texts.has(row)) texts.set(row, [0, 1].map((n) => row.cells[n].textContent).join(" ").toLowerCase());
    return texts.get(row);
  };
  const status = document.querySelector(".found");

  const filter = () => {
    const words = fields.get("q").value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = ["product", "family", "source"].map((name) => [name, fields.get(name)?.value]);
    let found = 0;
    for (const row of rows) {
      const fits = words.every((word) => textOf(row).includes(word)) && wanted.every(([name, v]) => !v || row.dataset[name] === v);
      row.hidden = !fits;
      found += fits ? 1 : 0;
    }
    status.textContent = `${found} of ${rows.length} ${rows.length === 1 ? "metric" : "metrics"}`;
    remember();
  };

  const sortBy = (button, descending) => {
    const column = button.closest("th").cellIndex;
    const value = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim().toLowerCase();
    const numeric = button.dataset.numeric !== undefined;
    const sorted = [...rows].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      // Rows without a number are last in either direction.
      if (numeric && (x === "") !== (y === "")) return x === "" ? 1 : -1;
      const order = numeric ? Number(x) - Number(y) : collator.compare(x, y);
      return descending ? -order : order;
    });
    table.tBodies[0].append(...sorted);
    for (const th of table.tHead.rows[0].cells) th.removeAttribute("aria-sort");
    button.closest("th").setAttribute("aria-sort", descending ? "descending" : "ascending");
  };

  const remember = () => {
    const query = new URLSearchParams(location.search);
    for (const [name, field] of fields) {
      if (field.value) query.set(name, field.value);
      else query.delete(name);
    }
    try {
      history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}${location.hash}`);
    } catch {
      // Pages opened as local files cannot change their address.
    }
  };

  for (const [name, value] of new URLSearchParams(location.search)) {
    if (fields.has(name)) fields.get(name).value = value;
  }
  finder?.addEventListener("input", filter);
  for (const button of table.tHead.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      const now = button.closest("th").getAttribute("aria-sort");
      sortBy(button, now ? now === "ascending" : button.dataset.numeric !== undefined);
    });
  }
  setUpPicks(table);
  // Without a query, all rows are already shown.
  if ([...fields.values()].some((field) => field.value)) filter();
}

/** Two to six selected rows enable the link to a comparison. */
function setUpPicks(table) {
  const bar = document.querySelector(".picked");
  if (!bar) return;
  const boxes = [...table.querySelectorAll("[data-pick]")];
  const link = bar.querySelector("a");
  const show = () => {
    const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
    bar.hidden = chosen.length === 0;
    const isEnough = chosen.length > 1;
    link.textContent = isEnough ? `Compare ${chosen.length} metrics` : "Choose one more metric to compare";
    if (isEnough) link.href = `${bar.dataset.compare}?m=${chosen.map(encodeURIComponent).join(",")}`;
    else link.removeAttribute("href");
    for (const box of boxes) box.disabled = !box.checked && chosen.length >= MOST_COMPARED;
  };
  table.addEventListener("change", show);
  bar.querySelector("button").addEventListener("click", () => {
    for (const box of boxes) box.checked = false;
    show();
  });
  // Browsers restore checked boxes when a page is reloaded.
  show();
}

function setUpKeys() {
  const dialog = document.getElementById("keys");
  document.querySelector("[data-do=keys]").addEventListener("click", () => dialog.showModal());
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, select, textarea, dialog")) return;
    const search = document.querySelector(".finder [name=q]");
    if (event.key === "/" && search) search.focus();
    else if (event.key === "?") dialog.showModal();
    else return;
    event.preventDefault();
  });
}
