// Plots: axes, lines, bars, and the cursor that all plots over time share.

const SYMBOLS_WIDTH = 7; // of a digit in the plots' type size, at the widest
const COLUMN = 2; // pixels that a long run's seconds are drawn together in
const LONG = 120; // seconds from which on a time axis counts minutes
const GAP = 38; // above a panel, for its title
const painters = []; // what draws a plot for the width it has now

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

// A path through points; a gap where there is none.
function pathOf(points) {
  let path = "";
  let pen = "M";
  for (const point of points) {
    if (point === null) {
      pen = "M";
      continue;
    }
    path += `${pen}${point[0].toFixed(1)} ${point[1].toFixed(1)}`;
    pen = "L";
  }
  return path;
}

// What stands in each column of pixels: where, its smallest, mean and largest value, so that no
// peak of a long run is lost. A column that holds nothing is null.
function columnsOf(values, times, columns) {
  const found = [];
  for (let column = 0; column < columns; column++) {
    const from = Math.floor((column * values.length) / columns);
    const to = Math.floor(((column + 1) * values.length) / columns);
    const inside = values.slice(from, to).filter((value) => value !== null);
    const sum = inside.reduce((total, value) => total + value, 0);
    found.push(
      inside.length === 0
        ? null
        : {
            time: times[Math.floor((from + to - 1) / 2)],
            low: Math.min(...inside),
            mean: sum / inside.length,
            high: Math.max(...inside),
          },
    );
  }
  return found;
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

// A piece of a series as it is drawn.
function swatch(one) {
  const piece =
    one.kind === "bar"
      ? sv("rect", { class: "bar", x: 7, y: 0, width: 10, height: 10, rx: 1 })
      : sv("path", { class: `line ${one.kind || ""} ${one.dash || ""}`, d: "M0 5h24" });
  return sv("svg", { class: "swatch", width: 24, height: 10, "aria-hidden": "true" }, piece);
}

// A plot's figure: heading line with legend, then the drawing. A legend entry has a place for the
// value at the cursor.
function figure(host, name, label, series) {
  const entries = series.map((one) => {
    const value = el("span", { class: "value" });
    const item = el("span", { class: `entry k${one.color}` }, swatch(one), one.label, value);
    return { item, value };
  });
  const where = el("span", { class: "where" });
  const legend = el(
    "div",
    { class: entries.length > 4 ? "legend many" : "legend" },
    entries.map((entry) => entry.item),
    where,
  );
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
    svg.append(
      sv("text", {
        class: "tick",
        x: box.left - 8,
        y: y + 4,
        "text-anchor": "end",
        text: tickText(tick),
      }),
    );
  }
}

