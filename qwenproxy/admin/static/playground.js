// A chat over the product's own public API, to try models and the site's other work, and to see the request as code.

import { Answer, messageBox } from "/ui/answer_box.js";
import { ask, send } from "/ui/api.js";
import { requestAsCode } from "/ui/code.js";
import { snippet } from "/ui/connect.js";
import { button, h, notice, show } from "/ui/dom.js";
import { explainRequest } from "/ui/explain.js";
import { dataUrl } from "/ui/pictures.js";
import { said, t } from "/ui/words.js";
import { isPicture, isTalk, KINDS, RATIOS, requestOf, withSource } from "/ui/works.js";

const PICTURE_TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif"];
const FILE_LIMIT = 10 * 1024 * 1024;
const SAMPLE = "Hello!"; // in the code, until something was said

// Survives a change of page. `chat` is the proxy's chat with the kind of work that began it.
const kept = { messages: [], kind: "talk", model: "", system: "", thinking: "", ratio: "", tools: "", chat: null };

export async function open({ body, until }) {
  const { data } = await ask("/v1/models");
  const models = data.map(model => model.id);
  kept.model = models.includes(kept.model) ? kept.model : models[0] ?? "";
  const talk = h("div", { class: "talk", "aria-live": "polite" });
  const code = h("div");
  const trouble = h("div");
  let parts = []; // pictures and files of the next message
  const names = new WeakMap(); // of these
  const attached = h("div", { class: "row" });
  const field = h("textarea", { id: "question", "aria-label": t("message"), placeholder: t("message"), oninput: () => showCode(), onkeydown: event => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); go.click(); }
  } });
  let running = null;
  const stop = h("button", { type: "button", hidden: true, onclick: () => running?.abort() }, t("stop"));
  const go = h("button", { type: "button", class: "first", onclick: () => question() }, t("send"));
  const files = h("input", { type: "file", multiple: true, hidden: true, onchange: () => attach() });

  const draft = () => {
    const text = field.value.trim();
    return { role: "user", content: parts.length ? [...parts, ...(text ? [{ type: "text", text }] : [])] : text };
  };
  const question = async () => {
    const typed = draft();
    if (running || !typed.content.length) return;
    const message = kept.kind === "edit" ? await source(typed) : typed;
    if (!message) return;
    const text = field.value, given = parts;
    field.value = "";
    parts = [];
    show(attached);
    if (!await answer([message])) { // nothing was answered: nothing of the question is lost
      field.value ||= text;
      parts = [...given, ...parts];
      showAttached();
      showCode();
    }
  };
  /** Return a question with the picture that it changes; say so where there is none. */
  const source = async typed => {
    try {
      const message = await withSource(typed, kept.messages);
      show(trouble, !message && notice(t("edit_needs_picture"), "bad"));
      return message;
    } catch (error) {
      show(trouble, notice(said(error), "bad"));
      return null;
    }
  };
  /** Ask with new messages; return whether anything came. */
  const answer = async messages => {
    running = new AbortController();
    go.disabled = true;
    stop.hidden = false;
    const { messages: talked, kind } = kept, before = talked.length, box = new Answer(answer);
    talked.push(...messages);
    draw();
    talk.append(box.element);
    try {
      const { path, body: asked } = requestOf(kept, kept.messages);
      await box.read(await send(path, { method: "POST", body: { ...asked, stream: true }, signal: running.signal }));
    } catch (error) {
      box.fail(error.name === "AbortError" ? t("stopped") : said(error));
    }
    running = null;
    go.disabled = false;
    stop.hidden = true;
    const has = box.isWhole || box.text !== "";
    if (has) talked.push(box.message());
    else talked.length = before;
    if (box.isWhole && box.chatId && kept.messages === talked) kept.chat = { kind, id: box.chatId };
    showCode();
    field.focus();
    return has;
  };
  const attach = async () => {
    show(trouble);
    for (const file of files.files) {
      if (file.size > FILE_LIMIT) { show(trouble, notice(t("file_too_large", { name: file.name }), "bad")); continue; }
      const data = await dataUrl(file);
      const part = PICTURE_TYPES.includes(file.type)
        ? { type: "image_url", image_url: { url: data } }
        : { type: "file", file: { filename: file.name, file_data: data } };
      names.set(part, file.name);
      parts.push(part);
    }
    files.value = "";
    showAttached();
    showCode();
  };
  const showAttached = () => show(attached, parts.map(part => h("span", { class: "tag" }, names.get(part) ?? t("picture"),
    h("button", { type: "button", class: "plain", "aria-label": t("detach", { name: names.get(part) ?? t("picture") }), onclick: () => {
      parts = parts.filter(each => each !== part);
      showAttached();
      showCode();
      field.focus();
    } }, "×"))));
  const draw = () => { show(talk, kept.messages.map((message, index) => messageBox(message, index === kept.messages.length - 1 ? answer : null))); showCode(); };
  const asked = () => {
    if (running) return requestOf(kept, kept.messages);
    const next = draft();
    if (!next.content.length) next.content = SAMPLE;
    return requestOf(kept, [...kept.messages, next]);
  };
  const showCode = () => {
    const request = asked();
    show(code, ["curl", "Python", "JavaScript"].map(way => {
      const isOpen = [...code.querySelectorAll("details[open]")].some(each => each.dataset.way === way);
      return h("details", { open: isOpen, "data-way": way }, h("summary", {}, way), snippet(way, requestAsCode(way, request, location.origin)));
    }), isTalk(kept.kind) && h("p", {}, button(t("explain_this"), () => explainRequest(asked().body))));
  };

  show(body, h("div", { class: "split" },
    h("section", {}, talk, h("div", { class: "panel" }, trouble, field, attached,
      h("div", { class: "row spread" },
        h("div", { class: "row" }, go, stop, button(t("attach"), () => files.click()), files),
        button(t("chat_new"), () => { running?.abort(); kept.messages = []; kept.chat = null; draw(); field.focus(); }))),
      h("p", { class: "muted" }, t("send_how"))),
    h("aside", {}, options(models, showCode), h("section", { class: "panel" }, h("h2", {}, t("as_code")), code))));
  draw();
  until(() => running?.abort());
}

