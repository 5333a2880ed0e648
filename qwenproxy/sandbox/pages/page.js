/* The script of the sandbox's pages: what the real page's scripts do as far as a client in the page can notice it.

   It signs in, renews the token when it loads and never later, keeps it in localStorage and cookie, makes the calls a
   page makes at boot, and, a moment later like an SDK that loads by itself, patches fetch and XMLHttpRequest to add the
   anti-bot headers. */
(() => {
  "use strict";
  const own = document.currentScript;
  const { chat, signIn: signInHost, mark } = own.dataset;  // signInHost is empty where people sign in at the chat
  const sdkDelay = Number(own.dataset.sdkDelay);
  const renewMargin = Number(own.dataset.renewMargin);
  const siteTime = Number(own.dataset.siteTime);
  const version = /qwen-chat-fe\/([\d.]+)\//.exec(own.src)[1];
  const SIGNED_IN = "#signed-in";  // where the sign-in host sends people who have just signed in
  const GUARDED = [
    "/api/chat/completions", "/api/chats/new", "/api/chat/completed", "/api/v1/chats", "/api/v1/auths",
    "/api/task/suggestions/completions", "/api/v1/tasks/status", "/api/v1/files/getstsToken",
    "/api/task/title/completions", "/api/task/tags/completions", "/api/parse_url", "/api/v2/chats", "/api/v2/auths",
    "/api/v2/chat/completions", "/api/v2/task", "/api/v2/files/getstsToken", "/api/v2/community",
    "/api/v2/tts/completions", "/api/v2/files/getfilelink", "/api/v2/files/parse", "/api/v2/files/parse/status",
    "/api/v2/evaluations/feedback",
  ];
  const BOOT = [
    "/api/v2/configs/", "/api/v2/configs/setting-config", "/api/v2/models/", "/api/v2/users/user/settings",
    "/api/v2/chats/?page=1&exclude_project=true", "/api/v2/chats/pinned", "/api/v2/chats/all/tags", "/api/v2/folders/",
    "/api/v2/projects/", "/api/v2/mcp/list", "/api/v2/tts/config", "/api/v1/configs/banners",
  ];

  const random = length => Array.from(crypto.getRandomValues(new Uint8Array(length)), byte => byte.toString(36)).join("");
  const cookie = name => (document.cookie.match(new RegExp("(?:^|; )" + name + "=([^;]*)")) || [])[1] || "";
  const storedToken = () => { try { return localStorage.getItem("token") || ""; } catch { return ""; } };

  function keepToken(token) {
    localStorage.setItem("token", token);
    document.cookie = `token=${token}; path=/; max-age=2592000; secure; samesite=lax`;
  }

  const currentToken = () => storedToken() || cookie("token");

  function secondsLeft(token) {
    try {
      const claims = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
      return JSON.parse(atob(claims)).exp - siteTime;
    } catch {
      return -1;
    }
  }

  /* Return "renewed", "refused" or "failed". Tabs take turns, because a refresh token used twice ends the login. */
  const renew = old => navigator.locks.request("renew-token", async () => {
    if (currentToken() !== old && secondsLeft(currentToken()) > renewMargin) return "renewed";  // another tab did
    try {
      const answer = await fetch(signInHost + "/api/v2/auths/refresh", {
        credentials: "include",
        headers: {
          source: "web", version, timezone: String(new Date()).replace(/ \(.*$/, ""),
          "x-request-id": crypto.randomUUID(), "x-request-origin": location.origin, "x-sandbox-page": mark,
        },
      });
      const body = await answer.json();
      if (body.success) keepToken(body.data.access_token);
      else return body.data.code === "Unauthorized" ? "refused" : "failed";
      return "renewed";
    } catch {
      return "failed";
    }
  });

  function leaveForSignIn() {
    localStorage.removeItem("token");
    document.cookie = "token=; path=/; max-age=0; secure; samesite=lax";
    location.replace(signInHost + "/signin?refused=1");
  }

  /* Renew a token that ends soon or belongs to the login before. Return whether the page may stay. */
  async function renewIfDue() {
    const token = currentToken();
    const fromSignIn = location.hash === SIGNED_IN;
    if (fromSignIn) history.replaceState(null, "", location.pathname);
    if (!signInHost || (token && !fromSignIn && secondsLeft(token) > renewMargin)) return true;
    const leaves = await renew(token) === "refused" && token && secondsLeft(token) <= 0;
    if (leaves) leaveForSignIn();
    return !leaves;
  }

  async function askProfile() {
    const profile = await fetch("/api/v1/auths/", { headers: headers() });
    return profile.json();
  }

  /* Return the profile, after a renewal if the site refuses the token; null if the page leaves. */
  async function findProfile() {
    const token = currentToken();
    const body = await askProfile();
    if (!signInHost || !token || !body.data || body.data.code !== "Unauthorized") return body;
    const outcome = await renew(token);
    if (outcome === "renewed") return askProfile();
    if (outcome === "failed") return body;
    leaveForSignIn();
    return null;
  }

  function headers() {
    const all = { source: "web", version, "x-request-id": crypto.randomUUID() };
    if (storedToken() && !cookie("token")) all.authorization = "Bearer " + storedToken();
    return all;
  }

  function botHeaders() {
    return { "bx-v": "2.5.36", "bx-ua": "231!" + random(120), "bx-umidtoken": localStorage.getItem("lswusea") };
  }

  function showPuzzle(url) {
    if (document.querySelector(".baxia-dialog")) return;
    const dialog = document.createElement("div");
    dialog.className = "baxia-dialog";
    const frame = document.createElement("iframe");
    frame.id = "baxia-dialog-content";
    frame.src = url;
    dialog.append(frame);
    document.body.append(dialog);
    addEventListener("message", event => { if (event.data === "baxia-passed") dialog.remove(); });
  }

  async function lookForPuzzle(response) {
    if (!(response.headers.get("content-type") || "").includes("application/json")) return;
    try {
      const body = await response.clone().json();
      if (Array.isArray(body.ret) && body.ret.includes("FAIL_SYS_USER_VALIDATE")) showPuzzle(body.data.url);
    } catch { /* the caller itself sees an answer that breaks off */ }
  }

  function installSdk() {
    if (!localStorage.getItem("lswusea")) localStorage.setItem("lswusea", "T2gA" + random(40));
    document.cookie = "ssxmod_itna=1-" + random(40) + "; path=/; secure; samesite=lax";
    document.cookie = "ssxmod_itna2=1-" + random(40) + "; path=/; secure; samesite=lax";
    const guarded = url => GUARDED.some(part => String(url).includes(part));
    const nativeFetch = window.fetch;
    window.fetch = async function (input, init) {
      const url = input instanceof Request ? input.url : input;
      if (!guarded(url)) return nativeFetch.call(window, input, init);
      const merged = new Headers((init && init.headers) || (input instanceof Request ? input.headers : undefined));
      for (const [name, value] of Object.entries(botHeaders())) merged.set(name, value);
      const response = await nativeFetch.call(window, input, { ...init, headers: merged });
      lookForPuzzle(response);
      return response;
    };
    const { open, send } = XMLHttpRequest.prototype;
    XMLHttpRequest.prototype.open = function (method, url, ...rest) {
      this.__guarded = guarded(url);
      return open.call(this, method, url, ...rest);
    };
    XMLHttpRequest.prototype.send = function (body) {
      if (this.__guarded) for (const [name, value] of Object.entries(botHeaders())) this.setRequestHeader(name, value);
      return send.call(this, body);
    };
    window.baxiaCommon = { getUA: () => "231!" + random(120) };
    window.__baxia__ = { version: "2.5.36" };
  }

  function showLogin(isGuest) {
    const link = document.querySelector(".login-container");
    if (!isGuest && link) link.remove();
    if (!isGuest || link) return;
    const container = document.createElement("div");
    container.className = "login-container";
    container.innerHTML = '<a href="/auth?action=signin">Log in</a>';
    document.body.prepend(container);
  }

  async function boot() {
    if (!await renewIfDue()) return;
    const body = await findProfile();
    if (!body) return;
    if (body.token) keepToken(body.token);
    showLogin(!body.id);
    const beacon = { typarms: { typarm1: "web", typarm3: "prod", typarm4: "qwen_chat", orgid: "tongyi", cdn_version: version } };
    await Promise.all([
      ...BOOT.map(path => fetch(path, { headers: headers() })),
      fetch("/api/v2/users/status", {
        method: "POST", headers: { ...headers(), "content-type": "application/json" }, body: JSON.stringify(beacon),
      }),
    ]);
  }

  async function sha256(text) {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    return Array.from(new Uint8Array(digest), byte => byte.toString(16).padStart(2, "0")).join("");
  }

  async function signIn(event) {
    event.preventDefault();
    const form = event.target;
    const response = await fetch("/api/v2/auths/signin", {
      method: "POST",
      headers: { ...headers(), "content-type": "application/json" },
      body: JSON.stringify({
        email: form.elements.email.value, password: await sha256(form.elements.password.value), login_type: "email",
      }),
    });
    const body = await response.json();
    if (!body.success) {
      document.getElementById("problem").textContent = (body.data && body.data.details) || "That did not work.";
      return;
    }
    if (!signInHost) keepToken(cookie("token"));
    if (!window.opener) location.assign(chat + "/" + SIGNED_IN);
    else {  // a partner's pop-up
      window.opener.location.assign(chat + "/" + SIGNED_IN);
      window.close();
    }
  }

  setTimeout(installSdk, sdkDelay);
  addEventListener("DOMContentLoaded", () => {
    if (own.dataset.page === "auth") document.getElementById("login-form").addEventListener("submit", signIn);
    else boot().catch(() => undefined);  // it fails when the browser leaves the page during its boot
  });
})();
