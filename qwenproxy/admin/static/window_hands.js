// What a person does at the picture of a window: mouse, wheel, touch, keys, other scripts, paste. Nothing is kept.

const NAMED = new Set(["Enter", "Tab", "Backspace", "Delete", "Escape", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown",
  "Home", "End", "PageUp", "PageDown", "Shift", "Control", "Alt", "Insert", "CapsLock"]);
const EDITING = "acxzy";
const BUTTONS = ["left", "middle", "right"];
const ALT = 1, CONTROL = 2, SHIFT = 8;
const ANCHOR = " "; // so that a phone's keyboard has something to delete
const LEAVE_WAIT = 1000; // ms between two Escapes that leave the window
const SLIP = 8; // pixels that a tapping finger may move
const LINE = 20; // pixels of a wheel's line
const TEXT_LIMIT = 100000;
const isMac = navigator.platform.startsWith("Mac");

/** Listen at the picture and its text field; `act` gets each event, `leave` is for two Escapes, `copy` for Ctrl-C. */
export function listen({ canvas, field, size, act, leave, copy }) {
  const ends = [];
  const on = (target, kind, listener, options) => {
    target.addEventListener(kind, listener, options);
    ends.push(() => target.removeEventListener(kind, listener, options));
  };
  const place = event => {
    const box = canvas.getBoundingClientRect(), { width, height } = size();
    return { x: (event.clientX - box.left) * width / box.width, y: (event.clientY - box.top) * height / box.height };
  };
  listenToMouse(canvas, field, on, place, act);
  listenToTouch(canvas, field, on, place, act);
  listenToKeys(field, on, act, leave, copy);
  listenToText(field, on, act);
  return () => ends.forEach(end => end());
}

function listenToMouse(canvas, field, on, place, act) {
  let isPressed = false;
  const mouse = (event, type) => act({
    kind: "mouse", type, ...place(event), button: type === "move" ? "none" : BUTTONS[event.button] ?? "left",
    buttons: event.buttons & 7, clicks: type === "move" ? 0 : Math.min(3, event.detail || 1), modifiers: modifiersOf(event),
  });
  on(canvas, "mousedown", event => {
    event.preventDefault(); // the focus belongs to the text field
    field.focus({ preventScroll: true });
    isPressed = true;
    mouse(event, "down");
  });
  on(window, "mouseup", event => { if (isPressed) mouse(event, "up"); isPressed = event.buttons !== 0 && isPressed; });
  on(window, "mousemove", event => { if (isPressed || event.target === canvas) mouse(event, "move"); });
  on(canvas, "contextmenu", event => event.preventDefault());
  on(canvas, "wheel", event => {
    event.preventDefault();
    const unit = event.deltaMode === 1 ? LINE : event.deltaMode === 2 ? canvas.clientHeight : 1;
    act({ kind: "wheel", ...place(event), dx: event.deltaX * unit, dy: event.deltaY * unit, modifiers: modifiersOf(event) });
  }, { passive: false });
}

/** A tap is a click, so that lists of choices open; what moves is a real touch, which scrolls and drags. */
function listenToTouch(canvas, field, on, place, act) {
  let begun = null, isMoving = false;
  const points = event => [...event.touches].map(each => ({ ...place(each), id: each.identifier }));
  on(canvas, "touchstart", event => {
    event.preventDefault();
    if (begun && !isMoving) {
      isMoving = true;
      act({ kind: "touch", type: "start", points: points(event) });
    } else if (isMoving) act({ kind: "touch", type: "start", points: points(event) });
    else begun = { clientX: event.touches[0].clientX, clientY: event.touches[0].clientY, points: points(event) };
  }, { passive: false });
  on(canvas, "touchmove", event => {
    event.preventDefault();
    const { clientX, clientY } = event.touches[0];
    if (begun && !isMoving && Math.hypot(clientX - begun.clientX, clientY - begun.clientY) > SLIP) {
      isMoving = true;
      act({ kind: "touch", type: "start", points: begun.points });
    }
    if (isMoving) act({ kind: "touch", type: "move", points: points(event) });
  }, { passive: false });
  const end = (event, type) => {
    event.preventDefault();
    if (isMoving) act({ kind: "touch", type, points: points(event) });
    else if (begun && type === "end") {
      field.focus({ preventScroll: true });
      const at = { kind: "mouse", ...place(begun), modifiers: 0 };
      act({ ...at, type: "move", button: "none", buttons: 0, clicks: 0 });
      act({ ...at, type: "down", button: "left", buttons: 1, clicks: 1 });
      act({ ...at, type: "up", button: "left", buttons: 0, clicks: 1 });
    }
    if (!event.touches.length) { begun = null; isMoving = false; }
  };
  on(canvas, "touchend", event => end(event, "end"), { passive: false });
  on(canvas, "touchcancel", event => end(event, "cancel"), { passive: false });
}

function listenToKeys(field, on, act, leave, copy) {
  let escapedAt = -LEAVE_WAIT;
  const key = (event, type) => {
    if (event.isComposing || event.keyCode === 229 || event.key === "Dead") return; // these become text
    const modifiers = modifiersOf(event), writes = [...event.key].length === 1, letter = event.key.toLowerCase();
    if (!writes && !NAMED.has(event.key)) return; // F5 and the like are the person's own browser's
    if (writes && modifiers & (ALT | CONTROL) && !(modifiers & ALT) && letter === "c" && type === "down") copy();
    if (writes && modifiers & (ALT | CONTROL) && (modifiers & ALT || !EDITING.includes(letter))) return; // Ctrl-V, too
    event.preventDefault();
    if (event.key === "Escape" && type === "down") {
      const isSecond = event.timeStamp - escapedAt < LEAVE_WAIT;
      escapedAt = event.timeStamp;
      if (isSecond) { leave(); return; }
    }
    act({ kind: "key", type, key: event.key, code: event.code, keyCode: event.keyCode, location: Math.min(2, event.location), modifiers });
  };
  on(field, "keydown", event => key(event, "down"));
  on(field, "keyup", event => key(event, "up"));
}

/** What comes as text: composed scripts, a phone's keyboard, what is pasted. */
function listenToText(field, on, act) {
  const clear = () => { field.value = ANCHOR; field.setSelectionRange(1, 1); };
  const press = (key, keyCode) => {
    for (const type of ["down", "up"]) act({ kind: "key", type, key, code: key, keyCode, location: 0, modifiers: 0 });
  };
  clear();
  on(field, "compositionupdate", event => act({ kind: "compose", text: event.data.slice(0, 1000) }));
  on(field, "compositionend", event => {
    act({ kind: "text", text: event.data });
    clear();
  });
  on(field, "input", event => {
    if (event.isComposing || event.inputType === "insertCompositionText") return;
    if (event.inputType === "deleteContentBackward") press("Backspace", 8);
    else if (event.inputType === "insertLineBreak") press("Enter", 13);
    else if (event.data) act({ kind: "text", text: event.data });
    clear();
  });
  on(field, "paste", event => {
    event.preventDefault();
    act({ kind: "text", text: event.clipboardData.getData("text/plain").slice(0, TEXT_LIMIT) });
  });
}

function modifiersOf(event) {
  const isAltGr = event.getModifierState?.("AltGraph"); // it writes a character, and is no command
  const control = event.ctrlKey || (isMac && event.metaKey);
  return (event.shiftKey ? SHIFT : 0) | (control && !isAltGr ? CONTROL : 0) | (event.altKey && !isAltGr && !isMac ? ALT : 0);
}
