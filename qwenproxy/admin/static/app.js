// The frame around all pages: the login, the menu, and which page the address names.

import { ask, send, setPageToken, whenLoggedOut } from "/ui/api.js";
import { button, h, notice, show } from "/ui/dom.js";
import { connect, disconnect, watch } from "/ui/live.js";
import { forgetTalk, stop } from "/ui/talk.js";
import { language, loadTexts, said, t } from "/ui/words.js";
import * as accounts from "/ui/accounts.js";
import * as connecting from "/ui/connect.js";
import * as explain from "/ui/explain.js";
import * as keys from "/ui/keys.js";
import * as overview from "/ui/overview.js";
import * as playground from "/ui/playground.js";
import * as requests from "/ui/requests.js";
import * as settings from "/ui/settings.js";
import * as personWindow from "/ui/window.js";

const PAGES = { overview, accounts, playground, explain, requests, keys, connect: connecting, settings };
const INNER = { window: personWindow }; // pages that others lead to
const LED_BY = { window: "accounts" };
const app = document.getElementById("app");
let endPage = () => {}, endFrame = () => {};
let version = "";
let hasFailed = false; // the page could not be shown; it is tried again once the server is back

async function begin() {
  await loadTexts(wantedLanguage(""));
  window.addEventListener("hashchange", () => { if (!logInByAddress()) showPage(); });
  if (logInByAddress()) return;
  try {
    const session = await ask("/admin/api/session");
    if (session.pageToken) await enter(session);
    else showLogin("");
  } catch (error) {
    showLogin(said(error));
  }
}

/** Log in with the key that the address may hold; return whether there is one. */
function logInByAddress() {
  const named = new URLSearchParams(location.hash.slice(1));
  const key = named.get("key"), page = /^[\w/-]+$/.exec(named.get("to") ?? "");
  if (!key) return false;
  history.replaceState(null, "", page ? `/ui/#/${page[0]}` : "/ui/"); // the key must not stay in address and history
  leave();
  logIn(key);
  return true;
}

async function logIn(key) {
  try {
    await enter(await ask("/admin/api/login", { method: "POST", body: { key } }));
  } catch (error) {
    showLogin(error.status === 401 ? t("login_wrong") : said(error));
  }
}

async function enter(session) {
  setPageToken(session.pageToken);
  version = session.version;
  const lang = wantedLanguage(session.lang);
  if (lang !== language()) await loadTexts(lang);
  whenLoggedOut(() => { leave(); showLogin(t("login_ended")); });
  connect();
  showFrame();
}

function leave() {
  endPage();
  endPage = () => {};
  endFrame();
  stop(); // an answer goes on over a change of page, and not without a login
  disconnect();
  setPageToken("");
}

function wantedLanguage(fallback) {
  const kept = localStorage.getItem("lang");
  if (kept === "en" || kept === "ru") return kept;
  return fallback || (navigator.language.toLowerCase().startsWith("ru") ? "ru" : "en");
}

function showLogin(trouble) {
  document.title = "qwenproxy";
  const field = h("input", { type: "password", id: "key", autocomplete: "current-password", required: true });
  const form = h("form", { class: "panel", onsubmit: event => { event.preventDefault(); logIn(field.value.trim()); } },
    h("h1", {}, t("login_title")),
    h("p", { class: "muted" }, t("login_how")),
    trouble && notice(trouble, "bad"),
    h("input", { type: "text", autocomplete: "username", value: "admin", hidden: true }), // for password managers
    h("div", { class: "field" }, h("label", { for: "key" }, t("login_key")), field),
    h("button", { class: "first", type: "submit" }, t("login_enter")));
  show(app, h("main", { class: "door" }, form));
  field.focus();
}

function showFrame() {
  const main = h("main", { class: "main", id: "main", tabindex: -1 });
  const links = Object.keys(PAGES).map(name => h("li", {}, h("a", { href: `#/${name}`, "data-page": name }, t(`page_${name}`))));
  const lost = h("div", { role: "status", class: "lost" });
  endFrame();
  endFrame = watch("state", isThere => {
    show(lost, !isThere && h("div", { class: "notice warn" }, t("connection_lost")));
    if (isThere && hasFailed) showPage();
  });
  show(main, lost, h("div", { class: "page" }));
  show(app,
    h("a", { class: "skip", href: "#main", onclick: event => { event.preventDefault(); main.focus(); } }, t("skip")),
    h("div", { class: "shell" },
      h("header", { class: "side" },
        h("div", { class: "brand" }, h("img", { src: "/ui/icon.svg", alt: "" }), "qwenproxy"),
        h("nav", { "aria-label": t("menu") }, h("ul", { class: "menu" }, links)),
        h("div", { class: "foot" }, h("span", {}, t("version", { version })), languageChoice(), button(t("logout"), logOut, "plain"))),
      main));
  showPage();
}

async function logOut() {
  try { await send("/admin/api/logout", { method: "POST" }); } catch { /* the cookie has run out already */ }
  leave();
  forgetTalk();
  showLogin("");
}

function languageChoice() {
  const choice = h("select", { "aria-label": t("language"), onchange: async () => {
    localStorage.setItem("lang", choice.value);
    await loadTexts(choice.value);
    showFrame();
  } }, h("option", { value: "en" }, "English"), h("option", { value: "ru" }, "Русский"));
  choice.value = language();
  return choice;
}

function showPage() {
  const main = document.getElementById("main");
  if (!main) return; // nobody is logged in
  const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decoded);
  const all = { ...PAGES, ...INNER };
  const page = all[name] ? name : "overview";
  endPage();
  document.title = `${t(`page_${page}`)} – qwenproxy`;
  for (const link of app.querySelectorAll(".menu a")) {
    if (link.dataset.page === page) link.setAttribute("aria-current", "page");
    else if (link.dataset.page === LED_BY[page]) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  const body = h("div");
  show(main.lastChild, h("h1", {}, t(`page_${page}`)), body);
  const ends = [];
  endPage = () => ends.forEach(end => end());
  hasFailed = false;
  Promise.resolve(all[page].open({ body, rest, until: end => ends.push(end) })).catch(error => {
    if (!body.isConnected) return; // its person is on another page by now
    hasFailed = true;
    show(body, notice(said(error), "bad"), h("p", {}, button(t("try_again"), showPage)));
  });
}

function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

begin();
