// The settings as the server read them at its start, with what each is for.

import { ask } from "/ui/api.js";
import { h, show, table } from "/ui/dom.js";
import { language, t } from "/ui/words.js";

const ORIGINS = ["default", "option"]; // else it is the name of a variable

export async function open({ body }) {
  const { settings } = await ask(`/admin/api/settings?lang=${language()}`);
  show(body, h("p", { class: "muted" }, t("settings_how")), h("section", { class: "panel" }, table(t("page_settings"), [
    { name: t("setting"), cell: row => h("span", { class: "mono" }, breakable(`QWENPROXY_${row.name}`)) },
    { name: t("value"), cell: row => row.value === "" ? "–" : h("span", { class: "mono" }, row.value) },
    { name: t("origin"), cell: row => ORIGINS.includes(row.origin) ? t(`origin_${row.origin}`) : h("span", { class: "mono" }, breakable(row.origin)) },
    { name: t("meaning"), long: true, cell: row => row.meaning.replaceAll("`", "") },
  ], settings)));
}

/** Return a variable's name, which may go on in the next line after each of its words. */
function breakable(name) {
  return name.split("_").flatMap((part, index) => (index ? ["_", h("wbr"), part] : [part]));
}
