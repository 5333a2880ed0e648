/* The page's half of the exchange (architecture 2): carries many fetches over one script call at a time.

   Runs in the main world of the site's page, because it needs the fetch that the site has patched. Ships text as it
   arrives and does not parse it. Every message stays in `outbox` until an exchange acknowledges it. */
(options => {
  "use strict";
  if (window.__qwenproxy || window !== window.top) return;

  const REPLY_LIMIT = 1 << 20;   // characters in one reply, to keep a script call short
  const STREAM_LIMIT = 1 << 18;  // unacknowledged characters from which we pause a stream
  const epoch = Date.now().toString(36) + Math.random().toString(36).slice(2);
  const outbox = [];             // [sequence, stream id, kind, payload]
  const streams = new Map();
  let sequence = 0;
  let sent = 0;                  // highest sequence number in any reply so far
  const bodies = new Map();      // stream id -> pieces of a body too big for one exchange
  let lastStart = 0;             // highest number of a start so far
  let answer = null;             // ends the waiting exchange when its time has come, null if none waits
  let urgent = false;            // the outbox has a message that waits for no others
  let answered = 0;              // when the last exchange ended (ms since the page began)
  let token = null;              // the last one that Python has, or that is on its way there
  let version = options.version;

  const sdkPresent = () => window.__baxia__ || window.baxiaCommon
    || !/\[native code\]/.test(Function.prototype.toString.call(window.fetch));
  const tokenInStorage = () => { try { return localStorage.getItem("token") || ""; } catch { return ""; } };

  // The site's script patches fetch to add its headers: the site refuses calls without them.
  const ready = new Promise(resolve => {
    const deadline = Date.now() + options.sdkWait;
    const look = () => sdkPresent() || Date.now() > deadline ? resolve() : setTimeout(look, 20);
    look();
  });

  function siteVersion() {
    for (const script of version ? [] : document.scripts) {
      const match = /\/qwen-chat-fe\/(\d+(?:\.\d+)+)\//.exec(script.src);
      if (match) version = match[1];
    }
    return version || options.defaultVersion;
  }

  function pageHeaders(headers) {
    const all = { ...headers, version: siteVersion(), timezone: String(new Date()).replace(/ \(.*$/, "") };
    const bearer = tokenInStorage();
    if (bearer && !/(^|;\s*)token=/.test(document.cookie)) all.authorization = "Bearer " + bearer;
    return all;
  }

  /* Put a message into the outbox. One that is `patient` may wait for others, which saves exchanges. */
  function push(id, kind, payload, patient = false) {
    const last = outbox[outbox.length - 1];
    if (kind === "data" && last && last[1] === id && last[2] === "data" && last[0] > sent) last[3] += payload;
    else outbox.push([++sequence, id, kind, payload]);
    if (kind === "head") return;  // what comes just behind it takes it along
    urgent ||= !patient;
    if (answer) answer();
  }

  function pushNewToken() {
    const now = tokenInStorage();
    if (now && now !== token) push(0, "token", token = now);
  }

  function bodyOf(order) {
    if (!order.pieces) return order.body ?? undefined;
    const pieces = bodies.get(order.id) || [];
    bodies.delete(order.id);
    if (pieces.filter(piece => piece !== undefined).length !== order.pieces) throw new Error("IncompleteBody");
    return new Blob(pieces);  // the browser sends a Blob beside the page: one long text would halt the other answers
  }

  async function run(order) {
    const stream = { controller: new AbortController(), unacknowledged: 0, held: false, wake: null };
    streams.set(order.id, stream);
    try {
      await ready;
      const response = await window.fetch(order.path, {
        method: order.method, headers: pageHeaders(order.headers), body: bodyOf(order),
        signal: stream.controller.signal,
      });
      push(order.id, "head", [response.status, Object.fromEntries(response.headers)]);
      if (response.body) await ship(order.id, stream, response);
      pushNewToken();  // before "end": the exchange with that may be the last for a while
      push(order.id, "end", null);
    } catch (error) {
      if (!stream.controller.signal.aborted) push(order.id, "error", String(error && error.name));
    } finally {
      streams.delete(order.id);
    }
  }

  async function ship(id, stream, response) {
    const reader = response.body.getReader();
    // A person waits for the first text of a stream. Other answers are of use only as a whole.
    let patient = !/^text\/event-stream/.test(response.headers.get("content-type"));
    const decoder = new TextDecoder();  // with `stream`, so that it splits no character
    for (;;) {
      while (stream.held || stream.unacknowledged > STREAM_LIMIT) await new Promise(wake => { stream.wake = wake; });
      const { done, value } = await reader.read();
      const text = done ? decoder.decode() : decoder.decode(value, { stream: true });
      stream.unacknowledged += text.length;
      if (text) { push(id, "data", text, patient); patient = true; }
      if (done) return;
    }
  }

  function wake(stream) {
    if (stream && stream.wake) { stream.wake(); stream.wake = null; }
  }

  function obey(order) {
    let count = 0;
    const ack = order.epoch === epoch ? order.ack : 0;
    while (count < outbox.length && outbox[count][0] <= ack) {
      const [, id, kind, payload] = outbox[count++];
      const stream = kind === "data" && streams.get(id);
      if (stream) { stream.unacknowledged -= payload.length; wake(stream); }
    }
    outbox.splice(0, count);
    for (const [id, index, text] of order.parts) {
      if (!bodies.has(id)) bodies.set(id, []);
      bodies.get(id)[index] = new Blob([text]);  // may come again after a lost reply
    }
    for (const start of order.start) {
      if (start.nth > lastStart) { lastStart = start.nth; run(start); }  // may come again after a lost reply
    }
    for (const id of order.abort) {
      bodies.delete(id);
      const stream = streams.get(id);
      if (stream) { stream.controller.abort(); wake(stream); }
    }
    for (const [id, held] of order.hold) { const stream = streams.get(id); if (stream) { stream.held = held; wake(stream); } }
  }

  function batch() {
    let size = 0;
    let count = 0;
    while (count < outbox.length && size < REPLY_LIMIT) {
      const payload = outbox[count++][3];
      size += typeof payload === "string" ? payload.length : 0;
    }
    if (count) sent = outbox[count - 1][0];
    return outbox.slice(0, count);
  }

  function exchange(text, done) {
    const order = JSON.parse(text);
    obey(order);
    const earliest = answered + order.min;  // gather until then: each exchange costs time on its way here and back
    let end = Infinity;
    let timer = 0;
    const finish = () => {
      answer = null;
      urgent = false;
      answered = performance.now();
      // One string, because the driver walks every node of an object.
      done(JSON.stringify({ epoch, origin: location.origin, messages: batch() }));
    };
    const finishAt = time => {
      if (time >= end) return;
      clearTimeout(timer);
      end = time;
      timer = setTimeout(finish, time - performance.now());  // if it has passed, too: what is there by then comes along
    };
    answer = () => finishAt(urgent ? 0 : earliest);
    finishAt(Math.max(performance.now() + order.wait, earliest));
    if (outbox.length) answer();
  }

  token = tokenInStorage();
  Object.defineProperty(window, "__qwenproxy", { value: { epoch, exchange, ready } });
})
