// What goes on now, and how the last hour went.

import { ask } from "/ui/api.js";
import { bars } from "/ui/chart.js";
import { empty, h, show } from "/ui/dom.js";
import { accountTable } from "/ui/accounts.js";
import { watch } from "/ui/live.js";
import { number, seconds, t } from "/ui/words.js";

export async function open({ body, until }) {
  const cards = h("section", { class: "cards", "aria-label": t("now") });
  const charts = h("section", { class: "panel", "aria-label": t("last_hour") });
  const accounts = h("section", { class: "panel" });
  const state = await ask("/admin/api/overview");
  show(body, cards, charts, accounts);
  showNow(cards, accounts, state);
  showHour(charts, state.hour);
  until(watch("overview", now => showNow(cards, accounts, now)));
  const timer = setInterval(async () => {
    try { showHour(charts, (await ask("/admin/api/overview")).hour); } catch { /* the stream says when the server is back */ }
  }, 30000);
  until(() => clearInterval(timer));
}

function showNow(cards, accounts, state) {
  const fit = state.accounts.filter(account => account.status === "OK").length;
  show(cards,
    card(t("accounts_fit"), `${number(fit)} / ${number(state.accounts.length)}`),
    card(t("answers_running"), number(state.running)),
    card(t("requests_waiting"), number(state.waiting)),
    card(t("browsers_open"), number(state.browsers)));
  show(accounts, h("h2", {}, t("page_accounts")), state.accounts.length
    ? accountTable(state.accounts)
    : empty(t("accounts_none"), h("a", { class: "button", href: "#/accounts" }, t("account_add"))));
}

function card(name, figure) {
  return h("div", { class: "card" }, h("div", { class: "name" }, name), h("div", { class: "figure" }, figure));
}

function showHour(charts, hour) {
  const by = value => new Map(hour.map(minute => [minute.at, value(minute)]).filter(([, each]) => each !== null));
  show(charts, h("h2", {}, t("last_hour")),
    hour.length === 0 ? empty(t("hour_empty"), h("a", { class: "button", href: "#/playground" }, t("page_playground"))) :
      h("div", { class: "charts" },
        bars(t("chart_answers"), by(minute => minute.answers), number),
        bars(t("chart_first"), by(minute => minute.begun ? minute.first_event_seconds / minute.begun : null), seconds),
        bars(t("chart_tokens"), by(minute => minute.output_tokens), number),
        bars(t("chart_failures"), by(minute => minute.failures), number, "bad")));
}
