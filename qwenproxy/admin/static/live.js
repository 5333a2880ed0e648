// The one stream of changes that all pages share. It comes back by itself; pages read their lists anew then.

const listeners = { overview: new Set(), request: new Set(), again: new Set(), state: new Set() };
let source = null;

/** Call `listener` with each change of a kind; return the function that ends this. */
export function watch(kind, listener) {
  listeners[kind].add(listener);
  return () => listeners[kind].delete(listener);
}

export function connect() {
  if (source) return;
  source = new EventSource("/admin/api/events");
  for (const kind of ["overview", "request", "again"]) {
    source.addEventListener(kind, event => tell(kind, JSON.parse(event.data)));
  }
  let wasLost = false;
  source.onopen = () => {
    tell("state", true);
    if (wasLost) tell("again", {});
    wasLost = false;
  };
  source.onerror = () => {
    wasLost = true;
    tell("state", false);
  };
}

export function disconnect() {
  source?.close();
  source = null;
}

function tell(kind, value) {
  for (const listener of [...listeners[kind]]) listener(value);
}
