// A person's window: the live picture of the browser in which somebody logs in, and whose it is. #/window/ID

import { ask as askServer } from "/ui/api.js";
import { button, h, notice, show } from "/ui/dom.js";
import { askAnswer, askChoice, askFiles, askPaste, giveCopy } from "/ui/window_asks.js";
import { listen } from "/ui/window_hands.js";
import { openLink } from "/ui/window_link.js";
import { said, t } from "/ui/words.js";

const WIDTHS = [280, 1100], HEIGHTS = [400, 760]; // pixels of the page in the window
const AROUND = 260; // pixels of our own page above and below it
const SETTLE = 300; // ms until a new size counts

export async function open({ body, rest, until }) {
  const address = `/admin/api/windows/${encodeURIComponent(rest[0] ?? "")}`;
  const row = await askServer(address);
  let link = null, endHands = () => {}, closeAsk = () => {}, page = { width: 1, height: 1 }, isOver = false;

  const status = h("p", { role: "status", class: "wrap" });
  const site = h("strong", { class: "wrap" });
  const popup = h("span", { class: "tag warn", hidden: true }, t("window_popup"));
  const canvas = h("canvas", { role: "img", "aria-label": t("window_view") });
  const field = h("textarea", { class: "ghost", "aria-label": t("window_view"), autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
  const stage = h("div", { class: "window" }, canvas, field);
  const done = button(t("window_done"), () => order("/done", "POST"), "first");
  done.hidden = row.isNew;
  const tools = h("div", { class: "row" },
    done,
    button(t("window_reload"), () => link?.do({ kind: "reload" })),
    button(t("window_copy"), () => link?.do({ kind: "copy" })),
    button(t("window_paste"), paste),
    button(t("window_keyboard"), () => field.focus()),
    button(t("window_cancel"), () => order("", "DELETE"), "danger"));
  const news = h("div", { "aria-live": "polite" });
  const whole = h("div", { class: "stack-window" },
    h("h2", {}, row.account ? t("window_of", { id: row.account }) : t("window_of_new")),
    h("p", { class: "muted" }, t("window_whose")),
    status, news, h("p", { class: "row" }, h("span", { class: "muted" }, t("window_site")), site, popup), stage, tools);

  const refocus = () => { if (!isOver) field.focus({ preventScroll: true }); };
  const order = async (what, method) => {
    try { await askServer(address + what, { method }); } catch (error) { show(news, notice(said(error), "bad")); }
  };

  async function paste() {
    try {
      give(await navigator.clipboard.readText());
    } catch { // no clipboard for pages here, or the person said no
      closeAsk = askPaste(give);
    }
  }

  function give(text) {
    link?.do({ kind: "text", text });
    refocus();
  }

  function measure() {
    const within = (value, [low, high]) => Math.round(Math.min(high, Math.max(low, value)));
    const width = within(stage.clientWidth, WIDTHS);
    const scale = width < 600 ? Math.min(2, Math.max(1, devicePixelRatio)) : 1;
    link?.tell({ kind: "size", width, height: within(innerHeight - AROUND, HEIGHTS), scale });
  }

  function picture(bitmap, width, height) {
    page = { width, height };
    if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
    }
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    stage.dataset.pictures = Number(stage.dataset.pictures ?? 0) + 1;
  }

  const notes = {
    state: note => (note.state === "running" ? showStep(note.step) : showEnd(note)),
    page(note) {
      if (!site.textContent) measure(); // before that there was nothing to measure
      site.textContent = note.origin || "–";
      site.title = note.title;
      popup.hidden = !note.is_popup;
    },
    list(note) {
      closeAsk();
      closeAsk = askChoice(note, index => {
        if (index !== null) link?.do({ kind: "choose", index });
        refocus();
      });
    },
    dialog(note) {
      closeAsk();
      closeAsk = askAnswer(note, (accept, text) => {
        link?.do({ kind: "answer", accept, text });
        refocus();
      });
    },
    answered: () => closeAsk(),
    files(note) {
      closeAsk();
      closeAsk = askFiles(note.several, files => link?.do({ kind: "files", files }));
    },
    no_files: () => show(news, notice(t("window_files_none"), "warn")),
    async copied(note) {
      const text = await giveCopy(note.text, refocus);
      if (text) show(news, notice(text));
    },
    error: note => show(news, notice(note.message, "bad")),
  };

  const STEPS = { opening: "window_opening", waiting: "window_waiting", verification: "window_verification", works: "window_works", closing: "window_closing" };
  function showStep(step) {
    status.textContent = t(STEPS[step] ?? "window_waiting");
  }

  const ENDS = { done: "window_end_done", closed: "window_end_closed", timeout: "window_end_timeout", idle: "window_end_idle",
    cancelled: "window_end_cancelled", unproven: "window_end_unproven", no_display: "window_end_no_display", error: "window_end_error" };
  function showEnd(note) {
    isOver = true;
    leave();
    const key = ENDS[note.state === "done" ? "done" : note.outcome] ?? "window_end_closed";
    const back = h("a", { class: "button", href: "#/accounts" }, t("window_back"));
    show(body, notice(t(key, { id: note.account, message: note.message }), note.state === "done" ? "good" : "warn"), back);
    back.focus();
  }

  function leave() {
    closeAsk();
    endHands();
    link?.close();
    link = null;
  }

  async function connect() {
    show(news);
    try {
      link = await openLink(row.id, { picture, note: note => notes[note.kind]?.(note), closed });
    } catch (error) {
      show(news, notice(said(error), "bad"));
      return;
    }
    endHands();
    endHands = listen({ canvas, field, size: () => page, act: event => link?.do(event), leave: () => done.hidden ? tools.children[1].focus() : done.focus(), copy: () => link?.do({ kind: "copy" }) });
    measure();
    refocus();
  }

  async function closed() {
    leave();
    try {
      const now = await askServer(address);
      if (now.state !== "running") { showEnd(now); return; }
    } catch { /* the server is away, too */ }
    const again = button(t("window_again"), connect, "first");
    show(news, news.childElementCount ? [...news.children] : notice(t("window_lost"), "warn"), again);
  }

  let timer = 0, width = 0;
  const resized = () => {
    if (stage.clientWidth === width) return; // a phone's keyboard came or went
    width = stage.clientWidth;
    clearTimeout(timer);
    timer = setTimeout(measure, SETTLE);
  };
  const watcher = new ResizeObserver(resized); // a scrollbar counts, too
  until(() => { isOver = true; clearTimeout(timer); watcher.disconnect(); leave(); });
  show(body, whole);
  if (row.state !== "running") { showEnd(row); return; }
  showStep(row.step);
  width = stage.clientWidth;
  watcher.observe(stage);
  await connect();
}
