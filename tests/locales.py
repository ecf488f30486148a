"""Write ``cmetrics/locales.json``: the formats of numbers and dates of each language, from Chromium's copy of CLDR.

Run ``uv run --group dev python -m tests.locales`` to update it.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from cmetrics.domain.formats import from_table

FILE = Path(__file__).parent.parent / "cmetrics" / "locales.json"
#: The languages of Chromium, except those whose dates it formats as in English.
LANGUAGES = (
    *("ar", "bg", "bn", "ca", "cs", "da", "de", "el", "es", "et", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id"),
    *("it", "ja", "ko", "lt", "lv", "nb", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "th", "tr", "uk"),
    *("vi", "zh"),
)
_TABLE = r"""
(lang) => {
  const time = (month) => Date.UTC(2026, month, 24);
  const pattern = (options) => {
    const format = new Intl.DateTimeFormat(lang, { timeZone: "UTC", calendar: "gregory", ...options });
    const names = { day: "{d}", month: "{m}", year: "{y}" };
    const parts = (month) => format.formatToParts(time(month));
    const text = parts(10).map((part) => names[part.type] ?? part.value).join("");
    const months = [...Array(12).keys()].map((month) => parts(month).find((part) => part.type === "month").value);
    return { text, months };
  };
  const number = (options) => new Intl.NumberFormat(lang, options);
  const part = (parts, type) => parts.find((one) => one.type === type)?.value;
  const integers = (value) => number({}).formatToParts(value).filter((one) => one.type === "integer");
  const whole = (parts) => {
    const numeric = ["integer", "group", "decimal", "fraction"];
    const texts = parts.map((one) => (numeric.includes(one.type) ? "{}" : one.value));
    return texts.filter((text, index) => text !== "{}" || texts.indexOf("{}") === index).join("");
  };
  const units = [];
  for (let power = 11; power >= 3; power -= 1) {
    const parts = number({ notation: "compact", maximumFractionDigits: 0 }).formatToParts(10 ** power);
    const unit = parts.some((one) => one.type === "compact");
    const digits = parts.filter((one) => one.type === "integer").map((one) => one.value).join("").length;
    if (!unit) continue;
    // The smallest power of a unit: its number has one digit.
    if (digits === 1) units.push([10 ** power, whole(parts)]);
  }
  return {
    lang,
    digits: number({ useGrouping: false }).format(9876543210).split("").reverse().join(""),
    decimal: part(number({}).formatToParts(1.5), "decimal"),
    group: part(number({}).formatToParts(12345), "group"),
    later_group: integers(123456789).at(-2).value.length,
    first_group: integers(1234).length > 1 ? 1 : 2,
    percent: whole(number({ style: "percent", minimumFractionDigits: 1 }).formatToParts(0.125)),
    units,
    long_day: pattern({ day: "numeric", month: "long", year: "numeric" }),
    short_day: pattern({ day: "numeric", month: "short", year: "numeric" }),
    day_month: pattern({ day: "numeric", month: "short" }),
    month: pattern({ month: "long", year: "numeric" }),
    short_month: pattern({ month: "short", year: "numeric" }),
    month_name: pattern({ month: "long" }),
    short_month_name: pattern({ month: "short" }),
  };
}
"""


def read_table(page: Page, lang: str) -> dict[str, Any]:
    """Return the formats of a language."""
    return page.evaluate(_TABLE, lang)


def main() -> None:
    """Write the file with one language per line."""
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        msg = "no Chromium on this machine"
        raise SystemExit(msg)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        tables = {lang: read_table(page, lang) for lang in sorted(LANGUAGES)}
        browser.close()
    lines = []
    for lang, table in tables.items():
        from_table(table)
        text = json.dumps(table, ensure_ascii=False, separators=(",", ":"))
        # Invisible characters are written as escapes.
        text = re.sub(r"[\u00a0\u061c\u200b-\u200f\u202f]", lambda found: f"\\u{ord(found[0]):04x}", text)
        lines.append(f"{json.dumps(lang)}: {text}")
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
