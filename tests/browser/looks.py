"""What a page must offer to everybody: text that can be read, names for who does not see, nothing beyond the edge."""

from typing import Any

from playwright.sync_api import Page

# The contrast of every text against what really stands behind it, by WCAG 2.2; what is hidden or switched off is not
# text that anybody reads. Large: 24 px, or 18.66 px and bold.
_FAINT = r"""() => {
  const parse = (c) => { const m = c.match(/[\d.]+/g).map(Number);
    return c.startsWith("color(") ? [m[0] * 255, m[1] * 255, m[2] * 255, m[3] ?? 1] : [m[0], m[1], m[2], m[3] ?? 1]; };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat([1]);
  const light = (c) => { const [r, g, b] = c.slice(0, 3).map((v) => { v /= 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (element) => { const layers = [];
    for (let e = element; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
      if (c[3] > 0) { layers.push(c); if (c[3] === 1) break; } }
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]); };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement, text = node.textContent.trim();
    if (!text || ["SCRIPT", "STYLE", "TITLE"].includes(element.tagName)) continue;
    if (element.closest("[disabled], .disabled, [aria-hidden=true], .visually-hidden, .q-icon")) continue;
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const style = getComputedStyle(element), size = parseFloat(style.fontSize);
    const is_svg = element.namespaceURI.endsWith("svg");
    const front = over(parse(is_svg ? style.fill : style.color), behind(element)), back = behind(element);
    const [a, b] = [light(front), light(back)].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
    const large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) faint.push(`${text.slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return [...new Set(faint)];
}"""
_NAMELESS = r"""() => [...document.querySelectorAll(
  "button, a[href], input, select, textarea, [role=button], [role=combobox]")]
  .filter((e) => e.checkVisibility({ visibilityProperty: true }) && e.type !== "hidden")
  .filter((e) => !((e.getAttribute("aria-label") || e.innerText || e.title || "").trim()
    || [...(e.labels ?? [])].some((label) => label.innerText.trim())
    || (e.getAttribute("aria-labelledby") && document.getElementById(e.getAttribute("aria-labelledby")))))
  .map((e) => e.outerHTML.slice(0, 200))"""
_BEYOND = """() => {
  const apart = ".grid-scroll, .scroll-x, .visually-hidden, thead";  // they scroll by themselves, or are not seen
  const out = [...document.querySelectorAll("main *")].filter((e) => !e.closest(apart) && e.checkVisibility()
    && e.getBoundingClientRect().right > window.innerWidth + 1);
  return [document.documentElement.scrollWidth - window.innerWidth, ...out.map((e) => e.outerHTML.slice(0, 120))];
}"""


# What a table has beside what is seen of it: its rows scroll, but nobody looks for what they do not know of.
_CUT = """() => [...document.querySelectorAll(".grid-scroll")].filter((e) => e.checkVisibility()
  && e.scrollWidth > e.clientWidth + 1)
  .map((e) => `${e.querySelector("table").getAttribute("aria-label")}: ${e.scrollWidth} of ${e.clientWidth} px`)"""


def cut_tables(page: Page) -> list[str]:
    """Every table of which a part is beyond its right edge."""
    return list(page.evaluate(_CUT))


def faint_texts(page: Page) -> list[str]:
    """Every text that is too faint to be read, with its contrast."""
    return list(page.evaluate(_FAINT))


def nameless(page: Page) -> list[str]:
    """Every control that somebody who does not see the page would not know by name."""
    return list(page.evaluate(_NAMELESS))


def beyond_the_edge(page: Page) -> list[Any]:
    """What reaches beyond the right edge of the window, outside of tables that scroll by themselves."""
    overflow, *elements = page.evaluate(_BEYOND)
    return ([f"{overflow} px"] if overflow > 0 else []) + elements
