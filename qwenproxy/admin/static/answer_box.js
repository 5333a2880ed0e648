// The boxes of a talk in the playground: what a person said, and an answer as it comes.

import { button, h, notice, show } from "/ui/dom.js";
import { link, pictureOf, withPictures } from "/ui/pictures.js";
import { frames } from "/ui/sse.js";
import { seconds, t } from "/ui/words.js";

const more = new WeakMap(); // of each answer's message what its person saw besides

/** Return the box of a message that is there already; `give` gets the results of an answer's calls, null is for none. */
export function messageBox(message, give) {
  if (message.role === "assistant") {
    const box = new Answer(give);
    box.restore(message);
    return box.element;
  }
  const title = message.role === "tool" ? t("role_tool") : t("you");
  return h("div", { class: "said user" }, h("h3", {}, title), contentOf(message.content));
}

function contentOf(content) {
  if (typeof content === "string") return content;
  return content.map(part => {
    if (part.type === "text") return part.text;
    if (part.type === "file") return h("span", { class: "tag" }, part.file.filename);
    const { url } = part.image_url;
    return url.startsWith("data:") ? h("img", { src: url, alt: t("picture") }) : pictureOf(url);
  });
}

/**
 * One answer as it comes: thoughts, text, calls of functions, sources. `chatId` is the proxy's chat, if it keeps one.
 * One that has `noWords`, such as a picture, says nothing about when its first ones came.
 */
export class Answer {
  constructor(give, noWords = false) {
    this.give = give;
    this.noWords = noWords;
    this.text = "";
    this.thoughts = "";
    this.calls = [];
    this.sources = [];
    this.chatId = "";
    this.foot = "";
    this.isWhole = false;
    this.startedAt = performance.now();
    this.thoughtBox = h("details", { hidden: true }, h("summary", {}, t("thoughts")), h("span"));
    this.textBox = h("div");
    this.moreBox = h("div");
    this.footBox = h("p", { class: "muted" }, t(noWords ? "answering" : "waiting"));
    this.element = h("div", { class: "said" }, h("h3", {}, t("model_says")), this.thoughtBox, this.textBox, this.moreBox, this.footBox);
  }

  async read(response) {
    for await (const frame of frames(response.body)) {
      if (frame === "[DONE]") { this.isWhole = true; break; }
      const event = JSON.parse(frame);
      if (event.error) throw new Error(event.error.message);
      this.chatId = event.chatId ?? this.chatId;
      this.take(event.choices?.[0]);
    }
    if (!this.isWhole) throw new Error(t("answer_cut"));
    this.draw();
  }

  take(choice) {
    const delta = choice?.delta ?? {};
    if (delta.reasoning_content) this.thoughts += delta.reasoning_content;
    if (delta.content) this.text += delta.content;
    for (const call of delta.tool_calls ?? []) {
      const known = this.calls[call.index] ??= { id: call.id, type: "function", function: { name: "", arguments: "" } };
      known.function.name += call.function?.name ?? "";
      known.function.arguments += call.function?.arguments ?? "";
    }
    for (const note of delta.annotations ?? []) {
      if (!this.sources.some(each => each.url === note.url_citation.url)) this.sources.push(note.url_citation);
    }
    if (this.firstAt === undefined && (this.text || this.thoughts || this.calls.length)) this.firstAt = performance.now();
    this.planned ||= requestAnimationFrame(() => this.draw());
  }

  draw() {
    cancelAnimationFrame(this.planned);
    this.planned = 0;
    this.thoughtBox.hidden = !this.thoughts;
    this.thoughtBox.lastChild.textContent = this.thoughts;
    show(this.textBox, withPictures(this.text, this.isWhole));
    show(this.moreBox,
      this.calls.map(call => h("pre", { tabindex: 0 }, `${call.function.name}(${call.function.arguments})`)),
      this.sources.length > 0 && h("ol", {}, this.sources.map(source => h("li", {}, link(source)))));
    if (this.isWhole && this.calls.length && this.give) this.moreBox.append(this.resultForm());
    if (this.firstAt && !this.noWords) this.foot = t("first_after", { time: seconds((this.firstAt - this.startedAt) / 1000) });
    this.footBox.textContent = this.isWhole ? this.foot : t("answering");
  }

  /** Return where a person plays the program, and says what the functions gave. */
  resultForm() {
    const fields = this.calls.map((call, index) => h("textarea", { id: `result-${index}`, class: "mono" }));
    const form = h("div", { class: "results" },
      this.calls.map((call, index) => h("div", { class: "field" },
        h("label", { for: `result-${index}` }, t("call_result", { name: call.function.name })), fields[index])),
      button(t("call_results_give"), () => {
        form.remove();
        return this.give(this.calls.map((call, index) => ({ role: "tool", tool_call_id: call.id, content: fields[index].value })));
      }));
    return form;
  }

  fail(sentence) {
    this.draw();
    show(this.footBox, notice(sentence, "bad"));
  }

  restore(message) {
    this.text = message.content ?? "";
    this.calls = message.tool_calls ?? [];
    this.isWhole = true;
    Object.assign(this, more.get(message));
    this.draw();
  }

  /** Return the answer as a message; of one that broke off only the text counts. */
  message() {
    const message = { role: "assistant", content: this.text, ...(this.isWhole && this.calls.length ? { tool_calls: this.calls } : {}) };
    more.set(message, { thoughts: this.thoughts, sources: this.sources, foot: this.isWhole ? this.foot : t("stopped") });
    return message;
  }
}
