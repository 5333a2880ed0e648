// What a window asks its person outside of its picture: lists of choices, dialogs, files; and texts to and fro.

import { button, h, notice, show } from "/ui/dom.js";
import { t } from "/ui/words.js";

const MOST_FILES = 5;
const MOST_BYTES = 5 * 1024 * 1024;

/** Show something on top of the page, and return the function that closes it; `closed` runs however it closes. */
export function ask(title, content, buttons, closed) {
  const heading = h("h2", { id: "ask-title" }, title);
  const dialog = h("dialog", { class: "ask", "aria-labelledby": "ask-title" }, heading, content, h("div", { class: "row" }, buttons));
  let isClosed = false;
  const close = () => {
    if (isClosed) return;
    isClosed = true;
    dialog.remove();
    closed();
  };
  dialog.addEventListener("close", close);
  document.body.append(dialog);
  dialog.showModal();
  return close;
}

/** Show a list of the page's; `chosen` gets the index, or null. */
export function askChoice(list, chosen) {
  const choice = h("select", { id: "choice", size: Math.min(10, Math.max(3, list.choices.length)), "aria-labelledby": "ask-title" });
  let group = null, groupName = "";
  list.choices.forEach((each, index) => {
    if (each.group !== groupName) {
      group = each.group ? h("optgroup", { label: each.group }) : null;
      groupName = each.group;
      if (group) choice.append(group);
    }
    (group ?? choice).append(h("option", { value: index, disabled: each.disabled }, each.text || "–"));
  });
  choice.value = String(list.chosen);
  let result = null;
  const take = () => { result = choice.value === "" ? null : Number(choice.value); close(); };
  choice.addEventListener("dblclick", take);
  choice.addEventListener("keydown", event => { if (event.key === "Enter") { event.preventDefault(); take(); } });
  const title = list.label ? t("window_list", { name: list.label }) : t("window_list_plain");
  const close = ask(title, choice, [button(t("window_dialog_ok"), take, "first"), button(t("window_dialog_no"), () => close())], () => chosen(result));
  choice.focus();
  return close;
}

/** Show a dialog of the page's; `answered` gets whether it is accepted, and the text. */
export function askAnswer(dialog, answered) {
  const text = dialog.type === "beforeunload" ? t("window_leave") : dialog.message;
  const field = dialog.type === "prompt" && h("input", { type: "text", id: "answer", value: dialog.default });
  let accepts = dialog.type === "alert";
  const take = accept => { accepts = accept; close(); };
  const content = h("div", {}, h("p", { class: "wrap lines" }, text),
    field && h("div", { class: "field" }, h("label", { for: "answer" }, t("window_dialog_text")), field));
  const buttons = [button(t("window_dialog_ok"), () => take(true), "first"),
    dialog.type !== "alert" && button(t("window_dialog_no"), () => take(false))];
  const close = ask(t("window_dialog"), content, buttons, () => answered(accepts, field ? field.value : ""));
  if (field) {
    field.addEventListener("keydown", event => { if (event.key === "Enter") { event.preventDefault(); take(true); } });
    field.focus();
  }
  return close;
}

/** Ask for the files that the page wants; `given` gets them as names with base64, or nothing. */
export function askFiles(several, given) {
  const field = h("input", { type: "file", id: "files", multiple: several, "aria-labelledby": "ask-title" });
  const trouble = h("div");
  let files = null;
  const take = async () => {
    const chosen = [...field.files];
    if (chosen.length > MOST_FILES || chosen.reduce((sum, each) => sum + each.size, 0) > MOST_BYTES) {
      show(trouble, notice(t("window_files_large"), "bad"));
      return;
    }
    files = await Promise.all(chosen.map(async each => ({ name: each.name, data: await base64(each) })));
    close();
  };
  const close = ask(t("window_files"), h("div", {}, trouble, h("div", { class: "field" }, field), h("p", { class: "muted" }, t("window_files_how"))),
    [button(t("window_files_send"), take, "first"), button(t("window_dialog_no"), () => close())], () => { if (files?.length) given(files); });
  return close;
}

/** Ask for a text to paste, for browsers whose clipboard no page may read. */
export function askPaste(given) {
  const field = h("textarea", { id: "paste" });
  let text = "";
  const close = ask(t("window_paste"), h("div", { class: "field" }, h("label", { for: "paste" }, t("window_paste_text")), field,
    h("p", { class: "muted" }, t("window_paste_how"))),
  [button(t("window_paste"), () => { text = field.value; close(); }, "first"), button(t("window_dialog_no"), () => close())],
  () => { if (text) given(text); });
  field.focus();
  return close;
}

/** Put a text into the person's clipboard, or show it where that cannot be; return what to say. */
export async function giveCopy(text, closed) {
  if (!text) return t("window_copy_none");
  try {
    await navigator.clipboard.writeText(text);
    return t("window_copied");
  } catch {
    const field = h("textarea", { id: "copied", readonly: true, "aria-labelledby": "ask-title" }, text);
    const close = ask(t("window_copy"), h("div", {}, h("p", {}, t("window_copy_hand")), field), [button(t("window_dialog_ok"), () => close(), "first")], closed);
    field.focus();
    field.select();
    return "";
  }
}

async function base64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
