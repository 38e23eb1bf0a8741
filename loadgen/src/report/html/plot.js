// Plots: scales, ticks, lines, and the cursor that all plots over time share.

const SYMBOLS_WIDTH = 7; // of a digit in the plots' type size, at the widest
const GAP = 38;          // above a panel, for its title
const painters = [];     // what draws a plot for the width it has now

// Has `paint` draw for the width of its host, when the page is painted and that has changed.
function painted(host, paint) {
  let last = 0;
  painters.push(() => {
    const width = Math.max(260, Math.floor(host.clientWidth));
    if (width === last || !host.isConnected) return;
    last = width;
    paint(width);
  });
}

// Draws what is not drawn yet for the present width.
function paintAll() {
  painters.forEach((painter) => painter());
}

// Ticks of 1, 2 or 5 times a power of ten, about `count` of them, from 0 to beyond `max`.
function linearTicks(max, count, whole) {
  const raw = (max > 0 ? max : 1) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  let step = [1, 2, 5, 10].find((times) => times * power >= raw * 0.999) * power;
  if (whole) step = Math.max(1, step);
  const ticks = [0];
  while (ticks[ticks.length - 1] < max * 0.9999 || ticks.length < 2) ticks.push(ticks.length * step);
  return ticks;
}

// Ticks of a log scale that hold both bounds: 1-2-5 for a short range, powers of ten for a long.
function logTicks(min, max) {
  const steps = Math.log10(max / min) < 2.2 ? [1, 2, 5] : [1];
  const ticks = [];
  for (let power = Math.floor(Math.log10(min)) - 1; power <= Math.ceil(Math.log10(max)); power++) {
    for (const step of steps) ticks.push(step * 10 ** power);
  }
  const from = ticks.findLastIndex((tick) => tick <= min * 1.0001);
  let to = ticks.findIndex((tick) => tick >= max * 0.9999);
  if (to === from) to++;
  return ticks.slice(from, to + 1);
}

// Ticks of a time axis, at most `count`, in steps that a clock has.
function timeTicks(from, to, count) {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
  const step = steps.find((seconds) => (to - from) / seconds <= count) || 604800;
  const ticks = [];
  for (let at = Math.ceil(from / step) * step; at <= to + 1e-9; at += step) ticks.push(at);
  return ticks;
}

// From values to places.
function scale(low, high, start, end, log) {
  const bend = log ? Math.log10 : (value) => value;
  const [a, b] = [bend(low), bend(high)];
  return (value) => start + ((bend(value) - a) / (b - a || 1)) * (end - start);
}

// A label of a tick: no more decimals than it needs.
function tickText(value) {
  const decimals = value === 0 || Math.abs(value) >= 1 ? (Number.isInteger(value) ? 0 : 1)
    : Math.min(6, Math.ceil(-Math.log10(Math.abs(value)) - 1e-9));
  return number(value, decimals);
}

// A path through points; a gap where there is none.
function pathOf(points) {
  let path = "";
  let pen = "M";
  for (const point of points) {
    if (point === null) { pen = "M"; continue; }
    path += `${pen}${point[0].toFixed(1)} ${point[1].toFixed(1)}`;
    pen = "L";
  }
  return path;
}

// Positions to draw: all, or of each column of pixels its smallest and its largest value, so that
// no peak is lost.
function thinned(values, columns) {
  const all = values.map((_, position) => position);
  if (values.length <= columns * 2) return all;
  const kept = [];
  for (let column = 0; column < columns; column++) {
    const from = Math.floor((column * values.length) / columns);
    const to = Math.floor(((column + 1) * values.length) / columns);
    let [low, high] = [from, from];
    for (let at = from; at < to; at++) {
      if (values[low] === null || (values[at] !== null && values[at] < values[low])) low = at;
      if (values[high] === null || (values[at] !== null && values[at] > values[high])) high = at;
    }
    kept.push(...new Set([Math.min(low, high), Math.max(low, high)]));
  }
  return kept;
}

