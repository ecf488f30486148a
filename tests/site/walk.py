"""Scripts for the browser that examine the elements of a page."""

from __future__ import annotations

#: Returns texts with too little contrast to their background: "ratio text".
LOW_CONTRAST = r"""
() => {
  const parse = (text) => {
    const numbers = text.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
    return text.startsWith("color(srgb") ? [...numbers.slice(0, 3).map((n) => n * 255), numbers[3] ?? 1]
      : [numbers[0], numbers[1], numbers[2], numbers[3] ?? 1];
  };
  const over = (top, below) => [0, 1, 2].map((n) => top[n] * top[3] + below[n] * (1 - top[3])).concat(1);
  const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const probe = document.createElement("i");
  probe.style.backgroundColor = "Canvas";
  document.body.append(probe);
  const canvas = parse(getComputedStyle(probe).backgroundColor);
  probe.remove();
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), canvas);
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim();
    const element = walker.currentNode.parentElement;
    const style = getComputedStyle(element);
    const isDrawn = element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    if (!text || !isDrawn || element.closest("script, style, title, noscript")) continue;
    const box = element.getBoundingClientRect();
    if (box.width <= 1 || box.height <= 1 || parseFloat(style.fontSize) === 0) continue;
    // What cannot be used may be pale (WCAG 1.4.3).
    if (element.closest(":disabled") || element.matches(":disabled + span")) continue;
    const isSvg = element instanceof SVGElement;
    // A number stands on the plate that is drawn before it.
    const plate = isSvg && element.matches(".number") ? element.previousElementSibling : null;
    const below = behind(isSvg ? element.closest("svg").parentElement : element);
    const ground = plate ? over(parse(getComputedStyle(plate).fill), below) : below;
    let opacity = 1;
    for (let at = element; at; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity);
    const colour = parse(isSvg ? style.fill : style.color);
    const [a, b] = [luminance(over([...colour.slice(0, 3), colour[3] * opacity], ground)), luminance(ground)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (isLarge ? 3 : 4.5)) found.push(`${ratio.toFixed(2)} ${text.slice(0, 60)}`);
  }
  return found;
}
"""

#: Returns controls that are too small for touch: "tag text width x height". Excludes links in sentences (WCAG 2.5.8).
SMALL_TARGETS = r"""
() => {
  const found = [];
  const inSentence = (element) => {
    if (!element.matches("a") || getComputedStyle(element).display !== "inline") return false;
    const text = element.closest("p, li, dd, figcaption, td, th, caption, h1, h2, h3")?.textContent.trim() ?? "";
    return text.length > element.textContent.trim().length + 12;
  };
  for (const element of document.querySelectorAll("a, button, input, select, summary, [role=button], [tabindex='0']")) {
    if (!element.checkVisibility({ visibilityProperty: true }) || inSentence(element)) continue;
    // The marks of events are listed below their chart, too.
    if (element.matches(".skip, .scroll, svg, svg *, .canvas, .plot, pre")) continue;
    // A box is as large as its label.
    const target = element.matches("input") ? (element.closest("label") ?? element) : element;
    const { width, height } = target.getBoundingClientRect();
    if (width === 0 || height === 0) continue;
    if (width < 43.9 || height < 43.9) {
      const text = (element.textContent || element.ariaLabel || element.name || "").trim().replace(/\s+/g, " ");
      found.push(`${element.tagName} ${text.slice(0, 40)} ${width.toFixed(0)} x ${height.toFixed(0)}`);
    }
  }
  return found;
}
"""

#: Returns texts and attributes in which right-to-left letters are not isolated. `names` may stand alone in an element
#: without isolation.
NOT_ISOLATED = r"""
(names) => {
  const rtl = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
  const isolated = /\u2068[^\u2069]*\u2069/g;
  const known = new Set(names);
  const found = [];
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim();
    const element = walker.currentNode.parentElement;
    if (!rtl.test(text.replaceAll(isolated, "")) || element.closest("script, style")) continue;
    const around = element.closest("bdi, [dir=auto], text, tspan");
    const alone = around && ["isolate", "plaintext", "isolate-override"].includes(getComputedStyle(around).unicodeBidi);
    const isTitle = element.matches("title, option") && known.has(text);
    const part = text.replaceAll(/[\u2068\u2069]/g, "");
    const isWhole = alone && (names.some((name) => name.includes(part)) || around.textContent.trim() === text);
    if (!isTitle && !isWhole) found.push(`${element.tagName}: ${text}`);
  }
  for (const element of document.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      // An attribute that is a name has no other text beside it.
      const isText = ["aria-label", "title", "alt", "content", "placeholder"].includes(name);
      const isOpen = isText && !known.has(value) && rtl.test(value.replaceAll(isolated, ""));
      if (isOpen) found.push(`${element.tagName} ${name}: ${value}`);
    }
  }
  return found;
}
"""
