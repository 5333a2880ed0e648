// The API keys of clients. The page shows a new one once, and masks the others.

import { ask } from "/ui/api.js";
import { button, empty, h, notice, show, table } from "/ui/dom.js";
import { said, t } from "/ui/words.js";

export async function open({ body }) {
  const news = h("div", { "aria-live": "polite" });
  const list = h("section", { class: "panel" });
  show(body, news, list, h("div", { class: "row" }, button(t("key_new"), () => act(async () => {
    const { keys } = await ask("/admin/api/keys"); // those of now, because the first one shuts programs out
    if (!keys.length && !confirm(t("key_first_sure"))) return;
    const { key } = await ask("/admin/api/keys", { method: "POST" });
    show(news, h("div", { class: "notice good", role: "status" }, h("p", {}, t("key_once")), h("pre", { tabindex: 0 }, key),
      button(t("copy"), element => copy(element, key))));
  }), "first")));
  const act = async work => {
    try { await work(); } catch (error) { show(news, notice(said(error), "bad")); }
    await draw();
  };
  const draw = async () => {
    const { keys } = await ask("/admin/api/keys");
    show(list, keys.length ? table(t("page_keys"), [
      { name: t("key"), cell: key => h("span", { class: "mono" }, key.masked) },
      { name: t("client"), cell: key => h("span", { class: "mono" }, key.name) },
      { name: t("actions"), cell: key => button(t("remove"), () => act(async () => {
        if (confirm(t(keys.length === 1 ? "key_last_sure" : "key_sure"))) await ask(`/admin/api/keys/${key.name}`, { method: "DELETE" });
      }), "danger") },
    ], keys) : empty(t("keys_none")));
  };
  await draw();
}

/** Copy a text, and say on the button that it was. */
export async function copy(element, text) {
  const before = element.textContent;
  try {
    await navigator.clipboard.writeText(text);
    element.textContent = t("copied");
  } catch {
    element.textContent = t("copy_by_hand"); // no clipboard without https beyond this machine
  }
  setTimeout(() => { element.textContent = before; }, 2000);
}
