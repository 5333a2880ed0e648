// The playground's talk: what was said, the answer that comes, and the next message. It outlives the page, so an answer goes
// on while its person looks elsewhere. It knows nothing of the page around it, which watches it.

import { Answer, messageBox } from "/ui/answer_box.js";
import { send } from "/ui/api.js";
import { h, show } from "/ui/dom.js";
import { releasePictures } from "/ui/pictures.js";
import { language, said, t } from "/ui/words.js";
import { isPicture, requestOf, withSource } from "/ui/works.js";

// `chat` is the proxy's chat with the kind of work that began it; `text` and `parts` are the next message.
export const kept = {
  messages: [], kind: "talk", model: "", system: "", thinking: "", ratio: "", tools: "", chat: null, text: "", parts: [], trouble: "",
};

const element = h("div", { class: "talk", "aria-live": "polite" });
let drawnIn = ""; // the language
let running = null; // the answer that comes: what stops it, and what was asked
let onChange = () => {};

/** Call `listener` when an answer begins or ends; return the function that ends this. One page watches at a time. */
export function watchTalk(listener) {
  onChange = listener;
  return () => { if (onChange === listener) onChange = () => {}; };
}

/** Return the element with the boxes of the talk. */
export function talkBox() {
  if (!running && drawnIn !== language()) draw();
  return element;
}

export function isAnswering() { return running !== null; }

/** Return the next message, whose content is empty when there is none. */
export function draft() {
  const text = kept.text.trim();
  return { role: "user", content: kept.parts.length ? [...kept.parts, ...(text ? [{ type: "text", text }] : [])] : text };
}

/** Return the request that runs; else the one that `next` would make. */
export function requestWith(next) {
  return requestOf(kept, running ? running.asked : [...kept.messages, next]);
}

/** Ask with the next message. Of a question without any answer nothing is lost: it is the next message again. */
export async function askNext() {
  const typed = draft();
  if (running || !typed.content.length) return;
  const { text, parts, messages } = kept;
  Object.assign(kept, { text: "", parts: [], trouble: "" });
  const run = begin(typed);
  const message = await sourced(typed, run);
  const has = message && await answered([message], run);
  if (!has && kept.messages === messages) {
    kept.text = [text, kept.text].filter(each => each.trim()).join("\n");
    kept.parts = [...parts, ...kept.parts];
  }
  end(run);
}

/** Stop the answer that comes; what it has said stays. */
export function stop() { running?.stopper.abort(); }

/** End the talk and release what it held; text that was typed and not sent stays. */
export function newTalk() {
  const run = running;
  stop();
  Object.assign(kept, { messages: [], chat: null, parts: [], trouble: "" });
  releasePictures();
  draw();
  end(run);
}

/** Leave nothing of what was said or typed. */
export function forgetTalk() {
  kept.text = "";
  newTalk();
}

/** Ask with what the functions gave. */
async function give(results) {
  if (running) return;
  const run = begin(...results);
  await answered(results, run);
  end(run);
}

function begin(...messages) {
  running = { stopper: new AbortController(), asked: [...kept.messages, ...messages] };
  window.addEventListener("beforeunload", askFirst);
  onChange();
  return running;
}

function end(run) {
  if (!run || running !== run) return; // a new talk has ended it
  running = null;
  window.removeEventListener("beforeunload", askFirst);
  onChange();
}

/** Have the browser ask its person before the page goes, and the answer with it. */
function askFirst(event) {
  event.preventDefault();
  event.returnValue = true; // browsers of before 2024 know only this
}

/** Return a question with the picture that it changes, null without one; the page then says why. */
async function sourced(typed, run) {
  if (kept.kind !== "edit") return typed;
  let trouble = t("edit_needs_picture");
  try {
    const message = await withSource(typed, kept.messages);
    if (run.stopper.signal.aborted) return null;
    if (message) return message;
  } catch (error) {
    trouble = said(error);
  }
  if (running === run) kept.trouble = trouble;
  return null;
}

/** Ask with new messages and show the answer as it comes; return whether anything came. */
async function answered(messages, run) {
  const { messages: talked, kind } = kept, before = talked.length, box = new Answer(give, isPicture(kind));
  talked.push(...messages);
  run.asked = [...talked];
  draw();
  element.append(box.element);
  try {
    const { path, body } = requestOf(kept, talked);
    await box.read(await send(path, { method: "POST", body: { ...body, stream: true }, signal: run.stopper.signal }));
  } catch (error) {
    box.fail(error.name === "AbortError" ? t("stopped") : said(error));
  }
  const has = box.isWhole || box.text !== "";
  if (has) talked.push(box.message());
  else talked.length = before;
  if (box.isWhole && box.chatId && kept.messages === talked) kept.chat = { kind, id: box.chatId };
  return has;
}

function draw() {
  drawnIn = language();
  show(element, kept.messages.map((message, index) => messageBox(message, index === kept.messages.length - 1 ? give : null)));
}
