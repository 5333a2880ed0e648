// The one stream of changes that all pages share. It comes back by itself; pages read their lists anew then.

import { ask } from "/ui/api.js";

const AGAIN_AFTER = 3000; // milliseconds, where the browser does not try again by itself

const listeners = { overview: new Set(), request: new Set(), again: new Set(), state: new Set() };
let source = null, timer = 0, wasLost = false;

/** Call `listener` with each change of a kind; return the function that ends this. */
export function watch(kind, listener) {
  listeners[kind].add(listener);
  return () => listeners[kind].delete(listener);
}

export function connect() {
  if (source) return;
  const opened = source = new EventSource("/admin/api/events");
  for (const kind of ["overview", "request", "again"]) {
    opened.addEventListener(kind, event => tell(kind, JSON.parse(event.data)));
  }
  opened.onopen = () => {
    tell("state", true);
    if (wasLost) tell("again", {});
    wasLost = false;
  };
  opened.onerror = () => {
    wasLost = true;
    tell("state", false);
    // An answer that is an error ends it for good: the login may have ended, or too many pages are open.
    if (opened.readyState === EventSource.CLOSED && source === opened) timer = setTimeout(connectAgain, AGAIN_AFTER);
  };
}

export function disconnect() {
  clearTimeout(timer);
  source?.close();
  source = null;
  wasLost = false;
}

async function connectAgain() {
  const closed = source;
  try { await ask("/admin/api/overview"); } catch { /* a login that has ended shows itself; else we try once more */ }
  if (source !== closed) return; // its person logged out meanwhile
  source = null;
  connect();
}

function tell(kind, value) {
  for (const listener of [...listeners[kind]]) listener(value);
}
