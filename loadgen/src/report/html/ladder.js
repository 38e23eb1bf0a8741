// Ladders: who sends what when; with mean times of a whole run, or of one call with its messages.

const HEAD = 44; // above the first arrow
const RUNG = 46; // from arrow to arrow

// Who stands left and right: a call reads from left to right through the server.
function sides(caller) {
  return caller ? ["caller", "server"] : ["server", "callee"];
}

// Whether an arrow points to the right.
function pointsRight(direction, caller) {
  return (direction === "sent") === caller;
}

// Draws a program's messages with their mean times and what each added.
function ladderPlot(host, ladder) {
  const label = `Messages of ${ladder.program} with their mean times`;
  const svg = sv("svg", { "data-plot": "ladder", role: "img", "aria-label": label });
  host.append(el("figure", { class: "plot ladder" }, svg));
  const most = Math.max(0, ...ladder.arrows.map((arrow) => arrow.count));
  painted(host, (width) => {
    const height = HEAD + ladder.arrows.length * RUNG + 12;
    cleared(svg, label, width, height);
    const gutter = Math.min(96, width * 0.25);
    const lane = { left: gutter + 10, right: width - gutter - 10, own: 0 };
    lane.own = ladder.caller ? lane.left : lane.right;
    for (const [x, name] of [lane.left, lane.right].map((x, side) => [
      x,
      sides(ladder.caller)[side],
    ])) {
      svg.append(
        sv("line", { class: "lifeline", x1: x, x2: x, y1: 24, y2: height }),
        sv("rect", { class: "party", x: x - 36, y: 1, width: 72, height: 24, rx: 5 }),
        sv("text", { class: "name", x, y: 17, "text-anchor": "middle", text: name }),
      );
    }
    svg.append(
      sv("text", { class: "tick", x: 0, y: 17, text: "mean" }),
      sv("text", { class: "tick", x: width, y: 17, "text-anchor": "end", text: "added" }),
    );
    let before = null;
    ladder.arrows.forEach((arrow, position) => {
      const y = HEAD + position * RUNG + 18;
      drawRung(svg, ladder, arrow, lane, y, most);
      const none = arrow.mean_us === null || arrow.mean_us === undefined;
      svg.append(
        sv("text", {
          class: "name figure",
          x: 0,
          y: y + 4,
          text: none ? "never" : span(arrow.mean_us),
        }),
      );
      if (!none && before !== null) {
        svg.append(
          sv("text", {
            class: "tick",
            x: width,
            y: y + 4,
            "text-anchor": "end",
            text: difference(arrow.mean_us - before),
          }),
        );
      }
      if (!none) before = arrow.mean_us;
    });
  });
}

// A time later or earlier, with its sign.
function difference(us) {
  return (us < 0 ? "\u2212" : "+") + span(Math.abs(us));
}

// An arrow or a pause, with its label above and, if it is not the most frequent, its count below.
function drawRung(svg, ladder, arrow, lane, y, most) {
  const middle = (lane.left + lane.right) / 2;
  const fits = Math.max(4, Math.floor((lane.right - lane.left - 16) / 7.5));
  const text = arrow.label.length > fits ? arrow.label.slice(0, fits - 1) + "\u2026" : arrow.label;
  const never = arrow.count === 0 ? "never" : "";
  if (arrow.direction === "pause") {
    const width = Math.min(lane.right - lane.left - 16, text.length * 8 + 20);
    const inward = ladder.caller ? 8 : -8 - width;
    svg.append(
      sv("rect", { class: "pause", x: lane.own + inward, y: y - 13, width, height: 26, rx: 13 }),
      sv("path", { class: "rung k7", d: `M${lane.own} ${y}h${ladder.caller ? 8 : -8}` }),
      sv("text", {
        class: "name",
        x: lane.own + inward + width / 2,
        y: y + 4,
        "text-anchor": "middle",
        text,
      }),
    );
    return;
  }
  const right = pointsRight(arrow.direction, ladder.caller);
  const [from, to, back] = right ? [lane.left, lane.right, -9] : [lane.right, lane.left, 9];
  const color = `k${labelColor(arrow.label)}`;
  svg.append(
    sv("path", { class: `rung ${color} ${never}`, d: `M${from} ${y}H${to + back}` }),
    sv("path", { class: `head ${color}`, d: `M${to} ${y}l${back} -5v10z` }),
    sv(
      "text",
      { class: "name strong", x: middle, y: y - 7, "text-anchor": "middle", text },
      text === arrow.label ? null : sv("title", { text: arrow.label }),
    ),
  );
  if (arrow.count < most) {
    svg.append(
      sv("text", {
        class: "tick",
        x: middle,
        y: y + 15,
        "text-anchor": "middle",
        text: `${number(arrow.count)} of ${number(most)}`,
      }),
    );
  }
}

const KEPT = { first: "first", slowest: "slowest", failed: "failed" };

// A kept call: closed it is a line, open it is a ladder whose arrows open the messages.
function traceBox(trace, caller, open) {
  const bad = trace.outcome !== "completed";
  const rungs = [];
  let before = null;
  for (const line of trace.messages) {
    rungs.push(traceRung(line, caller, before));
    before = line.at_us;
  }
  return el(
    "details",
    { class: "trace", open: open ? "" : null },
    el(
      "summary",
      null,
      el("span", { class: "kept", text: KEPT[trace.kept] || trace.kept }),
      el("span", {
        class: `outcome ${bad ? "bad" : ""}`,
        text: `${bad ? "\u2715" : "\u2713"} ${trace.outcome}`,
      }),
      el("span", { class: "took", text: span(trace.duration_us) }),
      el("span", { class: "id", text: trace.call_id }),
    ),
    el(
      "div",
      { class: "parties" },
      el("span"),
      sides(caller).map((name) => el("span", { text: name })),
      el("span"),
    ),
    rungs.length > 0 ? rungs : el("p", { class: "nothing", text: "It has no messages." }),
  );
}

// A message of a kept call.
function traceRung(line, caller, before) {
  const right = pointsRight(line.direction, caller);
  const look = [
    `k${labelColor(line.label)}`,
    right ? "right" : "left",
    line.repeated ? "again" : "",
  ];
  const what = `${line.label}${line.repeated ? " (again)" : ""}`;
  return el(
    "details",
    { class: "rung" },
    el(
      "summary",
      null,
      el("span", { class: "time", text: span(line.at_us) }),
      el(
        "span",
        {
          class: `lane ${look.join(" ")}`,
        },
        el("span", { class: "label", text: what }),
        el("span", { class: "shaft" }),
        el("span", { class: "hidden", text: `, ${line.direction}` }),
      ),
      el("span", { class: "delta", text: before === null ? "" : difference(line.at_us - before) }),
    ),
    el("pre", { tabindex: "0", text: line.text }),
  );
}
