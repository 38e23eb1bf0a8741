// The percentile spectrum: how long the slowest tenth, hundredth, thousandth took.

// Where a percentile stands: each nine further is as wide as the one before.
function nines(percent) {
  return -Math.log10(Math.max(1e-9, 1 - percent / 100));
}

// The points of a summary's spectrum, or those of its few percentiles; the largest value ends it
// where a single one among so many stands.
function spectrumOf(summary) {
  if (!(summary.count > 0)) return [];
  const few = [
    [0, "min_us"],
    [50, "p50_us"],
    [90, "p90_us"],
    [95, "p95_us"],
    [99, "p99_us"],
    [99.9, "p99_9_us"],
    [99.99, "p99_99_us"],
    [100, "max_us"],
  ];
  const given =
    summary.spectrum && summary.spectrum.length > 1
      ? summary.spectrum
      : few.map(([percent, name]) => ({ percent, us: summary[name] }));
  const end = Math.log10(Math.max(2, summary.count));
  return given
    .filter((point) => point.us > 0)
    .map((point) => ({ x: Math.min(end, nines(point.percent)), us: point.us }));
}

// The value at a place of a spectrum: that of the first point not before it.
function valueAt(points, x) {
  const found = points.find((point) => point.x >= x - 1e-9);
  return found ? found.us : null;
}

// A place as a percentile: 99.95 %.
function percentText(x) {
  const decimals = Math.max(0, Math.min(6, Math.ceil(x)));
  return number(100 * (1 - 10 ** -x), decimals) + NBSP + "%";
}

// Draws spectra over each other. Lines: {label, color, dash, points}.
function spectrumPlot(host, label, lines) {
  const shown = lines.filter((line) => line.points.length > 0);
  if (shown.length === 0) {
    host.append(el("p", { class: "nothing", text: "Nothing was measured." }));
    return;
  }
  const view = figure(host, "spectrum", label, shown);
  const end = Math.max(1.2, ...shown.map((line) => line.points[line.points.length - 1].x));
  const [low, high] = extremes(shown.map((line) => line.points.map((point) => point.us / 1000)));
  const ticks = logTicks(low, high);
  let place = null;
  let box = null;
  let y = null;
  const overlay = sv("g", null);
  painted(host, (width) => {
    const left = 14 + SYMBOLS_WIDTH * Math.max(6, ...ticks.map((tick) => tickText(tick).length));
    box = { left, right: width - 18, top: 30, bottom: 290 };
    const svg = cleared(view.svg, label, width, 336);
    place = scale(0, end, box.left, box.right);
    y = scale(ticks[0], ticks[ticks.length - 1], box.bottom, box.top, true);
    svg.append(sv("text", { class: "title", x: 2, y: 18, text: "latency (ms, log scale)" }));
    yAxis(svg, ticks, y, box);
    const marks = [0, 50, 90, 99, 99.9, 99.99, 99.999, 99.9999, 99.99999];
    const inside = marks.filter((percent) => nines(percent) <= end + 1e-9);
    for (const percent of inside) {
      const x = place(nines(percent));
      svg.append(sv("line", { class: "grid", x1: x, x2: x, y1: box.top, y2: box.bottom }));
    }
    for (const line of shown) {
      svg.append(
        sv("path", {
          class: `line ${line.dash || ""} k${line.color}`,
          d: pathOf(line.points.map((point) => [place(point.x), y(point.us / 1000)])),
        }),
      );
    }
    xAxis(
      svg,
      inside.map((percent) => ({ value: nines(percent), text: String(percent) })),
      place,
      box,
      "percentile (%)",
    );
    svg.append(overlay);
  });
  const show = (x) => {
    overlay.replaceChildren();
    view.where.textContent = x === null ? "" : `${percentText(x)} take no longer`;
    shown.forEach((line, position) => {
      const us = x === null ? null : valueAt(line.points, x);
      view.values[position].textContent = x === null ? "" : span(us);
      if (us === null) return;
      overlay.append(
        sv("circle", { class: `dot k${line.color}`, cx: place(x), cy: y(us / 1000), r: 3.5 }),
      );
    });
    if (x === null) return;
    overlay.prepend(
      sv("line", { class: "cursor", x1: place(x), x2: place(x), y1: box.top, y2: box.bottom }),
    );
  };
  let at = null;
  const move = (x) => {
    at = x;
    show(x);
  };
  view.svg.addEventListener("pointermove", (event) => {
    const frame = view.svg.getBoundingClientRect();
    const x = ((event.clientX - frame.left) / frame.width) * view.svg.viewBox.baseVal.width;
    move(Math.max(0, Math.min(end, ((x - box.left) / (box.right - box.left)) * end)));
  });
  view.svg.addEventListener("pointerleave", () => move(null));
  view.svg.addEventListener("blur", () => move(null));
  view.svg.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 0.1, ArrowLeft: -0.1 }[event.key];
    if (!step) return;
    event.preventDefault();
    move(Math.max(0, Math.min(end, (at === null ? 0 : at) + step)));
  });
}
