// The last requests, live; one opened shows where its time went and what became of it.

import { ask } from "/ui/api.js";
import { button, empty, h, notice, show, table } from "/ui/dom.js";
import { watch } from "/ui/live.js";
import { bytes, clock, number, said, seconds, t } from "/ui/words.js";

const KINDS = { done: "good", running: "", failed: "bad", left: "warn" };
const SHOWN = 200;

export async function open({ body, rest, until }) {
  if (rest[0]) return openOne(body, rest[0], until);
  let { requests: rows, texts } = await ask("/admin/api/requests");
  const keeping = h("section", { class: "panel" });
  drawKeeping(keeping, texts);
  const words = h("input", { type: "search", id: "filter", oninput: () => draw() });
  const answersOnly = h("input", { type: "checkbox", checked: true, onchange: () => draw() });
  const list = h("div");
  show(body,
    h("div", { class: "panel" },
      h("div", { class: "field" }, h("label", { for: "filter" }, t("filter")), words),
      h("label", { class: "inline" }, answersOnly, t("answers_only"))),
    keeping,
    h("section", { class: "panel" }, list));
  const draw = () => {
    const wanted = words.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const shown = rows.filter(row => (!answersOnly.checked || isQuestion(row) || row.state === "failed") && wanted.every(word => textOf(row).includes(word)));
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

/** Show whether texts of messages are kept, and how to change that. */
function drawKeeping(section, isOn) {
  const news = h("div");
  const change = button(t(isOn ? "texts_forget" : "texts_keep"), async () => {
    try {
      const { on } = await ask("/admin/api/requests/texts", { method: "POST", body: { on: !isOn } });
      drawKeeping(section, on);
      section.querySelector("button").focus();
    } catch (error) {
      show(news, notice(said(error), "bad"));
    }
  });
  show(section, h("h2", {}, t("texts")), isOn ? notice(t("texts_on"), "warn") : h("p", { class: "muted" }, t("texts_off")), news, change);
}

/** Tell whether a request asks a model: the address alone does not say it. */
function isQuestion(row) {
  return row.tools !== null || row.model !== "";
}

/** Return the name of a request's client as the page of the keys has it. */
function clientOf(row) {
  const isUnchecked = !isQuestion(row) && [null, 401, 403].includes(row.status);
  return row.client || (isUnchecked ? "–" : t("client_none"));
}

function textOf(row) {
  return [row.id, row.method, row.path, row.route, row.asked, row.model, row.account, clientOf(row), row.address, row.context, row.state, row.status, row.error]
    .join(" ").toLowerCase();
}

function requestTable(rows) {
  return table(t("page_requests"), [
    { name: t("time"), short: true, cell: row => h("a", { href: `#/requests/${row.id}` }, clock(row.at)) },
    { name: t("request"), cell: row => h("span", { class: "mono" }, `${row.method} ${row.path}`) },
    { name: t("state"), short: true, cell: row => stateTag(row) },
    { name: t("client"), short: true, cell: row => clientOf(row) },
    { name: t("model"), short: true, cell: row => row.model || "–" },
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
  const draw = (row, texts) => show(body,
    h("p", {}, h("a", { href: "#/requests" }, t("requests_back"))),
    h("section", { class: "panel" }, h("dl", { class: "facts" }, facts(row))),
    row.laps && h("section", { class: "panel" }, h("h2", {}, t("laps")), laps(row)),
    h("section", { class: "panel" }, h("h2", {}, t("notes")),
      row.notes.length ? h("ul", {}, row.notes.map(note => h("li", { class: "wrap" }, note))) : h("p", { class: "muted" }, t("notes_none"))),
    texts && h("section", { class: "panel" }, h("h2", {}, t("texts")), conversation(texts)));
  let kept = null;
  const read = async () => {
    const row = await ask(`/admin/api/requests/${encodeURIComponent(id)}`);
    kept = row.texts;
    draw(row, kept);
  };
  await read();
  until(watch("request", row => {
    if (row.id !== id) return;
    draw(row, kept);
    if (row.state !== "running") read().catch(() => {}); // its answer may be kept by now; a row that is gone stays shown
  }));
}

function conversation(texts) {
  return [
    texts.leftOut > 0 && h("p", { class: "muted" }, t("texts_left_out", { n: number(texts.leftOut) })),
    texts.messages.map(({ role, text }) => saying(t(`role_${role}`), text)),
    texts.answer !== null && saying(t("answer"), texts.answer),
  ];
}

function saying(who, text) {
  return h("div", { class: "field" }, h("h3", {}, who), text ? h("pre", { tabindex: 0 }, text) : h("p", { class: "muted" }, t("no_text")));
}

function facts(row) {
  const known = [
    ["id", row.id], ["time", clock(row.at)], ["request", `${row.method} ${row.path}`], ["state", stateTag(row)],
    ["client", clientOf(row)], ["address", row.address], ["model_asked", row.asked !== row.model && row.asked], ["model", row.model],
    ["functions", row.tools !== null && number(row.tools)], ["explain_files", row.attachments !== null && number(row.attachments)],
    ["account", row.account],
    ["context", row.context && t(`context_${row.context}`)], ["finish", row.finish], ["duration", seconds(row.seconds)],
    ["received", bytes(row.received)], ["sent", bytes(row.sent)],
  ];
  return known.filter(([, value]) => value).map(([name, value]) => [h("dt", {}, t(name)), h("dd", {}, value)]);
}

function laps(row) {
  const stages = row.laps.split(", ").map(each => each.split(";dur="));
  return h("dl", { class: "facts" }, stages.map(([name, milliseconds]) =>
    [h("dt", {}, t(`stage_${name}`)), h("dd", {}, seconds(milliseconds / 1000))]));
}