// The largest and smallest of the values that are there.
function extremes(lists, keep = () => true) {
  let [low, high] = [Infinity, -Infinity];
  for (const list of lists) {
    for (const value of list) {
      if (value === null || !keep(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return high === -Infinity ? null : [low, high];
}

// A plot's figure: heading line with legend, then the drawing. A legend entry has a place for the
// value at the cursor.
function figure(host, name, label, series) {
  const entries = series.map((one) => {
    const value = el("span", { class: "value" });
    const item = el("span", { class: `entry k${one.color}` },
      el("span", { class: `swatch ${one.dash || "solid"} ${one.kind || ""}` }), one.label, value);
    return { item, value };
  });
  const where = el("span", { class: "where" });
  const legend = el("div", { class: "legend" }, entries.map((entry) => entry.item), where);
  const svg = sv("svg", { "data-plot": name, role: "img", "aria-label": label, tabindex: "0" });
  host.append(el("figure", { class: "plot" }, legend, svg));
  return { svg, where, values: entries.map((entry) => entry.value) };
}

// An empty drawing of this size with its title.
function cleared(svg, label, width, height) {
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("height", height);
  svg.replaceChildren(sv("title", { text: label }));
  return svg;
}

// Horizontal grid lines with their labels left.
function yAxis(svg, ticks, place, box) {
  let last = Infinity;
  for (const tick of ticks) {
    const y = place(tick);
    svg.append(sv("line", { class: "grid", x1: box.left, x2: box.right, y1: y, y2: y }));
    if (last - y < 13) continue;
    last = y;
    svg.append(sv("text", { class: "tick", x: box.left - 8, y: y + 4, "text-anchor": "end",
      text: tickText(tick) }));
  }
}

// Labels of an axis below; those that would touch their neighbour are left out.
function xAxis(svg, ticks, place, box, title) {
  let last = -Infinity;
  for (const { value, text } of ticks) {
    const x = place(value);
    const half = (text.length * SYMBOLS_WIDTH) / 2;
    svg.append(sv("line", { class: "mark", x1: x, x2: x, y1: box.bottom, y2: box.bottom + 4 }));
    if (x - half < last + 6) continue;
    last = x + half;
    svg.append(sv("text", { class: "tick", x, y: box.bottom + 17, "text-anchor": "middle", text }));
  }
  svg.append(sv("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }));
  svg.append(sv("text", { class: "title", x: (box.left + box.right) / 2, y: box.bottom + 35,
    "text-anchor": "middle", text: title }));
}

// The cursor of all plots over time: the position of a second, or null.
const cursor = {
  at: null,
  listeners: [],
  move(at) {
    if (at === this.at) return;
    this.at = at;
    this.listeners.forEach((listener) => listener(at));
  },
};

// Scale and ticks of a panel.
function panelScale(panel, box) {
  const lists = panel.series.map((one) => one.values);
  const [start, end] = [box.bottom, box.top];
  if (panel.log) {
    const [low, high] = extremes(lists, (value) => value > 0) || [1, 10];
    const ticks = logTicks(low, high);
    return { ticks, place: scale(ticks[0], ticks[ticks.length - 1], start, end, true) };
  }
  const high = Math.max(panel.top || 0, (extremes(lists) || [0, 0])[1]);
  const ticks = linearTicks(high, Math.max(2, Math.round((start - end) / 48)), panel.whole);
  return { ticks, place: scale(0, ticks[ticks.length - 1], start, end) };
}

// A plot over time of one or more panels on one time axis.
// spec: {name, label, times, extent, panels: [{title, height, log, whole, top, empty, series}]}; a series:
// {label, color, dash, kind: line, wide or bar, values, text(value)}; a value is null if none.
// The extent is where the time axis begins and ends, `until` when the last call was to start.
function timePlot(host, spec) {
  const series = spec.panels.flatMap((panel) => panel.series);
  const view = figure(host, spec.name, spec.label, series);
  const last = spec.times.length - 1;
  let place = null;
  let overlay = null;
  let drawn = [];
  const show = (at) => {
    view.where.textContent = at === null || at > last ? "" : `at ${clock(spec.times[at])}`;
    series.forEach((one, position) => {
      const value = at === null ? undefined : one.values[at];
      view.values[position].textContent =
        at === null ? "" : value === null || value === undefined ? NONE : one.text(value);
    });
    if (!overlay) return;
    overlay.replaceChildren();
    if (at === null || at > last) return;
    const x = place(spec.times[at]);
    for (const { one, box, y } of drawn) {
      overlay.append(sv("line", { class: "cursor", x1: x, x2: x, y1: box.top, y2: box.bottom }));
      const value = one.values[at];
      if (value === null || value === undefined || one.kind === "bar") continue;
      overlay.append(sv("circle", { class: `dot k${one.color}`, cx: x, cy: y(value), r: 3.5 }));
    }
  };
  painted(host, (width) => {
    const left = 14 + SYMBOLS_WIDTH * Math.max(6, ...spec.panels.flatMap((panel) =>
      panelScale(panel, { top: 0, bottom: panel.height }).ticks.map((tick) => tickText(tick).length)));
    const box = { left, right: width - 14, top: 0, bottom: 0 };
    const [from, to] = spec.extent;
    place = scale(from, to, box.left, box.right);
    const height = spec.panels.reduce((sum, panel) => sum + panel.height + GAP, 0) + 36;
    const svg = cleared(view.svg, spec.label, width, height);
    drawn = [];
    for (const panel of spec.panels) {
      box.top = box.bottom + GAP;
      box.bottom = box.top + panel.height;
      drawn.push(...drawPanel(svg, panel, { ...box }, spec, place));
    }
    const ticks = timeTicks(from, to, Math.max(2, Math.floor((box.right - box.left) / 70)));
    const long = to >= 120;
    xAxis(svg, ticks.map((value) => ({ value, text: long ? clock(value) : number(value) })),
      place, box, long ? "time since the start (minutes:seconds)" : "time since the start (s)");
    if (spec.until < to - 1) drawEnd(svg, place(spec.until), drawn);
    overlay = sv("g", null);
    svg.append(overlay);
    show(cursor.at);
  });
  cursor.listeners.push(show);
  follow(view.svg, last, (x) => nearest(spec.times, x, place));
}

// Draws one panel; what the cursor has to know of its series.
function drawPanel(svg, panel, box, spec, place) {
  const { ticks, place: y } = panelScale(panel, box);
  svg.append(sv("text", { class: "title", x: 2, y: box.top - 12, text: panel.title }));
  if (panel.empty && !panel.series.some((one) => one.values.some((value) => value > 0))) {
    svg.append(sv("line", { class: "grid", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }),
      sv("text", { class: "tick", x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 + 4,
        "text-anchor": "middle", text: panel.empty }));
    return [];
  }
  yAxis(svg, ticks, y, box);
  const columns = Math.max(50, Math.floor(box.right - box.left));
  for (const one of panel.series) {
    if (one.kind === "bar") drawBars(svg, one, spec.times, place, y, box);
    else drawLine(svg, one, spec.times, place, y, columns);
  }
  return panel.series.map((one) => ({ one, box, y }));
}

// Marks when the last call was to start: what comes behind is the calls in flight that end.
function drawEnd(svg, x, drawn) {
  const panels = new Map(drawn.map(({ box }) => [box.top, box]));
  for (const box of panels.values()) {
    svg.append(sv("line", { class: "until", x1: x, x2: x, y1: box.top, y2: box.bottom }));
  }
  const box = panels.values().next().value;
  if (!box) return;
  const left = box.right - x < 100;
  svg.append(sv("text", { class: "tick", x: left ? x - 6 : x + 6, y: box.top - 6,
    "text-anchor": left ? "end" : "start", text: "schedule ends" }));
}

// A line over time, with dots where there are few points or a point stands alone.
function drawLine(svg, one, times, place, y, columns) {
  const at = (position) => {
    const value = one.values[position];
    return value === null || value === undefined ? null : [place(times[position]), y(value)];
  };
  const kept = thinned(one.values, columns);
  svg.append(sv("path", { class: `line ${one.kind || ""} ${one.dash || ""} k${one.color}`,
    d: pathOf(kept.map(at)) || "M0 0" }));
  const few = times.length <= 2;
  const alone = kept.filter((position) => at(position) !== null &&
    (few || (at(position - 1) === null && at(position + 1) === null && times.length <= columns)));
  for (const position of alone) {
    const [cx, cy] = at(position);
    svg.append(sv("circle", { class: `dot k${one.color}`, cx, cy, r: 3 }));
  }
}

// Bars over time; where there are more than pixels, the largest of each column.
function drawBars(svg, one, times, place, y, box) {
  const gap = times.length > 1 ? (place(times[times.length - 1]) - place(times[0])) / (times.length - 1) : 24;
  const width = Math.max(1.5, Math.min(24, gap * 0.7));
  const columns = Math.floor(box.right - box.left);
  for (const position of thinned(one.values, columns)) {
    const value = one.values[position];
    if (!(value > 0)) continue;
    const top = Math.min(y(value), box.bottom - 2);
    const x = Math.max(box.left, Math.min(box.right - width, place(times[position]) - width / 2));
    svg.append(sv("rect", { class: `bar k${one.color}`, x: x.toFixed(1), y: top.toFixed(1),
      width: width.toFixed(1), height: (box.bottom - top).toFixed(1) }));
  }
}

// Position of the time that is nearest to a place.
function nearest(times, x, place) {
  let best = 0;
  for (let at = 1; at < times.length; at++) {
    if (Math.abs(place(times[at]) - x) < Math.abs(place(times[best]) - x)) best = at;
  }
  return best;
}

// The cursor follows the pointer and the arrow keys.
function follow(svg, last, positionAt) {
  if (last < 0) return;
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const width = svg.viewBox.baseVal.width;
    cursor.move(positionAt(((event.clientX - box.left) / box.width) * width));
  });
  svg.addEventListener("pointerleave", () => cursor.move(null));
  svg.addEventListener("blur", () => cursor.move(null));
  svg.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: 1, ArrowLeft: -1, PageDown: 10, PageUp: -10 };
    if (event.key === "Escape") return cursor.move(null);
    if (!(event.key in steps)) return undefined;
    event.preventDefault();
    const from = cursor.at === null ? (steps[event.key] > 0 ? -1 : last + 1) : cursor.at;
    return cursor.move(Math.max(0, Math.min(last, from + steps[event.key])));
  });
}