function options(models, onChange) {
  const keep = (name, element) => { kept[name] = element.value; fit(); onChange(); };
  const choice = (name, values, text) => {
    const element = h("select", { id: name, onchange: () => keep(name, element) }, values.map(value => h("option", { value }, text(value))));
    element.value = kept[name];
    return element;
  };
  const kind = choice("kind", KINDS, each => t(`kind_${each}`));
  const how = h("p", { class: "muted" });
  const model = choice("model", models, name => name);
  const ratio = choice("ratio", ["", ...RATIOS], value => value || t("ratio_auto"));
  const thinking = choice("thinking", ["", "none", "low", "medium", "high"], level => t(`thinking_${level || "auto"}`));
  const system = h("textarea", { id: "system", value: kept.system, oninput: () => keep("system", system) });
  const tools = h("textarea", { id: "tools", class: "mono", spellcheck: "false", value: kept.tools, oninput: () => keep("tools", tools) });
  const toolTrouble = h("p", { class: "muted", role: "status" });
  const onlyTalk = h("div", {},
    labelled(t("thinking"), thinking), labelled(t("system_text"), system),
    h("details", { open: kept.tools.trim() !== "" }, h("summary", {}, t("tools")), labelled(t("tools_json"), tools), toolTrouble));
  const onlyPictures = labelled(t("ratio"), ratio);
  const fit = () => {
    onlyTalk.hidden = !isTalk(kept.kind);
    onlyPictures.hidden = !isPicture(kept.kind);
    how.textContent = t(`kind_${kept.kind}_how`);
    toolTrouble.textContent = jsonTrouble(kept.tools);
  };
  fit();
  return h("section", { class: "panel" }, labelled(t("kind"), kind), how, labelled(t("model"), model), onlyPictures, onlyTalk);
}

function jsonTrouble(text) {
  try {
    if (text.trim()) JSON.parse(text);
    return "";
  } catch (error) {
    return t("json_wrong", { message: error.message });
  }
}

function labelled(text, field) {
  return h("div", { class: "field" }, h("label", { for: field.id }, text), field);
}
