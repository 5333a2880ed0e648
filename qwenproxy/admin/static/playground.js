// A chat over the product's own public API, to try models and to see the request as code.

import { ask, send } from "/ui/api.js";
import { button, h, notice, show } from "/ui/dom.js";
import { snippet } from "/ui/connect.js";
import { said, seconds, t } from "/ui/words.js";
import { explainRequest } from "/ui/explain.js";
import { requestAsCode } from "/ui/code.js";
import { frames } from "/ui/sse.js";

const PICTURE_TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif"];
const FILE_LIMIT = 10 * 1024 * 1024;

let kept = { messages: [], model: "", system: "", thinking: "", search: false, tools: "" }; // survives a change of page

export async function open({ body, until }) {
  const { data } = await ask("/v1/models");
  const names = data.map(model => model.id);
  kept.model = names.includes(kept.model) ? kept.model : names[0] ?? "";
  const talk = h("div", { class: "talk", "aria-live": "polite" });
  const code = h("div");
  const parts = []; // pictures and files of the next message
  const attached = h("div", { class: "row" });
  const field = h("textarea", { id: "question", "aria-label": t("message"), placeholder: t("message"), onkeydown: event => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); go.click(); }
  } });
  let running = null;
  const stop = h("button", { type: "button", hidden: true, onclick: () => running?.abort() }, t("stop"));
  const go = h("button", { type: "button", class: "first", onclick: () => question() }, t("send"));
  const files = h("input", { type: "file", multiple: true, hidden: true, onchange: () => attach() });

  const question = async () => {
    const text = field.value.trim();
    if (running || (!text && !parts.length)) return;
    const content = parts.length ? [...parts.splice(0), ...(text ? [{ type: "text", text }] : [])] : text;
    kept.messages.push({ role: "user", content });
    field.value = "";
    show(attached);
    draw();
    await answer();
  };
  const answer = async () => {
    running = new AbortController();
    go.disabled = true;
    stop.hidden = false;
    const box = new Answer();
    talk.append(box.element);
    try {
      await box.read(await send("/v1/chat/completions", { method: "POST", body: { ...requestBody(), stream: true }, signal: running.signal }));
    } catch (error) {
      box.fail(error.name === "AbortError" ? t("stopped") : said(error));
    }
    running = null;
    go.disabled = false;
    stop.hidden = true;
    if (box.isWhole) kept.messages.push(box.message());
    else if (!box.text) kept.messages.pop(); // the question stands in the field again, so that nothing is lost
    showCode();
    field.focus();
  };
  const attach = async () => {
    for (const file of files.files) {
      if (file.size > FILE_LIMIT) { show(attached, notice(t("file_too_large", { name: file.name }), "bad")); continue; }
      const data = await dataUrl(file);
      parts.push(PICTURE_TYPES.includes(file.type)
        ? { type: "image_url", image_url: { url: data } }
        : { type: "file", file: { filename: file.name, file_data: data } });
      attached.append(h("span", { class: "tag" }, file.name));
    }
    files.value = "";
  };
  const draw = () => { show(talk, kept.messages.map(message => messageBox(message))); showCode(); };
  const showCode = () => show(code, ["curl", "Python", "JavaScript"].map(way =>
    h("details", {}, h("summary", {}, way), snippet(way, requestAsCode(way, requestBody(), location.origin)))));

  show(body, h("div", { class: "split" },
    h("section", {}, talk, h("div", { class: "panel" }, field, attached,
      h("div", { class: "row spread" },
        h("div", { class: "row" }, go, stop, button(t("attach"), () => files.click()), files),
        button(t("chat_new"), () => { kept.messages = []; draw(); }))),
      h("p", { class: "muted" }, t("send_how"))),
    h("aside", {}, options(names, showCode), h("section", { class: "panel" }, h("h2", {}, t("as_code")), code,
      h("p", {}, button(t("explain_this"), () => explainRequest(requestBody())))))));
  draw();
  until(() => running?.abort());
}

function options(names, onChange) {
  const keep = (name, element) => { kept[name] = element.type === "checkbox" ? element.checked : element.value; onChange(); };
  const model = h("select", { id: "model", onchange: () => keep("model", model) }, names.map(name => h("option", { value: name }, name)));
  model.value = kept.model;
  const thinking = h("select", { id: "thinking", onchange: () => keep("thinking", thinking) },
    ["", "none", "low", "medium", "high"].map(level => h("option", { value: level }, t(`thinking_${level || "auto"}`))));
  thinking.value = kept.thinking;
  const search = h("input", { type: "checkbox", checked: kept.search, onchange: () => keep("search", search) });
  const system = h("textarea", { id: "system", value: kept.system, oninput: () => keep("system", system) });
  const tools = h("textarea", { id: "tools", class: "mono", value: kept.tools, oninput: () => keep("tools", tools) });
  return h("section", { class: "panel" },
    h("div", { class: "field" }, h("label", { for: "model" }, t("model")), model),
    h("div", { class: "field" }, h("label", { for: "thinking" }, t("thinking")), thinking),
    h("div", { class: "field" }, h("label", { class: "inline" }, search, t("web_search"))),
    h("div", { class: "field" }, h("label", { for: "system" }, t("system_text")), system),
    h("details", {}, h("summary", {}, t("tools")), h("div", { class: "field" }, h("label", { for: "tools" }, t("tools_json")), tools)));
}

