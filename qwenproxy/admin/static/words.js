// The page's texts, from the same catalogue as the command line's, and numbers and times as the person's language has them.

let texts = {};
let lang = "en";

export async function loadTexts(wanted) {
  lang = wanted;
  texts = await (await fetch(`/ui/texts-${wanted}.json`)).json();
  document.documentElement.lang = wanted;
}

export function language() { return lang; }

/** Return the text of a key with its values. A key without a text shows itself, so that nothing is ever empty. */
export function t(key, values = {}) {
  const text = texts[`ui_${key}`] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

export function number(value) {
  return value === null || value === undefined ? "–" : new Intl.NumberFormat(lang).format(value);
}

export function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value < 1) return t("milliseconds", { n: number(Math.round(value * 1000)) });
  return t("seconds", { n: new Intl.NumberFormat(lang, { maximumFractionDigits: value < 10 ? 1 : 0 }).format(value) });
}

export function bytes(value) {
  if (value === null || value === undefined) return "–";
  if (value < 1024) return t("bytes", { n: number(value) });
  if (value < 1024 * 1024) return t("kibibytes", { n: number(Math.round(value / 1024)) });
  return t("mebibytes", { n: new Intl.NumberFormat(lang, { maximumFractionDigits: 1 }).format(value / 1024 / 1024) });
}

/** Return a time of day; `at` is in seconds since 1970. */
export function clock(at) {
  return new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(at * 1000);
}

/** Return a date with its time of day, from an ISO text. */
export function moment(text) {
  return text ? new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" }).format(new Date(text)) : "–";
}

/** Return how long it is until an ISO text's moment, in words. */
export function until(text) {
  const left = Math.max(0, (new Date(text) - Date.now()) / 1000);
  const [amount, unit] = left < 90 ? [left, "second"] : left < 5400 ? [left / 60, "minute"] : [left / 3600, "hour"];
  return new Intl.RelativeTimeFormat(lang, { numeric: "always" }).format(Math.ceil(amount), unit);
}

/** Return the sentence for a failure: the server's own, or that it was not there. */
export function said(error) {
  return error.status === 0 ? t("unreachable") : error.message || String(error);
}
