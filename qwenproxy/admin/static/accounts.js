// The accounts: how each stands, and what its person can do.

import { addPanel, askProxy, goTo } from "/ui/account_forms.js";
import { ask } from "/ui/api.js";
import { button, empty, h, notice, show, table } from "/ui/dom.js";
import { watch } from "/ui/live.js";
import { moment, number, said, t, until as timeUntil } from "/ui/words.js";

const WINDOWS = { INVALID: "account_login", VERIFY: "account_verify" };
const KINDS = { OK: "good", WAIT: "warn", VERIFY: "warn", INVALID: "bad" };

export async function open({ body, until }) {
  // Before anything is shown, because a form that moves down is missed by the mouse.
  const [state, opened] = await Promise.all([ask("/admin/api/accounts"), ask("/admin/api/windows")]);
  const news = h("div", { "aria-live": "polite" });
  const list = h("section", { class: "panel" });
  const windows = h("section", { class: "panel", hidden: true });
  const say = text => show(news, notice(text, "good"));
  show(body, news, windows, list, addPanel(async text => { say(text); await refresh(); }));
  let busy = false;
  const showList = rows => {
    if (busy) return; // a button that works must not vanish under the hand
    show(list, rows.length ? accountTable(rows, account => actions(account)) : empty(t("accounts_none")));
  };
  const actions = account => h("div", { class: "row" },
    button(t(WINDOWS[account.status] ?? "account_open"), () => act(account, async () => {
      if (account.status === "OK" && !confirm(t("account_open_sure", { id: account.id }))) return;
      goTo(await ask(address(account, "/window"), { method: "POST" }));
    }), account.status === "INVALID" || account.status === "VERIFY" ? "first" : ""),
    button(t("account_proxy"), () => askProxy(account, address(account, "/proxy"), async text => { say(text); await refresh(); })),
    button(t("check"), () => act(account, async () => {
      const { kind, detail } = await ask(address(account, "/check"), { method: "POST" });
      show(news, notice(kind === "ok" ? t("check_ok", { id: account.id }) : `${account.id}: ${detail || kind}`, kind === "ok" ? "good" : "warn"));
    })),
    button(t("remove"), () => act(account, async () => {
      if (!confirm(t("remove_sure", { id: account.id }))) return;
      await ask(address(account, ""), { method: "DELETE" });
      show(news, notice(t("removed", { id: account.id }), "good"));
    }), "danger"));
  const act = async (account, work) => {
    busy = true;
    try { await work(); } catch (error) { show(news, notice(`${account.id}: ${said(error)}`, "bad")); }
    busy = false;
    await refresh();
  };
  const refresh = async () => {
    try { showList((await ask("/admin/api/accounts")).accounts); } catch { /* the stream brings the list later */ }
  };
  let shown = "";
  const showWindows = rows => {
    const ids = rows.map(row => row.id).join();
    if (ids === shown) return; // links and buttons stay under the hand
    shown = ids;
    windows.hidden = !rows.length;
    show(windows, h("h2", {}, t("windows_open")), h("p", { class: "muted" }, t("windows_open_how")), rows.map(row => h("div", { class: "row spread" },
      h("a", { href: `#/window/${encodeURIComponent(row.id)}` }, row.account ? t("window_of", { id: row.account }) : t("window_of_new")),
      button(t("window_cancel"), () => closeWindow(row), "danger"))));
  };
  const closeWindow = async row => {
    try {
      await ask(`/admin/api/windows/${encodeURIComponent(row.id)}`, { method: "DELETE" });
      say(t("window_end_cancelled"));
    } catch (error) {
      show(news, notice(said(error), "bad"));
    }
  };
  showList(state.accounts);
  showWindows(opened.windows);
  until(watch("overview", now => { showList(now.accounts); showWindows(now.windows); }));
}

function address(account, what) {
  return `/admin/api/accounts/${encodeURIComponent(account.id)}${what}`;
}

/** Return the table of accounts; `actions` makes what a person can do with one. */
export function accountTable(rows, actions = null) {
  const columns = [
    { name: t("account"), cell: account => h("span", { class: "mono named" }, account.id) },
    { name: t("status"), short: true, cell: account => h("span", { class: `tag ${KINDS[account.status] ?? ""}` }, account.status) },
    { name: t("what_next"), long: true, cell: account => whatNext(account) },
    { name: t("answers_running"), number: true, cell: account => number(account.running) },
    { name: t("browser"), cell: account => t(account.browser ? "open" : "closed") },
  ];
  if (rows.some(account => account.proxy)) columns.push({ name: t("account_proxy"), cell: account => account.proxy ?? "–" });
  if (actions) columns.push({ name: t("actions"), cell: actions });
  return table(t("page_accounts"), columns, rows);
}

function whatNext(account) {
  if (account.status === "INVALID") return h("span", {}, t("needs_login"), " ", h("code", {}, `qwenproxy account relogin ${account.id}`));
  if (account.status === "VERIFY") return h("span", {}, t("needs_person"), " ", h("code", {}, `qwenproxy account relogin ${account.id}`));
  if (account.status === "WAIT") return [account.resetAt ? t("rests", { when: timeUntil(account.resetAt) }) : "", account.trouble].filter(Boolean).join(" ");
  const settings = account.settings.length ? t("settings_change", { names: account.settings.join(", ") }) : "";
  return [usedUp(account.resting), loginEnd(account), settings].filter(Boolean).join(" ") || "–";
}

/** Return when an account needs its person; a login that renews itself ends every few minutes, which concerns nobody. */
function loginEnd(account) {
  return account.renewable || !account.expiresAt ? "" : t("login_ends", { when: moment(account.expiresAt) });
}

function usedUp(resting) {
  const kinds = Object.entries(resting).map(([kind, when]) => `${t(`kind_${kind}`)} (${timeUntil(when)})`);
  return kinds.length ? t("kinds_rest", { kinds: kinds.join(", ") }) : "";
}
