// The last requests, live; one opened shows where its time went and what became of it.

import { ask } from "/ui/api.js";
import { empty, h, notice, show, table } from "/ui/dom.js";
import { watch } from "/ui/live.js";
import { bytes, clock, number, said, seconds, t } from "/ui/words.js";

const KINDS = { done: "good", running: "", failed: "bad", left: "warn" };
const SHOWN = 200;

export async function open({ body, rest, until }) {
  if (rest[0]) return openOne(body, rest[0], until);
  let rows = (await ask("/admin/api/requests")).requests;
  const words = h("input", { type: "search", id: "filter", oninput: () => draw() });
  const answersOnly = h("input", { type: "checkbox", onchange: () => draw() });
  const list = h("div");
  show(body,
    h("div", { class: "panel" },
      h("div", { class: "field" }, h("label", { for: "filter" }, t("filter")), words),
      h("label", { class: "inline" }, answersOnly, t("answers_only"))),
    h("section", { class: "panel" }, list));
  const draw = () => {
    const wanted = words.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const shown = rows.filter(row => (!answersOnly.checked || row.model) && wanted.every(word => textOf(row).includes(word)));
    show(list, shown.length ? requestTable(shown.slice(0, SHOWN)) : empty(t(rows.length ? "requests_no_match" : "requests_none")),
      shown.length > SHOWN && h("p", { class: "muted" }, t("requests_more", { n: number(shown.length - SHOWN) })));
  };
  draw();
  let planned = 0;
  const soon = () => { planned ||= requestAnimationFrame(() => { planned = 0; draw(); }); };
  until(watch("request", row => { rows = [row, ...rows.filter(each => each.id !== row.id)].sort((a, b) => b.at - a.at).slice(0, 500); soon(); }));
  until(watch("again", async () => {
    try { rows = (await ask("/admin/api/requests")).requests; soon(); } catch (error) { show(list, notice(said(error), "bad")); }
  }));
  until(() => cancelAnimationFrame(planned));
}

function textOf(row) {
  return [row.id, row.method, row.path, row.route, row.model, row.account, row.client, row.address, row.context, row.state, row.status, row.error]
    .join(" ").toLowerCase();
}

function requestTable(rows) {
  return table(t("page_requests"), [
    { name: t("time"), short: true, cell: row => h("a", { href: `#/requests/${row.id}` }, clock(row.at)) },
    { name: t("request"), cell: row => h("span", { class: "mono" }, `${row.method} ${row.path}`) },
    { name: t("state"), cell: row => stateTag(row) },
    { name: t("model"), cell: row => row.model || "–" },
    { name: t("account"), short: true, cell: row => row.account || "–" },
    { name: t("context"), short: true, cell: row => row.context ? t(`context_${row.context}`) : "–" },
    { name: t("duration"), number: true, cell: row => seconds(row.seconds) },
  ], rows);
}

function stateTag(row) {
  const words = [t(`state_${row.state}`), row.status, row.error].filter(Boolean).join(" ");
  return h("span", { class: `tag ${KINDS[row.state]}` }, words);
}

async function openOne(body, id, until) {
  const draw = row => show(body,
    h("p", {}, h("a", { href: "#/requests" }, t("requests_back"))),
    h("section", { class: "panel" }, h("dl", { class: "facts" }, facts(row))),
    row.laps && h("section", { class: "panel" }, h("h2", {}, t("laps")), laps(row)),
    h("section", { class: "panel" }, h("h2", {}, t("notes")),
      row.notes.length ? h("ul", {}, row.notes.map(note => h("li", { class: "wrap" }, note))) : h("p", { class: "muted" }, t("notes_none"))));
  draw(await ask(`/admin/api/requests/${encodeURIComponent(id)}`));
  until(watch("request", row => { if (row.id === id) draw(row); }));
}

function facts(row) {
  const known = [
    ["id", row.id], ["time", clock(row.at)], ["request", `${row.method} ${row.path}`], ["state", stateTag(row)],
    ["client", row.client || t("client_none")], ["address", row.address], ["model", row.model], ["account", row.account],
    ["context", row.context && t(`context_${row.context}`)], ["finish", row.finish], ["duration", seconds(row.seconds)],
    ["received", bytes(row.received)], ["sent", bytes(row.sent)],
  ];
  return known.filter(([, value]) => value).map(([name, value]) => [h("dt", {}, t(name)), h("dd", {}, value)]);
}

function laps(row) {
  const stages = row.laps.split(", ").map(each => each.split(";dur="));
  return table(t("laps"), [
    { name: t("stage"), cell: ([name]) => name },
    { name: t("duration"), number: true, cell: ([, milliseconds]) => seconds(milliseconds / 1000) },
  ], stages);
}
