// Pictures in answers. Nothing comes from another host: the server fetches what the site itself made, and nothing else.

import { send } from "/ui/api.js";
import { h, show } from "/ui/dom.js";
import { said, t } from "/ui/words.js";

const MARKDOWN = /(!\[[^\]]*\]\(https?:\/\/[^\s)]+\))/;
const ONE = /^!\[([^\]]*)\]\((https?:\/\/[^\s)]+)\)$/;
const NOTHING = 204; // no answer of the site had this picture
const loaded = new Map(); // of each address its file, null where there is none
let loading = new AbortController(); // ends with the talk whose pictures these are

/** Return a text with its Markdown pictures as pictures; while the text still comes, as links. */
export function withPictures(text, isWhole) {
  return text.split(MARKDOWN).map(piece => {
    const found = ONE.exec(piece);
    if (!found) return piece;
    const title = found[1] || t("picture");
    return isWhole ? pictureOf(found[2], title) : link({ url: found[2], title });
  });
}

/** Return a picture by its address on the site; a link where the site made no such picture. */
export function pictureOf(address, title = t("picture")) {
  const place = h("span", { class: "picture" }, link({ url: address, title }));
  load(address).then(
    file => file
      ? show(place, h("a", { href: file.url, download: title, title: t("picture_save") }, h("img", { src: file.url, alt: title })))
      : place.append(h("span", { class: "muted" }, ` ${t("picture_foreign")}`)),
    error => place.append(h("span", { class: "muted" }, ` ${said(error)}`)));
  return place;
}

/** Return the address of the last picture in a text, "" if there is none. */
export function lastPictureIn(text) {
  return text.split(MARKDOWN).map(piece => ONE.exec(piece)?.[2]).filter(Boolean).at(-1) ?? "";
}

/** Return a link to another site, which opens only when a person wants it. */
export function link({ url, title }) {
  const isWeb = /^https?:\/\//.test(url);
  return isWeb ? h("a", { href: url, target: "_blank", rel: "noreferrer noopener" }, title || url) : title || url;
}

/** Return a picture as a data: address, its own address where there is no file of it. */
export async function pictureData(address) {
  const file = address.startsWith("data:") ? null : await load(address);
  return file ? dataUrl(file.blob) : address;
}

/** Load no more of the pictures so far, and give their files back to the browser. */
export function releasePictures() {
  loading.abort();
  loading = new AbortController();
  for (const file of loaded.values()) file.then(kept => kept && URL.revokeObjectURL(kept.url), () => {});
  loaded.clear();
}

/** Return a file as a data: address. */
export function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

function load(address) {
  if (!loaded.has(address)) {
    const file = fetchFile(address);
    loaded.set(address, file);
    file.catch(() => { if (loaded.get(address) === file) loaded.delete(address); }); // the next look tries again
  }
  return loaded.get(address);
}

async function fetchFile(address) {
  const answer = await send("/admin/api/pictures", { method: "POST", body: { address }, signal: loading.signal });
  if (answer.status === NOTHING) return null;
  const blob = await answer.blob();
  return { blob, url: URL.createObjectURL(blob) };
}