/** Return the body of a request for what the page holds now. */
function requestBody() {
  const messages = kept.system.trim() ? [{ role: "system", content: kept.system.trim() }, ...kept.messages] : kept.messages;
  const body = { model: kept.model, messages };
  if (kept.thinking) body.reasoning_effort = kept.thinking;
  if (kept.search) body.web_search_options = {};
  try {
    if (kept.tools.trim()) body.tools = JSON.parse(kept.tools);
  } catch { /* half-written JSON is no offer yet */ }
  return body;
}

function messageBox(message) {
  if (message.role === "user") return h("div", { class: "said user" }, h("h3", {}, t("you")), contentOf(message.content));
  const box = new Answer();
  box.restore(message);
  return box.element;
}

function contentOf(content) {
  if (typeof content === "string") return content;
  return content.map(part => {
    if (part.type === "text") return part.text;
    if (part.type === "image_url") return h("img", { src: part.image_url.url, alt: t("picture") });
    return h("span", { class: "tag" }, part.file.filename);
  });
}

/** One answer as it comes: thoughts, text, calls of functions, sources. */
class Answer {
  constructor() {
    this.text = "";
    this.thoughts = "";
    this.calls = [];
    this.sources = [];
    this.isWhole = false;
    this.startedAt = performance.now();
    this.thoughtBox = h("details", { hidden: true }, h("summary", {}, t("thoughts")), h("span"));
    this.textBox = h("div");
    this.moreBox = h("div");
    this.footBox = h("p", { class: "muted" }, t("waiting"));
    this.element = h("div", { class: "said" }, h("h3", {}, t("model_says")), this.thoughtBox, this.textBox, this.moreBox, this.footBox);
  }

  async read(response) {
    for await (const frame of frames(response.body)) {
      if (frame === "[DONE]") { this.isWhole = true; break; }
      const event = JSON.parse(frame);
      if (event.error) throw new Error(event.error.message);
      this.take(event.choices?.[0]);
    }
    if (!this.isWhole) throw new Error(t("answer_cut"));
    this.draw();
  }

  take(choice) {
    const delta = choice?.delta ?? {};
    if (delta.reasoning_content) this.thoughts += delta.reasoning_content;
    if (delta.content) this.text += delta.content;
    for (const call of delta.tool_calls ?? []) {
      const known = this.calls[call.index] ??= { id: call.id, type: "function", function: { name: "", arguments: "" } };
      known.function.name += call.function?.name ?? "";
      known.function.arguments += call.function?.arguments ?? "";
    }
    for (const note of delta.annotations ?? []) {
      if (!this.sources.some(each => each.url === note.url_citation.url)) this.sources.push(note.url_citation);
    }
    if (this.firstAt === undefined && (this.text || this.thoughts || this.calls.length)) this.firstAt = performance.now();
    this.planned ||= requestAnimationFrame(() => this.draw());
  }

  draw() {
    cancelAnimationFrame(this.planned);
    this.planned = 0;
    this.thoughtBox.hidden = !this.thoughts;
    this.thoughtBox.lastChild.textContent = this.thoughts;
    show(this.textBox, withPictures(this.text));
    show(this.moreBox,
      this.calls.map(call => h("pre", { tabindex: 0 }, `${call.function.name}(${call.function.arguments})`)),
      this.sources.length > 0 && h("ol", {}, this.sources.map(source => h("li", {}, link(source)))));
    const first = this.firstAt ? t("first_after", { time: seconds((this.firstAt - this.startedAt) / 1000) }) : "";
    this.footBox.textContent = this.isWhole ? first : t("answering");
  }

  fail(sentence) {
    this.draw();
    show(this.footBox, notice(sentence, "bad"));
  }

  restore(message) {
    this.text = message.content ?? "";
    this.calls = message.tool_calls ?? [];
    this.isWhole = true;
    this.draw();
    this.footBox.textContent = "";
  }

  message() {
    return { role: "assistant", content: this.text, ...(this.calls.length ? { tool_calls: this.calls } : {}) };
  }
}

/** Return a text with its Markdown pictures as links: nothing is fetched from another host until a person wants it. */
function withPictures(text) {
  return text.split(/(!\[[^\]]*\]\(https?:\/\/[^\s)]+\))/).map(piece => {
    const found = piece.match(/^!\[([^\]]*)\]\((https?:\/\/[^\s)]+)\)$/);
    return found ? link({ url: found[2], title: found[1] || t("picture") }) : piece;
  });
}

function link({ url, title }) {
  const isWeb = /^https?:\/\//.test(url);
  return isWeb ? h("a", { href: url, target: "_blank", rel: "noreferrer noopener" }, title || url) : title || url;
}

function dataUrl(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
