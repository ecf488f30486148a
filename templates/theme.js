// Runs before the first paint: a reader who chose light or dark never sees the other one, and nothing moves.
"use strict";

try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage the page follows the system's setting.
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** A page is built every night; after so many days, two builds have failed. */
const STALE_BUILD_DAYS = 2;

/** The build says what was old when it was made; only the reader's clock shows that there was no build since. */
function warnWhenStale(banner) {
  const { built, through, since } = banner.dataset;
  if (!through || Date.now() - Date.parse(built) < STALE_BUILD_DAYS * DAY_MS) return;
  // Counted from the last completed day, as everywhere.
  const age = Math.floor((Date.now() - Date.parse(through)) / DAY_MS) - 1;
  banner.textContent = `Data is ${age} days old. The nightly update has not run since ${since}.`;
  banner.hidden = false;
  document.documentElement.toggleAttribute("data-late", true);
}

const awaited = new MutationObserver(() => {
  const banner = document.getElementById("stale");
  // What follows it has been read, so it is complete.
  if (!banner?.nextSibling) return;
  awaited.disconnect();
  warnWhenStale(banner);
});
awaited.observe(document.documentElement, { childList: true, subtree: true });
addEventListener("DOMContentLoaded", () => awaited.disconnect());
