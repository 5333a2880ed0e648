// A chat over the product's own public API, to try models and the site's other work, and to see the request as code.

import { ask } from "/ui/api.js";
import { requestAsCode } from "/ui/code.js";
import { snippet } from "/ui/connect.js";
import { button, h, notice, show } from "/ui/dom.js";
import { explainRequest } from "/ui/explain.js";
import { dataUrl } from "/ui/pictures.js";
import { askNext, draft, isAnswering, kept, newTalk, requestWith, stop, talkBox, watchTalk } from "/ui/talk.js";
import { t } from "/ui/words.js";
import { isPicture, isTalk, KINDS, RATIOS } from "/ui/works.js";

const PICTURE_TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif"];
const FILE_LIMIT = 10 * 1024 * 1024;
const SAMPLE = "Hello!"; // in the code, until something was said
const names = new WeakMap(); // of pictures and files of the next message

export async function open({ body, until }) {
  const { data } = await ask("/v1/models");
  if (!body.isConnected) return; // its person is on another page by now
  const models = data.map(model => model.id);
  kept.model = models.includes(kept.model) ? kept.model : models[0] ?? "";
  const code = h("div");
  const trouble = h("div");
  const attached = h("div");
  const typed = () => { kept.text = field.value; showCode(); };
  const field = h("textarea", { id: "question", "aria-label": t("message"), placeholder: t("message"), oninput: typed, onchange: typed,
    onkeydown: event => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); go.click(); }
    } });
  const halt = h("button", { type: "button", hidden: true, onclick: stop }, t("stop"));
  const go = h("button", { type: "button", class: "first", onclick: askNext }, t("send"));
  const files = h("input", { type: "file", multiple: true, hidden: true, onchange: () => attach() });

  const attach = async () => {
    const { messages } = kept, chosen = [...files.files];
    files.value = "";
    kept.trouble = "";
    for (const file of chosen) {
      if (file.size > FILE_LIMIT) { kept.trouble = t("file_too_large", { name: file.name }); continue; }
      const part = await partOf(file);
      if (kept.messages !== messages) return; // a new talk has begun
      kept.parts.push(part);
    }
    showNext();
  };
  const detach = part => {
    kept.parts = kept.parts.filter(each => each !== part);
    showNext();
    field.focus();
  };
  const asked = () => {
    const next = draft();
    if (!next.content.length) next.content = SAMPLE;
    return requestWith(next);
  };
  const showCode = () => {
    const request = asked();
    show(code, ["curl", "Python", "JavaScript"].map(way => {
      const isOpen = [...code.querySelectorAll("details[open]")].some(each => each.dataset.way === way);
      return h("details", { open: isOpen, "data-way": way }, h("summary", {}, way), snippet(way, requestAsCode(way, request, location.origin)));
    }), isTalk(kept.kind) && h("p", {}, button(t("explain_this"), () => explainRequest(asked().body))));
  };
  /** Show what the next message holds, and what keeps it back. */
  const showNext = () => {
    if (field.value !== kept.text) field.value = kept.text;
    show(trouble, kept.trouble && notice(kept.trouble, "bad"));
    show(attached, h("div", { class: "row" }, kept.parts.map(part => tag(part, () => detach(part)))),
      kept.kind === "picture" && kept.parts.some(isImage) && notice(t("picture_attached"), "warn"));
    showCode();
  };
  const follow = () => {
    const hasEnded = go.disabled && !isAnswering();
    go.disabled = isAnswering();
    halt.hidden = !isAnswering();
    showNext();
    if (hasEnded) field.focus();
  };
  const onOption = name => {
    if (name === "kind") kept.trouble = "";
    showNext();
  };

  show(body, h("div", { class: "split" },
    h("section", {}, talkBox(), h("div", { class: "panel" }, trouble, field, attached,
      h("div", { class: "row spread" },
        h("div", { class: "row" }, go, halt, button(t("attach"), () => files.click()), files),
        button(t("chat_new"), () => { newTalk(); showNext(); field.focus(); }))),
      h("p", { class: "muted" }, t("send_how"))),
    h("aside", {}, options(models, onOption), h("section", { class: "panel" }, h("h2", {}, t("as_code")), code))));
  follow();
  until(watchTalk(follow));
}

async function partOf(file) {
  const data = await dataUrl(file);
  const part = PICTURE_TYPES.includes(file.type)
    ? { type: "image_url", image_url: { url: data } }
    : { type: "file", file: { filename: file.name, file_data: data } };
  names.set(part, file.name);
  return part;
}

function isImage(part) {
  return part.type === "image_url";
}

function tag(part, detach) {
  const name = names.get(part) ?? t("picture");
  return h("span", { class: "tag" }, name,
    h("button", { type: "button", class: "plain", "aria-label": t("detach", { name }), onclick: detach }, "×"));
}

function options(models, onChange) {
  const keep = (name, element) => { kept[name] = element.value; fit(); onChange(name); };
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
