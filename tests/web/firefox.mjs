// Reads a page with Firefox as a reader would and prints what it saw as one JSON object.
//
// usage: node firefox.mjs FIREFOX URL SCREENSHOT WIDTH HEIGHT [PATH...]
//
// With paths, it opens these pages of the site instead, and prints what is wrong with each.

import { createRequire } from "node:module";

const puppeteer = createRequire(import.meta.url)("puppeteer-core");
const [executablePath, url, path, width, height, ...paths] = process.argv.slice(2);
const browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true });
const seen = { version: await browser.version(), errors: [], asked: [] };

/** What is true of the card of a chart: its texts, and whether it can be seen. */
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
    if (["error", "warn"].includes(message.type())) seen.errors.push(message.text());
  });
  page.on("pageerror", (error) => seen.errors.push(error.message));
  page.on("request", (request) => seen.asked.push(request.url()));
  if (paths.length > 0) {
    seen.pages = await walk(page, paths);
  } else {
    await read(page);
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));

/** Opens each page, and returns by path how much wider than the window it is, and its heading. */
async function walk(page, paths) {
  const found = {};
  for (const path of paths) {
    await page.goto(url + path, { waitUntil: "load" });
    found[path] = await page.evaluate(() => ({
      sideways: document.documentElement.scrollWidth - innerWidth,
      title: document.querySelector("h1").innerText,
    }));
  }
  return found;
}

/** Uses the first chart of the overview with pointer and keys, then asks for weeks. */
async function read(page) {
  await page.goto(url, { waitUntil: "load" });
  seen.sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  const plane = await page.waitForSelector("#chart-downloads .plane");
  await plane.scrollIntoView();
  const box = await plane.boundingBox();
  await page.mouse.move(box.x + box.width * (22.5 / 24), box.y + box.height / 2);
  await page.waitForSelector("#chart-downloads .cursor-card:not([hidden])");
  seen.hovered = await page.$eval("#chart-downloads .cursor-card", readCard);
  await page.screenshot({ path });
  await page.keyboard.press("Escape");
  seen.escaped = await page.$eval("#chart-downloads .cursor-card", readCard);
  await page.focus("#chart-downloads .plane");
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowLeft");
  await page.waitForSelector("#chart-downloads .cursor-card:not([hidden])");
  seen.moved = await page.$eval("#chart-downloads .cursor-card", readCard);
  seen.askedBefore = [...seen.asked];
  // Weeks are what the still picture does not have: the live chart takes over.
  await page.goto(`${url}?by=week`, { waitUntil: "load" });
  await page.waitForSelector("#chart-downloads.live .plot svg", { timeout: 60_000 });
  seen.bars = await page.$$eval("#chart-downloads .plot .point path", (bars) => bars.length);
}
