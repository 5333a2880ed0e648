// Forms about accounts: one more account by a window or a token, and the proxy of one.

import { ask as askServer } from "/ui/api.js";
import { button, h, notice, show } from "/ui/dom.js";
import { ask } from "/ui/window_asks.js";
import { said, t } from "/ui/words.js";

/** Return the panel in which an account is added; `added` gets what to say. */
export function addPanel(added) {
  const id = h("input", { type: "text", id: "account-id", autocomplete: "off", maxlength: 128 });
  const proxy = h("input", { type: "text", id: "account-proxy", autocomplete: "off" });
  const token = h("input", { type: "password", id: "account-token", autocomplete: "off" });
  const trouble = h("div");
  const body = more => ({ ...(id.value.trim() && { id: id.value.trim() }), ...(proxy.value.trim() && { proxy: proxy.value.trim() }), ...more });
  const attempt = async work => {
    show(trouble);
    try { await work(); } catch (error) { show(trouble, notice(said(error), "bad")); }
  };
  const openWindow = () => attempt(async () => goTo(await askServer("/admin/api/windows", { method: "POST", body: body({}) })));
  const byToken = () => attempt(async () => {
    const account = await askServer("/admin/api/accounts", { method: "POST", body: body({ token: token.value }) });
    for (const field of [id, proxy, token]) field.value = "";
    added(t("account_added", { id: account.id }));
  });
  return h("section", { class: "panel" },
    h("h2", {}, t("account_add")), trouble,
    h("p", { class: "muted" }, t("account_add_how")),
    labelled(t("account_id"), id),
    h("details", {}, h("summary", {}, t("account_proxy")), labelled(t("account_proxy_url"), proxy)),
    h("div", { class: "row" }, button(t("account_add_window"), openWindow, "first")),
    h("details", {}, h("summary", {}, t("account_add_token")),
      h("form", { onsubmit: event => { event.preventDefault(); byToken(); } }, labelled(t("account_token"), token),
        h("p", { class: "muted" }, t("account_token_how")), h("button", { type: "submit" }, t("account_add_token")))),
    h("p", { class: "muted" }, t("accounts_how"), " ", h("code", {}, "qwenproxy account add")));
}

/** Go to a person's window. */
export function goTo(row) {
  location.hash = `#/window/${encodeURIComponent(row.id)}`;
}

/** Ask for an account's proxy; `saved` gets what to say. */
export function askProxy(account, address, saved) {
  const field = h("input", { type: "text", id: "proxy", autocomplete: "off", placeholder: account.proxy ?? "" });
  const trouble = h("div");
  let news = "";
  const save = async () => {
    try {
      const { proxy } = await askServer(address, { method: "PUT", body: { proxy: field.value.trim() || null } });
      news = proxy ? t("account_proxy_set", { id: account.id, proxy }) : t("account_proxy_none", { id: account.id });
      close();
    } catch (error) {
      show(trouble, notice(said(error), "bad"));
    }
  };
  field.addEventListener("keydown", event => { if (event.key === "Enter") { event.preventDefault(); save(); } });
  const content = h("div", {}, trouble, labelled(t("account_proxy_url"), field), h("p", { class: "muted" }, t("account_proxy_how")));
  const close = ask(t("account_proxy_of", { id: account.id }), content,
    [button(t("save"), save, "first"), button(t("abandon"), () => close())], () => { if (news) saved(news); });
  field.focus();
}

function labelled(text, field) {
  return h("div", { class: "field" }, h("label", { for: field.id }, text), field);
}