// Labels of an axis below; those that would touch their neighbour are left out.
function xAxis(svg, ticks, place, box, title) {
  let last = -Infinity;
  for (const { value, text } of ticks) {
    const x = place(value);
    const half = (text.length * SYMBOLS_WIDTH) / 2;
    const middle = Math.min(x, box.right + 14 - half);
    svg.append(sv("line", { class: "mark", x1: x, x2: x, y1: box.bottom, y2: box.bottom + 4 }));
    if (middle - half < last + 6) continue;
    last = middle + half;
    svg.append(
      sv("text", { class: "tick", x: middle, y: box.bottom + 17, "text-anchor": "middle", text }),
    );
  }
  svg.append(
    sv("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }),
  );
  svg.append(
    sv("text", {
      class: "title",
      x: (box.left + box.right) / 2,
      y: box.bottom + 35,
      "text-anchor": "middle",
      text: title,
    }),
  );
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
// spec: {name, label, times, extent, until, panels}; a panel: {title, height, log, whole, top,
// empty, series}; a series: {label, color, dash, kind: line, wide or bar, values, text(value)}; a
// value is null if there is none.
// The extent is where the time axis begins and ends, `until` when the last call was to start.
function timePlot(host, spec) {
  const series = spec.panels.flatMap((panel) => panel.series);
  const view = figure(host, spec.name, spec.label, series);
  const last = spec.times.length - 1;
  const long = spec.extent[1] >= LONG;
  const moment = (seconds) =>
    long ? clock(Math.floor(seconds)) : `${Math.floor(seconds)}${NBSP}s`;
  let place = null;
  let overlay = null;
  let drawn = [];
  const show = (at) => {
    view.where.textContent = at === null || at > last ? "" : `at ${moment(spec.times[at])}`;
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
    const left =
      14 +
      SYMBOLS_WIDTH *
        Math.max(
          6,
          ...spec.panels.flatMap((panel) =>
            panelScale(panel, { top: 0, bottom: panel.height }).ticks.map(
              (tick) => tickText(tick).length,
            ),
          ),
        );
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
    const ticks = timeTicks(
      from,
      to,
      Math.max(2, Math.floor((box.right - box.left) / (long ? 70 : 48))),
    );
    xAxis(
      svg,
      ticks.map((value) => ({ value, text: long ? clock(value) : number(value) })),
      place,
      box,
      long ? "time since the start (minutes:seconds)" : "time since the start (s)",
    );
    if (spec.until > 0 && spec.until < to - 1) drawEnd(svg, place(spec.until), drawn);
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
    svg.append(
      sv("line", { class: "grid", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }),
      sv("text", {
        class: "tick",
        x: (box.left + box.right) / 2,
        y: (box.top + box.bottom) / 2 + 4,
        "text-anchor": "middle",
        text: panel.empty,
      }),
    );
    return [];
  }
  yAxis(svg, ticks, y, box);
  const columns = Math.floor((box.right - box.left) / COLUMN);
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
  const left = box.right - x < 72;
  svg.append(
    sv("text", {
      class: "tick",
      x: left ? x - 6 : x + 6,
      y: box.top + 14,
      "text-anchor": left ? "end" : "start",
      text: "last start",
    }),
  );
}

// A line over time. Of a long run, the mean of each column of pixels in a band from its smallest
// to its largest value; of a short one, dots where a point stands alone.
function drawLine(svg, one, times, place, y, columns) {
  let points = one.values.map((value, position) =>
    value === null ? null : [place(times[position]), y(value)],
  );
  if (times.length > columns) {
    const dense = columnsOf(one.values, times, columns);
    points = dense.map((column) => column && [place(column.time), y(column.mean)]);
    const band = dense.map(
      (column) =>
        column &&
        `M${place(column.time).toFixed(1)} ${(y(column.low) + 0.5).toFixed(1)}` +
          `V${(y(column.high) - 0.5).toFixed(1)}`,
    );
    svg.append(
      sv("path", { class: `band k${one.color}`, d: band.filter(Boolean).join("") || "M0 0" }),
    );
  }
  svg.append(
    sv("path", {
      class: `line ${one.kind} ${one.dash} k${one.color}`,
      d: pathOf(points) || "M0 0",
    }),
  );
  points.forEach((point, position) => {
    if (point === null || points[position - 1] || points[position + 1]) return;
    svg.append(sv("circle", { class: `dot k${one.color}`, cx: point[0], cy: point[1], r: 3 }));
  });
}

// Bars over time; of a long run the largest value of each column of pixels.
function drawBars(svg, one, times, place, y, box) {
  const columns = Math.floor((box.right - box.left) / COLUMN);
  const dense =
    times.length > columns
      ? columnsOf(one.values, times, columns)
      : one.values.map((value, position) => ({ time: times[position], high: value }));
  const width = Math.max(1.5, Math.min(24, ((box.right - box.left) / dense.length) * 0.7));
  for (const column of dense) {
    if (column === null || !(column.high > 0)) continue;
    const top = Math.min(y(column.high), box.bottom - 2);
    const x = Math.max(box.left, Math.min(box.right - width, place(column.time) - width / 2));
    svg.append(
      sv("rect", {
        class: `bar k${one.color}`,
        x: x.toFixed(1),
        y: top.toFixed(1),
        width: width.toFixed(1),
        height: (box.bottom - top).toFixed(1),
      }),
    );
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
