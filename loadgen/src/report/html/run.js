// The page of one run: its head, its key figures, and the order of the cards.

function runPage(run, seed) {
  const marks = run.latency;
  return [
    runHead(run),
    tiles(run),
    timeCards(run, marks),
    el(
      "div",
      { class: "columns" },
      el("div", { class: "stack" }, spectrumCard(marks), failuresCard(run)),
      el("div", { class: "stack" }, codesCard(run), messagesCard(run)),
    ),
    lagCard(run),
    laddersCard(run),
    tracesCard(run),
    searchCard(run),
    allFigures(run, seed),
    el("footer", {
      text:
        `Measured by viaload ${run.viaload}, schema ${run.schema}. ` +
        "This page needs no network: all figures are in it.",
    }),
  ];
}

// Whether the figures may be believed, as a badge: by word and sign, not only by colour.
function badge(verdict) {
  const valid = verdict.valid
    ? el("span", { class: "badge good", text: "\u2713 valid" })
    : el("span", { class: "badge bad", text: "\u2715 INVALID" });
  const cut = verdict.interrupted
    ? el("span", { class: "badge cut", text: "\u25a0 interrupted" })
    : null;
  return el("span", { class: "badges" }, valid, cut);
}

// Why the run is not valid, or what else is to be known.
function reasons(verdict) {
  if (verdict.reasons.length === 0) return null;
  const head = verdict.valid
    ? "To be known"
    : "The generator did not keep its schedule; do not quote these figures:";
  return el(
    "div",
    { class: verdict.valid ? "remark" : "alert" },
    el("strong", { text: head }),
    el(
      "ul",
      null,
      verdict.reasons.map((reason) => el("li", { text: reason })),
    ),
  );
}

function runHead(run) {
  const machine = [
    run.machine.cpu,
    plural(run.machine.cores, "core"),
    run.machine.kernel && `Linux ${run.machine.kernel}`,
  ];
  const pairs = [
    ["Target", run.run.target],
    ["Load", run.run.load],
    ["Machine", machine.filter(Boolean).join(", ")],
    ["Date", date(run.started_at)],
  ];
  return el(
    "header",
    null,
    el("div", { class: "over" }, el("span", { text: "viaload report" }), badge(run.verdict)),
    el("h1", { text: run.run.scenario || "run" }),
    el(
      "dl",
      null,
      pairs.map(([name, value]) =>
        el("div", null, el("dt", { text: name }), el("dd", { text: value || NONE })),
      ),
    ),
    reasons(run.verdict),
    el("p", { class: "lead", text: sentence(run) }),
  );
}

// The result in one sentence.
function sentence(run) {
  const unit = run.run.unit || "calls";
  if (!(run.calls.started > 0)) return `No ${unit} were started.`;
  const main = run.latency[0];
  const { failed: lost, started } = run.calls;
  const failed =
    lost > 0
      ? `${number(lost)} of ${number(started)} failed (${share(lost, started)})`
      : `none of ${number(started)} failed`;
  const half =
    main && main.count > 0
      ? ` Half reached \u201c${main.mark}\u201d within ${span(main.p50_us)}, ` +
        `99 % within ${span(main.p99_us)}.`
      : "";
  const { completed, offered } = run.rates;
  return (
    `${rate(completed)} ${unit} a second were completed of ${rate(offered)} offered; ` +
    `${failed}.${half}`
  );
}

// A key figure.
function tile(name, value, unit, below, warn) {
  return el(
    "div",
    { class: warn ? "tile warn" : "tile" },
    el("div", { class: "what", text: name }),
    el("div", { class: "big" }, value, el("small", { text: unit })),
    el("div", { class: "below", text: below }),
  );
}

function tiles(run) {
  const { rates, calls, lag } = run;
  const unit = run.run.unit || "calls";
  const main = run.latency[0] || { count: 0, mark: "" };
  const none = !(main.count > 0);
  const failed = calls.failed > 0;
  return el(
    "section",
    { class: "tiles", "aria-label": "Key figures" },
    tile("Offered / s", rate(rates.offered), "", `${number(calls.offered)} ${unit}`),
    tile(
      "Achieved / s",
      rate(rates.achieved),
      "",
      rates.offered > 0 ? `${share(rates.achieved, rates.offered)} of offered` : "",
    ),
    tile("Completed / s", rate(rates.completed), "", `${number(calls.completed)} ${unit}`),
    tile(
      `Failed ${unit}`,
      number(calls.failed),
      "",
      calls.started > 0
        ? `${failed ? "\u2715 " : "\u2713 "}${share(calls.failed, calls.started)} of all`
        : "none started",
      failed,
    ),
    tile("Median", none ? NONE : millis(main.p50_us), none ? "" : "ms", `${main.mark} p50`),
    tile(
      "99th percentile",
      none ? NONE : millis(main.p99_us),
      none ? "" : "ms",
      `${main.mark} p99`,
    ),
    tile(
      "Generator\u2019s lag",
      lag.count > 0 ? millis(lag.p99_us) : NONE,
      lag.count > 0 ? "ms" : "",
      "p99, behind plan",
    ),
  );
}

function spectrumCard(marks) {
  const dashes = ["solid", "dashed", "dotted", "dashdot"];
  const host = el("div");
  spectrumPlot(
    host,
    "Percentile spectrum of latency",
    marks.map((one, position) => ({
      label: one.mark,
      color: (position % 8) + 1,
      dash: dashes[position % 4],
      points: spectrumOf(one),
    })),
  );
  return card(
    "Percentile spectrum",
    "How long the slowest tenth, hundredth, thousandth took.",
    host,
  );
}

function codesCard(run) {
  const host = el("div");
  codesPlot(host, run.codes);
  return card("Status codes", "Responses that the callers received, repetitions left out.", host);
}

function laddersCard(run) {
  if (run.ladders.length === 0) return null;
  const hosts = run.ladders.map((ladder) => {
    const host = el("div");
    ladderPlot(host, ladder);
    return el("div", { class: "program" }, el("h3", { text: ladder.program }), host);
  });
  return card(
    "The scenario",
    "Each message with its mean time since the start, and what that added to the one before.",
    el("div", { class: "programs" }, hosts),
  );
}

function tracesCard(run) {
  if (run.traces.length === 0) return null;
  const callees = new Set(run.ladders.filter((one) => !one.caller).map((one) => one.program));
  return card(
    "Calls kept",
    "Open a call, then an arrow: it holds the message as it was on the wire.",
    run.traces.map((trace, position) =>
      traceBox(trace, !callees.has(trace.program), position === 0),
    ),
  );
}
