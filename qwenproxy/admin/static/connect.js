// What to set in other programs, to copy.

import { ask } from "/ui/api.js";
import { button, h, show } from "/ui/dom.js";
import { copy } from "/ui/keys.js";
import { language, number, t } from "/ui/words.js";

export async function open({ body, rest }) {
  const { programs } = await ask(`/admin/api/connect?lang=${language()}`);
  const choice = h("select", { id: "program", onchange: () => { location.hash = `#/connect/${choice.value}`; } },
    programs.map(program => h("option", { value: program.name }, program.title)));
  const program = programs.find(each => each.name === rest[0]) ?? programs[0];
  choice.value = program.name;
  const hasFiles = program.ways.some(way => way.files.length > 0);
  show(body,
    h("div", { class: "panel" }, h("div", { class: "field" }, h("label", { for: "program" }, t("program")), choice),
      h("p", { class: "muted" }, t("connect_how"), hasFiles && ` ${t("connect_writes")}`)),
    program.ways.map(way => h("section", { class: "panel" }, h("h2", {}, way.api), ways(way))),
    program.notes.length > 0 && h("section", { class: "panel" }, h("h2", {}, t("good_to_know")),
      h("ul", {}, program.notes.map(note => h("li", {}, note.replaceAll(/[`*]/g, ""))))));
}

function ways(way) {
  const variables = Object.entries(way.variables).map(([name, value]) => `export ${name}='${value}'`).join("\n");
  return [
    variables && snippet(t("variables"), variables),
    way.files.map(file => snippet(t("file", { name: file.name }), file.content)),
    way.sample && snippet(t("sample"), way.sample),
  ];
}

/** Return a text to copy, with its title; of one over `most` characters only the begin is shown. */
export function snippet(title, text, most = Infinity) {
  return h("div", { class: "field" },
    h("div", { class: "row spread" }, h("span", { class: "muted" }, title), button(t("copy"), element => copy(element, text))),
    h("pre", { tabindex: 0 }, text.length > most ? text.slice(0, most) : text),
    text.length > most && h("p", { class: "muted" }, t("text_more", { n: number(text.length - most) })));
}
