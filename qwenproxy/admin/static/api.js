// The way to the server: every call carries the page's token, every failure comes back as an Error with a sentence.

let pageToken = "";
let onLoggedOut = () => {};

export class Failure extends Error {
  constructor(message, status, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function setPageToken(token) { pageToken = token; }
export function whenLoggedOut(call) { onLoggedOut = call; }

/** Return the JSON of an answer. Throws Failure. */
export async function ask(path, { method = "GET", body } = {}) {
  const answer = await send(path, { method, body });
  const text = await answer.text();
  return text ? JSON.parse(text) : {};
}

/** Return the answer itself, to read it as it comes. Throws Failure. */
export async function send(path, { method = "GET", body, signal } = {}) {
  const headers = {};
  if (pageToken) headers["x-qwenproxy-page"] = pageToken;
  if (body !== undefined) headers["content-type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("", 0, "unreachable");
  }
  if (!answer.ok) throw await failureOf(answer, path);
  return answer;
}

async function failureOf(answer, path) {
  let message = answer.statusText, code = "";
  try {
    const body = await answer.json();
    const error = body.error;
    message = typeof error === "string" ? error : error.message;
    code = body.code || error.code || "";
  } catch { /* no JSON of ours: a proxy in between answered */ }
  if (answer.status === 401 && path !== "/admin/api/login") onLoggedOut();
  return new Failure(message, answer.status, code);
}
