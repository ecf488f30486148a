// Opens a page in Firefox, uses it with pointer and keys, and prints the results as one JSON object.
//
// usage: node firefox.mjs FIREFOX URL SCREENSHOT WIDTH HEIGHT [PATH...]
//
// With paths, it opens these pages of the site instead, and prints the overflow and the heading of each.

import { createRequire } from "node:module";

const puppeteer = createRequire(import.meta.url)("puppeteer-core");
const [executablePath, url, path, width, height, ...paths] = process.argv.slice(2);
const browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true });
const results = { version: await browser.version(), errors: [], requested: [] };

/** Returns the text of the card of a chart and whether it is visible. */
function readCard(card) {
  const style = getComputedStyle(card);
  return {
    isVisible: !card.hidden && style.visibility === "visible" && card.getBoundingClientRect().height > 0,
    text: card.innerText,
  };
}

try {
  const page = await browser.newPage();
  await page.setViewport({ width: Number(width), height: Number(height) });
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) results.errors.push(message.text());
  });
  page.on("pageerror", (error) => results.errors.push(error.message));
  page.on("request", (request) => results.requested.push(request.url()));
  if (paths.length > 0) {
    results.pages = await walk(page, paths);
  } else {
    await read(page);
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(results));

/** Opens each page, and returns by path its heading and how much wider than the window it is. */
async function walk(page, paths) {
  const found = {};
  for (const path of paths) {
    await page.goto(url + path, { waitUntil: "load" });
    found[path] = await page.evaluate(() => ({
      overflow: document.documentElement.scrollWidth - innerWidth,
      title: document.querySelector("h1").innerText,
    }));
  }
  return found;
}

/** Uses the first chart of the overview with pointer and keys, then opens it by week. */
async function read(page) {
  await page.goto(url, { waitUntil: "load" });
  results.overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  const plane = await page.waitForSelector("#chart-downloads .plane");
  await plane.scrollIntoView();
  const box = await plane.boundingBox();
  await page.mouse.move(box.x + box.width * (22.5 / 24), box.y + box.height / 2);
  await page.waitForSelector("#chart-downloads .cursor-card:not([hidden])");
  results.hovered = await page.$eval("#chart-downloads .cursor-card", readCard);
  await page.screenshot({ path });
  await page.keyboard.press("Escape");
  results.escaped = await page.$eval("#chart-downloads .cursor-card", readCard);
  await page.focus("#chart-downloads .plane");
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowLeft");
  await page.waitForSelector("#chart-downloads .cursor-card:not([hidden])");
  results.moved = await page.$eval("#chart-downloads .cursor-card", readCard);
  results.requestedBefore = [...results.requested];
  // The static chart has no weeks, so the interactive chart replaces it.
  await page.goto(`${url}?by=week`, { waitUntil: "load" });
  await page.waitForSelector("#chart-downloads.live .plot svg", { timeout: 60_000 });
  results.bars = await page.$$eval("#chart-downloads .plot .point path", (bars) => bars.length);
}
