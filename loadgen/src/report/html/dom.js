"use strict";
// Elements, numbers and words. Everything becomes text by textContent, never markup.

const SVG = "http://www.w3.org/2000/svg";

function put(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") node.textContent = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined) node.append(child);
  }
  return node;
}

// An HTML element.
function el(name, attributes, ...children) {
  return put(document.createElement(name), attributes, children);
}

// An SVG element.
function sv(name, attributes, ...children) {
  return put(document.createElementNS(SVG, name), attributes, children);
}

const NONE = "\u2013";
const NBSP = "\u00a0";

const formats = new Map();

// A number with thousands separators and so many decimals.
function number(value, decimals = 0) {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  if (!formats.has(decimals)) {
    const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
    formats.set(decimals, new Intl.NumberFormat("en-US", digits));
  }
  return formats.get(decimals).format(value);
}

// Decimals that leave three significant digits.
function decimalsOf(value) {
  const size = Math.abs(value);
  if (!(size > 0) || size >= 99.95) return 0;
  if (size >= 9.995) return 1;
  return size >= 0.9995 ? 2 : 3;
}

// Microseconds as milliseconds, three significant digits, without the unit.
function millis(us) {
  if (us === null || us === undefined || !Number.isFinite(us)) return NONE;
  return number(us / 1000, decimalsOf(us / 1000));
}

// Microseconds as milliseconds with the unit.
function span(us) {
  const text = millis(us);
  return text === NONE ? text : text + NBSP + "ms";
}

// Calls per second: whole from 10,000 on.
function rate(value) {
  return number(value, Math.abs(value) >= 10000 ? 0 : 1);
}

// Events per second at a moment: whole numbers stay so.
function frequency(value) {
  return `${number(value, Number.isInteger(value) ? 0 : 1)}/s`;
}

// A share of a whole in percent; what is more than nothing does not become 0.
function share(part, whole) {
  if (!(whole > 0)) return NONE;
  const percent = (100 * part) / whole;
  if (percent > 0 && percent < 0.001) return "<0.001" + NBSP + "%";
  if (percent < 100 && percent > 99.99) return ">99.99" + NBSP + "%";
  const decimals = percent === 0 || percent === 100 ? 0 : percent < 0.1 ? 3 : percent < 10 ? 2 : 1;
  return number(percent, decimals) + NBSP + "%";
}

// Seconds since the start as a clock: 1:05, 1:00:00.
function clock(seconds) {
  const whole = Math.round(seconds);
  const two = (part) => String(part).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

// An RFC 3339 date for people.
function date(text) {
  const parts = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(Z|\+00:00)$/.exec(text || "");
  return parts ? `${parts[1]} ${parts[2]} UTC` : text || NONE;
}

// "1 core", "4 cores".
function plural(count, one, many = one + "s") {
  return number(count) + NBSP + (count === 1 ? one : many);
}

// A table. Columns: {head, cell(row), text (whether it is words, thus left)}. Where the heading
// above says the same, the caption is for screen readers only.
function table(caption, columns, rows, unseen) {
  const cells = (row) =>
    columns.map((column, position) => {
      const attributes = { class: column.text ? "text" : "figure", text: column.cell(row) };
      return el(
        position === 0 ? "th" : "td",
        position === 0 ? { ...attributes, scope: "row" } : attributes,
      );
    });
  const heads = columns.map((column) =>
    el("th", { scope: "col", class: column.text ? "text" : "figure", text: column.head }),
  );
  return el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el(
      "table",
      null,
      el("caption", { class: unseen ? "hidden" : null, text: caption }),
      el("thead", null, el("tr", null, heads)),
      el(
        "tbody",
        null,
        rows.map((row) => el("tr", null, cells(row))),
      ),
    ),
  );
}

// A table of names and values.
function facts(caption, pairs) {
  const columns = [
    { head: "Figure", text: true, cell: (pair) => pair[0] },
    { head: "Value", cell: (pair) => pair[1] },
  ];
  return table(caption, columns, pairs);
}

// A part of the page with its heading and a line that says how to read it.
function card(title, note, ...children) {
  return el(
    "section",
    { class: "card" },
    el("h2", { text: title }),
    note ? el("p", { class: "note", text: note }) : null,
    children,
  );
}

// Buttons of which one is pressed; `choose` gets its position.
function choice(label, names, choose) {
  const buttons = names.map((name, position) =>
    el("button", {
      type: "button",
      "aria-pressed": String(position === 0),
      text: name,
      onclick: () => {
        buttons.forEach((button, other) =>
          button.setAttribute("aria-pressed", String(other === position)),
        );
        choose(position);
      },
    }),
  );
  return el("div", { class: "choice", role: "group", "aria-label": label }, buttons);
}

// The colour of a response code's class, 1 to 8 as in the style.
function codeColor(code) {
  return { 1: 7, 2: 3, 3: 4, 4: 2, 5: 6, 6: 5 }[Math.floor(code / 100)] || 7;
}

// The colour of a ladder's label: that of its code, or that of requests.
function labelColor(label) {
  const code = /^([1-6]\d\d)(\s|$)/.exec(label);
  return code ? codeColor(Number(code[1])) : 1;
}
