// Bars for the last hour, one a minute, as a small SVG; the numbers are told in words for screen readers.

import { h, s } from "/ui/dom.js";
import { clock, t } from "/ui/words.js";

const MINUTES = 60;

/** Return a chart. `values` is a Map from a minute's begin (s) to its number, `form` makes a number readable. */
export function bars(title, values, form, kind = "") {
  const last = Math.floor(Date.now() / 60000) * 60;
  const minutes = Array.from({ length: MINUTES }, (_, index) => last - (MINUTES - 1 - index) * 60);
  const most = Math.max(1e-9, ...minutes.map(minute => values.get(minute) ?? 0));
  const known = minutes.filter(minute => values.has(minute));
  const words = known.length
    ? known.slice(-5).map(minute => `${clock(minute)}: ${form(values.get(minute))}`).join("; ")
    : "0";
  const highest = values.size ? form(Math.max(0, ...values.values())) : form(0);
  return h("figure", { class: "plot" },
    h("figcaption", { class: "row spread" }, h("span", {}, title), h("span", { class: "muted" }, t("most", { n: highest }))),
    s("svg", { class: "chart", viewBox: "0 0 240 80", preserveAspectRatio: "none", role: "img", "aria-label": `${title}: ${words}` },
      s("line", { x1: 0, y1: 79.5, x2: 240, y2: 79.5 }),
      minutes.map((minute, index) => {
        const height = 76 * (values.get(minute) ?? 0) / most;
        return height > 0 && s("rect", { class: `bar ${kind}`, x: index * 4 + 0.5, y: 79 - height, width: 3, height, rx: 0.75 });
      })),
    h("div", { class: "axis", "aria-hidden": "true" }, h("span", {}, t("hour_ago")), h("span", {}, t("now"))));
}
