// Runs before the first paint: a reader who selected light or dark never sees the other scheme, and the layout does
// not move.
"use strict";

try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage the page follows the system's setting.
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** A site is built every night; after this many days, two builds have failed. */
const STALE_BUILD_DAYS = 2;

/** The build reports data that was old at that time. Only the reader's clock reveals that there was no build since. */
function warnWhenStale(banner) {
  const { built, through, since } = banner.dataset;
  if (!through || Date.now() - Date.parse(built) < STALE_BUILD_DAYS * DAY_MS) return;
  // Counted from the last completed day, as in all other places.
  const age = Math.floor((Date.now() - Date.parse(through)) / DAY_MS) - 1;
  banner.textContent = `Data is ${age} days old. The nightly update has not run since ${since}.`;
  banner.hidden = false;
  document.documentElement.toggleAttribute("data-late", true);
}

const awaited = new MutationObserver(() => {
  const banner = document.getElementById("stale");
  // The parser has passed it, so it is complete.
  if (!banner?.nextSibling) return;
  awaited.disconnect();
  warnWhenStale(banner);
});
awaited.observe(document.documentElement, { childList: true, subtree: true });
addEventListener("DOMContentLoaded", () => awaited.disconnect());
