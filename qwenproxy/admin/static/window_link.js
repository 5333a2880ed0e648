// The way to a person's window: its picture and notes come in, what the person does goes out in small batches.

import { ask } from "/ui/api.js";

const MOST_ON_THE_WAY = 4; // batches without an answer; what is done meanwhile goes in the next one
const QUICK = 500; // ms after the person did something in which every picture is asked for at once
const PACE = 80; // ms that a picture stays otherwise, so that a page that moves by itself costs little
const HEAD = 8; // bytes before the jpeg

/** Open the way; `on` has picture(bitmap, width, height), note(note) and closed(). Throws Failure. */
export async function openLink(id, on) {
  const { ticket } = await ask(`/admin/api/windows/${encodeURIComponent(id)}/ticket`, { method: "POST" });
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/admin/api/window`);
  socket.binaryType = "arraybuffer";
  let waiting = [], onTheWay = 0, batch = 0, didAt = 0, drawing = Promise.resolve(), next = null;

  function flush() {
    if (!waiting.length || onTheWay >= MOST_ON_THE_WAY || socket.readyState !== WebSocket.OPEN) return;
    socket.send(JSON.stringify({ n: ++batch, events: waiting }));
    waiting = [];
    onTheWay += 1;
  }

  function send(event) {
    const last = waiting.at(-1);
    if (event.kind === "mouse" && event.type === "move" && last?.type === "move" && last.kind === "mouse") waiting.pop();
    waiting.push(event);
    flush();
  }

  function askNext() {
    clearTimeout(next?.timer);
    if (next) send({ kind: "drawn", number: next.number });
    next = null;
  }

  async function draw(data) {
    const head = new DataView(data);
    const bitmap = await createImageBitmap(new Blob([new Uint8Array(data, HEAD)], { type: "image/jpeg" }));
    on.picture(bitmap, head.getUint16(4), head.getUint16(6));
    clearTimeout(next?.timer);
    next = { number: head.getUint32(0), timer: setTimeout(askNext, performance.now() - didAt < QUICK ? 0 : PACE) };
  }

  socket.onopen = () => socket.send(JSON.stringify({ ticket }));
  socket.onmessage = ({ data }) => {
    if (typeof data !== "string") {
      drawing = drawing.then(() => draw(data)).catch(() => askNext()); // a picture that is none is not shown
      return;
    }
    const note = JSON.parse(data);
    if (note.kind === "taken") {
      onTheWay -= 1;
      flush();
    } else on.note(note);
  };
  socket.onclose = () => {
    clearTimeout(next?.timer);
    on.closed();
  };
  return {
    /** Send what the person did. */
    do(event) {
      didAt = performance.now();
      send(event);
      askNext();
    },
    tell: send,
    close() {
      socket.onclose = null;
      clearTimeout(next?.timer);
      socket.close();
    },
  };
}
