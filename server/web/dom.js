// dom.js: the few ways this page makes and changes elements. Everything that came from outside goes in as text, never as markup.

export const $ = (id) => document.getElementById(id);

/** An element with properties and children; children are nodes or text. */
export function make(tag, properties = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") e.className = value;
    else if (name.includes("-") || name === "role" || name === "scope" || name === "for") e.setAttribute(name, value);
    else e[name] = value;
  }
  e.append(...children);
  return e;
}

/** Sets the text only when it differs, so that screen readers and selections are left alone. */
export function text(e, value) {
  if (e.textContent !== value) e.textContent = value;
}

/** Makes parent's children match items: elements are kept by key (and with them focus and scroll), made, moved or removed as needed. */
export function keyed(parent, items, key, create, update) {
  const wanted = new Set(items.map(key));
  for (const e of [...parent.children]) if (!wanted.has(e.dataset.key)) e.remove();
  const old = new Map([...parent.children].map((e) => [e.dataset.key, e]));
  let at = parent.firstElementChild;
  for (const item of items) {
    const k = key(item);
    const e = old.get(k) ?? create(item);
    e.dataset.key = k;
    update(e, item);
    if (e === at) at = at.nextElementSibling;
    else parent.insertBefore(e, at);
  }
}

/** Fills a table. columns: header texts; rows: arrays of texts or nodes, whose first cell heads the row. */
export function table(e, caption, columns, rows) {
  const cell = (value, i) => (i === 0 ? make("th", { scope: "row" }, value) : make("td", {}, value));
  e.replaceChildren(
    make("caption", { class: "hidden" }, caption),
    make("thead", {}, make("tr", {}, ...columns.map((c) => make("th", { scope: "col" }, c)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map(cell)))),
  );
}
