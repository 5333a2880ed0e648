// What the playground can ask for, and the request of the product's own public API that asks for it.

import { lastPictureIn, pictureData } from "/ui/pictures.js";

export const KINDS = ["talk", "search", "picture", "edit", "research"];
export const RATIOS = ["1:1", "2:3", "3:2", "3:4", "4:3", "16:9", "9:16"];
const CHAT_TYPES = { picture: "t2i", edit: "image_edit", research: "deep_research" };

/** Tell whether a kind is talk, to which thoughts, functions and the whole conversation belong. */
export function isTalk(kind) {
  return !(kind in CHAT_TYPES);
}

/** Tell whether a picture comes of a kind. */
export function isPicture(kind) {
  return kind === "picture" || kind === "edit";
}

/** Return path and body of the request for what the page holds; the last of `messages` is the question. */
export function requestOf(kept, messages) {
  return isTalk(kept.kind) ? talk(kept, messages) : work(kept, messages.at(-1));
}

/** Return a question with the picture that is to be changed: its own, else the last one of the talk; null without one. */
export async function withSource(message, before) {
  const parts = typeof message.content === "string" ? [{ type: "text", text: message.content }] : message.content;
  if (parts.some(part => part.type === "image_url")) return message;
  const picture = before.map(each => pictureIn(each)).filter(Boolean).at(-1);
  if (!picture) return null;
  return { ...message, content: [{ type: "image_url", image_url: { url: await pictureData(picture) } }, ...parts] };
}

function pictureIn({ content }) {
  if (typeof content === "string") return lastPictureIn(content);
  return content.filter(part => part.type === "image_url").at(-1)?.image_url.url ?? "";
}

function talk(kept, messages) {
  const system = kept.system.trim();
  const body = { model: kept.model, messages: system ? [{ role: "system", content: system }, ...messages] : messages };
  if (kept.thinking) body.reasoning_effort = kept.thinking;
  if (kept.kind === "search") body.web_search_options = {};
  try {
    if (kept.tools.trim()) body.tools = JSON.parse(kept.tools);
  } catch { /* half-written JSON is no offer yet; the page says so */ }
  return { path: "/v1/chat/completions", body };
}

/** Work of the site goes to the chat of the proxy that its kind began, because a research takes two turns. */
function work(kept, message) {
  const body = { model: kept.model, messages: [message], chatType: CHAT_TYPES[kept.kind] };
  if (isPicture(kept.kind) && kept.ratio) body.size = kept.ratio;
  if (kept.chat?.kind === kept.kind) body.chatId = kept.chat.id;
  return { path: "/api/chat", body };
}
