// Elements without a framework: text goes in as text, never as HTML, so nothing that somebody wrote can run here.

const SVG = "http://www.w3.org/2000/svg";

/** Return an element. `on…` are listeners; true, false and null of the rest mean present and absent. */
export function h(tag, properties = {}, ...children) {
  return filled(document.createElement(tag), properties, children);
}

/** Return an SVG element. */
export function s(tag, properties = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), properties, children);
}

/** Put new children into an element in place of the old ones. */
export function show(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter(each => each !== null && each !== undefined && each !== false));
  return element;
}

function filled(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled") element[name] = value;
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  return show(element, ...children);
}

/**
 * Return a table. `columns` are {name, cell(row), number, short, long}; what is short does not break. On a phone each row
 * becomes a block, and what is long gets lines of its own there.
 */
export function table(caption, columns, rows) {
  return h("div", { class: "scroll" },
    h("table", { class: "stack", "aria-label": caption },
      h("thead", {}, h("tr", {}, columns.map(column => h("th", { scope: "col", class: column.number ? "number" : "" }, column.name)))),
      h("tbody", {}, rows.map(row => h("tr", {}, columns.map(column =>
        cellOf(column, column.cell(row))))))));
}

function cellOf(column, content) {
  const kind = column.number ? "number" : column.short ? "short" : column.long ? "wrap long" : "wrap";
  return h("td", { "data-name": column.name, class: content === "–" ? `${kind} none` : kind }, content);
}

/** Return a notice. `kind` is good, warn or bad; a bad one is read out at once. */
export function notice(text, kind = "") {
  return h("div", { class: `notice ${kind}`, role: kind === "bad" ? "alert" : "status" }, text);
}

/** Return what stands where there is nothing yet, and what to do about it. */
export function empty(text, ...next) {
  return h("div", { class: "empty" }, h("p", {}, text), next);
}

/** Return a button; while its work runs it cannot be pressed again. */
export function button(text, work, kind = "") {
  const element = h("button", { type: "button", class: kind, onclick: async () => {
    element.disabled = true;
    try { await work(element); } finally { element.disabled = false; }
  } }, text);
  return element;
}
