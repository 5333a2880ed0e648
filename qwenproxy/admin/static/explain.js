// What would be sent to the site for a request: a program's own body goes in, nothing is sent.

import { ask } from "/ui/api.js";
import { snippet } from "/ui/connect.js";
import { button, h, notice, show, table } from "/ui/dom.js";
import { bytes, number, said, t } from "/ui/words.js";

const APIS = {
  chat: ["POST /v1/chat/completions", { model: "qwen-max", messages: [{ role: "user", content: "Hello!" }] }],
  native: ["POST /api/chat", { model: "qwen-max", message: "Hello!" }],
  responses: ["POST /v1/responses", { model: "qwen-max", input: "Hello!" }],
  messages: ["POST /v1/messages", { model: "qwen-max", max_tokens: 1000, messages: [{ role: "user", content: "Hello!" }] }],
  gemini: ["POST /v1beta/models/…:generateContent", { contents: [{ role: "user", parts: [{ text: "Hello!" }] }] }],
  ollama: ["POST /ollama/api/chat", { model: "qwen-max", messages: [{ role: "user", content: "Hello!" }] }],
};
const ADMIN = "admin"; // this page; no key's name is so short
const SHOWN = 100000; // characters of a text that the page shows; copying takes all

const kept = { api: "chat", client: ADMIN, model: "qwen-max", text: sample("chat") }; // survives a change of page

/** Open the page with this request, instead of the one that it held. */
export function explainRequest(body) {
  Object.assign(kept, { api: "chat", client: ADMIN, text: JSON.stringify(body, null, 2) });
  location.hash = "#/explain";
}

function sample(api) {
  return JSON.stringify(APIS[api][1], null, 2);
}

export async function open({ body }) {
  const { keys } = await ask("/admin/api/keys");
  const news = h("div", { "aria-live": "polite" });
  const result = h("div");
  const field = h("textarea", { id: "body", class: "mono tall", spellcheck: "false", value: kept.text, oninput: () => { kept.text = field.value; },
    onkeydown: event => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); go.click(); } } });
  const api = choice("api", Object.entries(APIS).map(([name, [address]]) => [name, address]), value => {
    if (field.value === sample(kept.api)) field.value = kept.text = sample(value);
    kept.api = value;
    modelField.hidden = value !== "gemini";
  });
  const client = choice("client", [[ADMIN, t("client_admin")], ["", t("client_none")], ...keys.map(key => [key.name, `${key.masked} (${key.name})`])],
    value => { kept.client = value; });
  const model = h("input", { type: "text", id: "model", value: kept.model, oninput: () => { kept.model = model.value; } });
  const modelField = h("div", { class: "field", hidden: kept.api !== "gemini" }, h("label", { for: "model" }, t("model")), model);
  const go = button(t("explain"), async () => {
    show(news);
    try {
      const answer = await ask(address(), { method: "POST", body: parsed() });
      show(news, notice(sentence(answer), answer.waits || !answer.modelsRead ? "warn" : "good"));
      show(result, explanation(answer));
    } catch (error) {
      show(result);
      show(news, notice(said(error), "bad"));
    }
  }, "first");
  show(body,
    h("p", { class: "muted" }, t("explain_how")),
    h("section", { class: "panel" },
      h("div", { class: "pair" },
        h("div", { class: "field" }, h("label", { for: "api" }, t("api")), api),
        h("div", { class: "field" }, h("label", { for: "client" }, t("client")), client),
        modelField),
      h("div", { class: "field" }, h("label", { for: "body" }, t("request_body")), field),
      go),
    news, result);
}

function choice(name, options, onChange) {
  const element = h("select", { id: name, onchange: () => onChange(element.value) },
    options.map(([value, text]) => h("option", { value }, text)));
  element.value = kept[name];
  if (element.selectedIndex < 0) { element.selectedIndex = 0; onChange(element.value); } // its key was removed
  return element;
}

function address() {
  const query = new URLSearchParams({ api: kept.api });
  if (kept.client !== ADMIN) query.set("client", kept.client);
  if (kept.api === "gemini") query.set("model", kept.model);
  return `/admin/api/explain?${query}`;
}

function parsed() {
  try {
    return JSON.parse(kept.text);
  } catch (error) {
    throw new Error(t("json_wrong", { message: error.message }));
  }
}

function sentence(answer) {
  const place = answer.chat ? t("explain_goes_on") : t(answer.context === "replayed" ? "explain_replayed" : "explain_new");
  return [t("explain_goes_to", { account: answer.account }), place, answer.waits && t("explain_waits"), !answer.modelsRead && t("explain_assumed")]
    .filter(Boolean).join(" ");
}

function explanation(answer) {
  return [
    h("section", { class: "panel" }, h("h2", {}, t("explain_place")), h("dl", { class: "facts" }, facts(answer))),
    h("section", { class: "panel" }, h("h2", {}, t("explain_text")), long(t("characters", { n: number(answer.text.length) }), answer.text)),
    answer.file && h("section", { class: "panel" }, h("h2", {}, t("explain_file")), h("p", { class: "muted" }, t("explain_file_why")),
      long(`${answer.file.name}, ${t("characters", { n: number(answer.file.text.length) })}`, answer.file.text)),
    answer.files.length > 0 && h("section", { class: "panel" }, h("h2", {}, t("explain_files")), fileTable(answer.files)),
    h("section", { class: "panel" }, h("h2", {}, t("explain_calls")), h("p", { class: "muted" }, t("explain_calls_how")),
      answer.calls.map(call => h("details", {}, h("summary", { class: "mono wrap" }, `${call.method} ${call.path}`),
        long("JSON", JSON.stringify(call.body, null, 2))))),
  ];
}

function facts(answer) {
  const known = [
    ["account", answer.account], ["context", t(`context_${answer.context}`)], ["site_chat", answer.chat ?? t("chat_is_new")],
    ["parent", answer.parent], ["messages_sent", number(answer.messages)], ["messages_held", answer.held ? number(answer.held) : ""],
    ["model", answer.model], ["thinking", t(answer.thinking ? "on" : "off")], ["functions", answer.functions && t(`functions_${answer.functions}`)],
    ["search", t(`search_${answer.search}`)], ["ignored", answer.ignored.join(", ")],
  ];
  return known.filter(([, value]) => value).map(([name, value]) => [h("dt", {}, t(name)), h("dd", {}, value)]);
}

/** Return a text to read and copy; of a very long one the page shows the begin. */
function long(title, text) {
  return snippet(title, text, SHOWN);
}

function fileTable(files) {
  return table(t("explain_files"), [
    { name: t("name"), cell: file => file.name },
    { name: t("type"), cell: file => file.type },
    { name: t("size"), number: true, cell: file => bytes(file.size) },
    { name: t("what_next"), cell: file => t(`file_${file.way}`) },
  ], files);
}
