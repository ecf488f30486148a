// The dialog "Share this chart": one for the page, filled for the chart whose button was pressed. The native dialog
// traps the focus, restores it, and closes with Esc.

const COPY_FAILED = "Couldn't copy. Copy the URL from the address bar.";
const TEXT_COPY_FAILED = "Couldn't copy. The text is selected; copy it manually.";

const isOnWeb = () => /^https?:$/.test(location.protocol);

/** The address of the site with a trailing slash: the published one, else the current one; empty for local files. */
function siteAddress(dialog) {
  const { site, root } = dialog.dataset;
  return site || (isOnWeb() ? new URL(root || "./", location.href).href : "");
}

/** The address of a view: that of the page, with the options and the chart. */
function viewAddress(figure) {
  const here = isOnWeb() ? location.href : (document.querySelector("link[rel=canonical]")?.href ?? location.href);
  const address = new URL(here);
  address.search = queryOf();
  address.hash = figure.id;
  return address.href.replaceAll("%2C", ",");
}

function attributeText(text) {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}

/** Markup for a README: a light and a dark picture, with a link to the chart. */
function pictureMarkup(site, figure, title) {
  const picture = `${site}chart/${encodeURIComponent(figure.dataset.name)}`;
  const page = new URL(document.querySelector("link[rel=canonical]")?.href ?? location.href);
  page.search = "";
  page.hash = figure.id;
  return [
    `<a href="${attributeText(page.href)}">`,
    "  <picture>",
    `    <source media="(prefers-color-scheme: dark)" srcset="${picture}-dark.svg">`,
    `    <img alt="${attributeText(title)}" src="${picture}.svg" width="720">`,
    "  </picture>",
    "</a>",
  ].join("\n");
}

const headingOf = (figure) => marked(figure.querySelector("figcaption > :is(h2, h3)").textContent.trim());

/** The alternative text of the current view. */
function alternativeOf(figure) {
  return figure.querySelector("[data-words], figcaption ~ .visually-hidden").textContent.trim();
}

function setUpShare() {
  const dialog = document.getElementById("share");
  if (!dialog) return;
  const find = (css) => dialog.querySelector(css);
  const tabs = [...dialog.querySelectorAll("[role=tab]")];
  const status = find(".share-status");
  /** The shared figure, and its chart; null for a count. */
  const shared = { figure: null, chart: null };

  const select = (tab) => {
    for (const other of tabs) {
      const chosen = other === tab;
      other.setAttribute("aria-selected", String(chosen));
      other.tabIndex = chosen ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
    }
    status.textContent = "";
  };

  const open = (figure, name) => {
    const chart = charts.find((one) => one.figure === figure) ?? null;
    Object.assign(shared, { figure, chart });
    const site = siteAddress(dialog);
    const file = encodeURIComponent(figure.dataset.name);
    find(".share-chart").textContent = headingOf(figure);
    // The published picture always shows the initial view.
    const title = chart ? marked(chart.data.title) : headingOf(figure);
    find("#share-address").value = viewAddress(figure);
    find("#share-words").value = alternativeOf(figure);
    find("#share-picture").value = site ? pictureMarkup(site, figure, title) : "";
    find("#share-badge").value = site ? `![${title}](${site}badges/${file}.svg)` : "";
    find(".share-badge").hidden = !site || figure.dataset.badge === undefined;
    find(".share-unpublished").hidden = Boolean(site);
    for (const button of dialog.querySelectorAll("[data-copy='share-picture']")) button.disabled = !site;
    find(".share-shown").hidden = chart === null;
    const { root } = dialog.dataset;
    for (const [css, path, isShown] of [
      [".share-figure", `${root}charts/${file}.json`, true],
      [".share-series", `${root}api/v1/series/${file}.json`, chart === null],
    ]) {
      find(css).href = path;
      find(css).hidden = !isShown;
    }
    select(document.getElementById(`share-tab-${name}`));
    dialog.showModal();
    document.getElementById(`share-tab-${name}`).focus();
  };

  const copy = async (field) => {
    try {
      await navigator.clipboard.writeText(field.value);
      status.textContent = "Copied";
    } catch {
      field.select();
      status.textContent = field.id === "share-address" ? COPY_FAILED : TEXT_COPY_FAILED;
    }
  };

  /** Runs the task of a button; the dialog reports failures. */
  const run = async (task, failure) => {
    status.textContent = "";
    try {
      await task();
    } catch {
      status.textContent = failure;
    }
  };

  const saveShared = async (size) => {
    const { figure, chart } = shared;
    if (chart) return size === "svg" ? saveImage(chart, "svg") : saveImage(chart, "png", size);
    const { saveFigure } = await loadPictures();
    return saveFigure(`${dialog.dataset.root}chart/${encodeURIComponent(figure.dataset.name)}`, figure.dataset.name, size);
  };

  dialog.addEventListener("click", ({ target }) => {
    // The backdrop belongs to the dialog itself.
    if (target === dialog || target.closest("[data-do=close]")) dialog.close();
    else if (target.closest("[role=tab]")) select(target.closest("[role=tab]"));
    else if (target.dataset.copy) copy(document.getElementById(target.dataset.copy));
    else if (target.dataset.image) run(() => saveShared(target.dataset.image), "The image could not be created. Save the SVG instead.");
    else if (target.dataset.data) {
      const task = { csv: saveCsv, json: saveJson }[target.dataset.data];
      run(() => task(shared.chart), "The values could not be loaded. Try again.");
    }
  });
  find("[role=tablist]").addEventListener("keydown", (event) => {
    const at = tabs.indexOf(document.activeElement);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: -1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const tab = tabs.at(to % tabs.length);
    select(tab);
    tab.focus();
  });
  for (const button of document.querySelectorAll("[data-share]")) {
    button.addEventListener("click", () => {
      const figure = button.closest("figure") ?? document.querySelector("figure.chart");
      open(figure, button.dataset.share);
    });
  }
}
