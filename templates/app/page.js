// Set-up that every page shares.

/** SVG titles appear late, and never for touch or keyboard, so the calendar repeats them below. */
function setUpCalendar() {
  const note = document.querySelector(".strip-note");
  if (!note) return;
  for (const type of ["pointerover", "click"]) {
    document.querySelector(".calendar").addEventListener(type, (event) => {
      const title = event.target.querySelector?.("title");
      if (title && event.target.tagName === "rect") note.textContent = title.textContent;
    });
  }
  for (const strip of document.querySelectorAll(".calendar .strip")) {
    strip.setAttribute("tabindex", "0");
    const name = strip.closest("tr").cells[0].textContent.trim().replace(/\s+/g, " ");
    strip.addEventListener("focus", () => {
      note.textContent = `${name}: ${strip.getAttribute("aria-label")}`;
    });
  }
}

/** Former parts of the overview that now have their own pages, so that old links still work. */
function followMovedPart() {
  const part = location.hash.slice(1);
  const changes = document.querySelector(".changed a[href='changes.html']");
  if (!part || !changes || document.getElementById(part)) return;
  const product = /^(?:product|chart-downloads|chart-stars)-([a-z0-9-]+)$/.exec(part);
  const page = product && document.querySelector(`.metrics a[href="products/${product[1]}.html"]`);
  if (!page) location.replace(`changes.html#${part}`);
  else location.replace(part.startsWith("chart-") ? `${page.href}${location.search}#${part}` : page.href);
}

/** The target of an address may be collapsed; not every browser expands it. */
function unfoldTarget() {
  const part = location.hash.slice(1);
  const target = part && document.getElementById(part);
  const fold = target && target.closest("details.folded");
  if (!fold) return;
  fold.open = true;
  target.scrollIntoView();
}

followMovedPart();
unfoldTarget();
addEventListener("hashchange", unfoldTarget);
findCharts();
findCounts();
readState();
showState();
listen();
setUpCursors();
setUpWindows();
watchCharts();
drawWhenIdle();
addEventListener("beforeprint", preparePrint);
addEventListener("afterprint", endPrint);
setUpTheme(redraw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
setUpCalendar();
setUpShare();
setUpList();
setUpKeys();
