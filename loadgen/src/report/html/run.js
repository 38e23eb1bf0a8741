// The page of one run.

const MARK_LINES = [["p50", 1, "solid"], ["p90", 3, "dashed"], ["p99", 2, "solid"], ["max", 7, "dotted"]];

function runPage(run, seed) {
  const marks = run.latency;
  return [
    runHead(run),
    tiles(run),
    timeCards(run, marks),
    el("div", { class: "columns" },
      el("div", { class: "stack" }, spectrumCard(marks), failuresCard(run)),
      el("div", { class: "stack" }, codesCard(run), messagesCard(run))),
    lagCard(run),
    laddersCard(run),
    tracesCard(run),
    searchCard(run),
    allFigures(run, seed),
    el("footer", { text: `Measured by viaload ${run.viaload}, schema ${run.schema}. `
      + "This page needs no network: all figures are in it." }),
  ];
}

// Whether the figures may be believed, as a badge: by word and sign, not only by colour.
function badge(verdict) {
  const valid = verdict.valid
    ? el("span", { class: "badge good", text: "\u2713 valid" })
    : el("span", { class: "badge bad", text: "\u2715 INVALID" });
  const cut = verdict.interrupted ? el("span", { class: "badge cut", text: "\u25a0 interrupted" }) : null;
  return el("span", { class: "badges" }, valid, cut);
}

// Why the run is not valid, or what else is to be known.
function reasons(verdict) {
  if (verdict.reasons.length === 0) return null;
  const head = verdict.valid ? "To be known" : "The generator did not keep its schedule; do not quote these figures:";
  return el("div", { class: verdict.valid ? "remark" : "alert" },
    el("strong", { text: head }),
    el("ul", null, verdict.reasons.map((reason) => el("li", { text: reason }))));
}

function runHead(run) {
  const machine = [run.machine.cpu, plural(run.machine.cores, "core"), run.machine.kernel && `Linux ${run.machine.kernel}`];
  const pairs = [["Target", run.run.target], ["Load", run.run.load],
    ["Machine", machine.filter(Boolean).join(", ")], ["Date", date(run.started_at)]];
  return el("header", null,
    el("div", { class: "over" }, el("span", { text: "viaload report" }), badge(run.verdict)),
    el("h1", { text: run.run.scenario || "run" }),
    el("dl", null, pairs.map(([name, value]) =>
      el("div", null, el("dt", { text: name }), el("dd", { text: value || NONE })))),
    reasons(run.verdict),
    el("p", { class: "lead", text: sentence(run) }));
}

// The result in one sentence.
function sentence(run) {
  const unit = run.run.unit || "calls";
  if (!(run.calls.started > 0)) return `No ${unit} were started.`;
  const main = run.latency[0];
  const failed = run.calls.failed > 0
    ? `${number(run.calls.failed)} of ${number(run.calls.started)} failed (${share(run.calls.failed, run.calls.started)})`
    : `none of ${number(run.calls.started)} failed`;
  const half = main && main.count > 0
    ? ` Half reached \u201c${main.mark}\u201d within ${span(main.p50_us)}, 99 % within ${span(main.p99_us)}.` : "";
  return `${rate(run.rates.completed)} ${unit} a second were completed of ${rate(run.rates.offered)} offered; ${failed}.${half}`;
}

// A key figure.
function tile(name, value, unit, below, warn) {
  return el("div", { class: warn ? "tile warn" : "tile" },
    el("div", { class: "what", text: name }),
    el("div", { class: "big" }, value, el("small", { text: unit })),
    el("div", { class: "below", text: below }));
}

function tiles(run) {
  const { rates, calls, lag } = run;
  const unit = run.run.unit || "calls";
  const main = run.latency[0] || { count: 0, mark: "" };
  const none = !(main.count > 0);
  const failed = calls.failed > 0;
  return el("section", { class: "tiles", "aria-label": "Key figures" },
    tile("Offered per second", rate(rates.offered), "", `${number(calls.offered)} ${unit}`),
    tile("Achieved per second", rate(rates.achieved), "", `${share(rates.achieved, rates.offered)} of offered`),
    tile("Completed per second", rate(rates.completed), "", `${number(calls.completed)} ${unit}`),
    tile(`Failed ${unit}`, number(calls.failed), "", `${failed ? "\u2715 " : "\u2713 "}${share(calls.failed, calls.started)} of all`, failed),
    tile("Median", none ? NONE : millis(main.p50_us), none ? "" : "ms", `${main.mark}, p50`),
    tile("99th percentile", none ? NONE : millis(main.p99_us), none ? "" : "ms", `${main.mark}, p99`),
    tile("Generator\u2019s lag", lag.count > 0 ? millis(lag.p99_us) : NONE, lag.count > 0 ? "ms" : "", "p99, behind plan"));
}

// When the points of the series are: in the middle of their seconds.
function timesOf(series) {
  return series.map((point) => point.at + point.seconds / 2);
}

// Where the time axis of a series begins and ends.
function extentOf(series) {
  const last = series[series.length - 1];
  return [Math.min(0, series[0].at), Math.max(last.at + last.seconds, series[0].at + 1)];
}

// Counts as rates.
function perSecond(series, pick) {
  return series.map((point) => (point.seconds > 0 ? pick(point) / point.seconds : null));
}

function timeCards(run, marks) {
  const series = run.series;
  if (series.length === 0) {
    return card("Over time", null, el("p", { class: "nothing", text: "The report has no figures over time." }));
  }
  const unit = run.run.unit || "calls";
  const base = { times: timesOf(series), extent: extentOf(series), until: run.run.seconds };
  const line = (label, color, dash, kind, pick) =>
    ({ label, color, dash, kind, values: perSecond(series, pick), text: (value) => `${rate(value)}/s` });
  const rates = el("div");
  timePlot(rates, { ...base, name: "rates", label: `Rates over time: ${unit} offered, started, completed and failed per second`,
    panels: [
      { title: `${unit} per second`, height: 210, series: [
        line("offered", 7, "solid", "wide", (point) => point.offered),
        line("started", 1, "solid", "line", (point) => point.started),
        line("completed", 2, "dashed", "line", (point) => point.completed)] },
      { title: "failed per second", height: 56, whole: true, empty: "no failures", series: [
        line("failed", 6, "block", "bar", (point) => point.failed)] }] });
  const flight = el("div");
  timePlot(flight, { ...base, name: "in-flight", label: `${unit} in flight over time`, panels: [
    { title: `${unit} in flight`, height: 110, whole: true, series: [{ label: "in flight", color: 1, dash: "solid",
      kind: "line", values: series.map((point) => point.in_flight), text: (value) => number(value) }] }] });
  return [card("Rates", "Point at a plot, or use the arrow keys on it: all plots over time show the values of that second.",
    rates, flight), marks.length > 0 ? latencyCard(series, marks, base) : null];
}

// Latency over time of the mark that is chosen.
function latencyCard(series, marks, base) {
  const place = el("div");
  const draw = (mark) => {
    const host = el("div");
    place.replaceChildren(host);
    timePlot(host, { ...base, name: "latency", label: `Latency percentiles over time, ${marks[mark].mark}`, panels: [
      { title: "latency (ms, log scale)", height: 240, log: true, empty: "nothing was measured",
        series: MARK_LINES.map(([label, color, dash], position) => ({ label, color, dash, kind: "line",
          values: series.map((point) => (point.latency[mark] || [])[position] / 1000 || null),
          text: (value) => span(value * 1000) })) }] });
    paintAll();
  };
  draw(0);
  return card("Latency over time",
    "From the moment a call was meant to start: a server that stalls shows here in full.",
    marks.length > 1 ? choice("Mark", marks.map((one) => one.mark), draw) : null, place);
}

function spectrumCard(marks) {
  const dashes = ["solid", "dashed", "dotted", "dashdot"];
  const host = el("div");
  spectrumPlot(host, "Percentile spectrum of latency", marks.map((one, position) =>
    ({ label: one.mark, color: (position % 8) + 1, dash: dashes[position % 4], points: spectrumOf(one) })));
  return card("Percentile spectrum", "How long the slowest tenth, hundredth, thousandth took.", host);
}

function codesCard(run) {
  const host = el("div");
  codesPlot(host, run.codes);
  return card("Status codes", "Responses that the callers received, repetitions left out.", host);
}

function failuresCard(run) {
  const rows = [...run.calls.failures.map((one) => ({ side: "caller", ...one })),
    ...run.calls.callee_failures.map((one) => ({ side: "callee", ...one }))];
  if (rows.length === 0) {
    return card("Failures", null, el("p", { class: "nothing", text: "\u2713 Nothing failed." }));
  }
  return card("Failures by reason", null, table("Failures by reason", [
    { head: "Reason", text: true, cell: (row) => row.reason },
    { head: "Side", text: true, cell: (row) => row.side },
    { head: "Count", cell: (row) => number(row.count) },
    { head: "Of all", cell: (row) => share(row.count, row.side === "caller" ? run.calls.started : run.calls.answered) },
  ], rows, true));
}

function messageRows(messages) {
  const size = (bytes) => `${number(bytes / 1e6, 1)}${NBSP}MB`;
  const total = messages.sent;
  return [
    ["Sent", number(messages.sent), size(messages.sent_bytes)],
    ["Received", number(messages.received), size(messages.received_bytes)],
    ["Requests sent again", number(messages.requests_repeated), share(messages.requests_repeated, total)],
    ["Responses sent again", number(messages.responses_repeated), share(messages.responses_repeated, total)],
    ["Received again", number(messages.repetitions_received), share(messages.repetitions_received, messages.received)],
    ["Unexpected", number(messages.unexpected), ""],
    ["Of no known call", number(messages.stray), ""],
    ["Not SIP", number(messages.unreadable), ""],
    ["Dropped: receive buffer full", number(messages.overrun), ""],
    ["Refused on sending", number(messages.refused), ""],
    ["Waits: send buffer full", number(messages.send_buffer_full), ""],
  ];
}

function messagesCard(run) {
  return card("Messages and retransmissions", null, table("Messages and retransmissions", [
    { head: "Kind", text: true, cell: (row) => row[0] },
    { head: "Count", cell: (row) => row[1] },
    { head: "Amount", cell: (row) => row[2] },
  ], messageRows(run.messages), true));
}

function lagCard(run) {
  const note = "What the generator itself added. If it lags or a worker is busy all the time, the figures above are its own.";
  const test = run.self_test;
  const ceiling = test ? el("p", { class: "remark", text: `Ceiling of this machine without a server between: `
    + `${rate(test.rate)} calls/s (${number(test.messages)} messages/s, scenario ${test.scenario}, `
    + `${plural(test.threads, "worker")}, ${date(test.measured_at)}). This run completed ${share(run.rates.completed, test.rate)} of that.` }) : null;
  if (run.series.length === 0) return card("The generator itself", note, ceiling);
  const host = el("div");
  const series = run.series;
  timePlot(host, { times: timesOf(series), extent: extentOf(series), until: run.run.seconds, name: "lag",
    label: "The generator\u2019s own lag and its busiest worker over time", panels: [
      { title: "lag, p99 (ms)", height: 90, series: [{ label: "lag", color: 4, dash: "solid", kind: "line",
        values: series.map((point) => (point.started > 0 ? point.lag_p99_us / 1000 : null)), text: (value) => span(value * 1000) }] },
      { title: "busiest worker (%)", height: 90, top: 100, series: [{ label: "busiest worker", color: 3, dash: "dashed",
        kind: "line", values: series.map((point) => 100 * point.busiest), text: (value) => `${number(value, 1)}${NBSP}%` }] }] });
  return card("The generator itself", note, ceiling, host);
}

function laddersCard(run) {
  if (run.ladders.length === 0) return null;
  const hosts = run.ladders.map((ladder) => {
    const host = el("div");
    ladderPlot(host, ladder);
    return el("div", { class: "program" }, el("h3", { text: ladder.program }), host);
  });
  return card("The scenario", "Each message with its mean time since the start, and what that added to the one before.",
    el("div", { class: "programs" }, hosts));
}

function tracesCard(run) {
  if (run.traces.length === 0) return null;
  const callees = new Set(run.ladders.filter((one) => !one.caller).map((one) => one.program));
  return card("Calls kept", "Open a call, then an arrow: it holds the message as it was on the wire.",
    run.traces.map((trace, position) => traceBox(trace, !callees.has(trace.program), position === 0)));
}

function searchCard(run) {
  if (run.search.length === 0) return null;
  return card("Search for the highest rate", null, table("Steps of the search", [
    { head: "Rate", cell: (step) => `${rate(step.rate)}/s` },
    { head: "Result", text: true, cell: (step) => (step.passed ? "\u2713 carried" : "\u2715 not carried") },
    { head: "Loss", cell: (step) => share(step.loss, 1) },
    { head: "p99", cell: (step) => span(step.p99_us) },
    { head: "Generator", text: true, cell: (step) => (step.valid ? "valid" : "INVALID") },
    { head: "Note", text: true, cell: (step) => step.note },
  ], run.search, true));
}

const SUMMARY = [["Mean", "mean_us"], ["Min", "min_us"], ["p50", "p50_us"], ["p90", "p90_us"], ["p95", "p95_us"],
  ["p99", "p99_us"], ["p99.9", "p99_9_us"], ["p99.99", "p99_99_us"], ["Max", "max_us"]];

// All figures as tables, for readers and printers to whom the plots say nothing.
function allFigures(run, seed) {
  const { calls, rates } = run;
  return card("All figures", null,
    table("Latency from the intended start, and the generator\u2019s lag (ms)", [
      { head: "Mark", text: true, cell: (one) => one.mark },
      { head: "Count", cell: (one) => number(one.count) },
      ...SUMMARY.map(([head, name]) => ({ head, cell: (one) => (one.count > 0 ? millis(one[name]) : NONE) })),
    ], [...run.latency, { ...run.lag, mark: run.lag.mark || "lag" }]),
    el("div", { class: "columns" },
      facts("Calls", [["Offered", number(calls.offered)], ["Started", number(calls.started)],
        ["Completed", number(calls.completed)], ["Failed", number(calls.failed)],
        ["Cut short", number(calls.cut_short)], ["Most in flight", number(calls.peak_in_flight)],
        ["Answered by callees", number(calls.answered)], ["Offered per second", rate(rates.offered)],
        ["Achieved per second", rate(rates.achieved)], ["Completed per second", rate(rates.completed)]]),
      facts("The run", [["Length", `${number(run.run.seconds, 1)}${NBSP}s`], ["Workers", number(run.run.threads)],
        ["Source ports", number(run.run.source_ports)], ["Users", number(run.run.users)],
        ["Hold time", `${number(run.run.hold_ms)}${NBSP}ms`], ["Seed", seed], ["Processor", run.machine.cpu || NONE],
        ["Cores", number(run.machine.cores)], ["Kernel", run.machine.kernel || NONE], ["Begin", date(run.started_at)]])),
    run.codes.length > 0 ? table("Responses by status code", [
      { head: "Code", text: true, cell: (one) => codeName(one.code) },
      { head: "Count", cell: (one) => number(one.count) }], run.codes) : null,
    run.ladders.map((ladder) => table(`Messages of ${ladder.program}`, [
      { head: "Message", text: true, cell: (arrow) => arrow.label },
      { head: "Direction", text: true, cell: (arrow) => arrow.direction },
      { head: "Count", cell: (arrow) => number(arrow.count) },
      { head: "Mean since the start (ms)", cell: (arrow) => millis(arrow.mean_us) }], ladder.arrows)),
    run.series.length > 0 ? seriesBox(run) : null);
}

// The seconds as a table. An hour of eight marks is 150,000 cells: it is made when it is opened.
function seriesBox(run) {
  const count = (head, name) => ({ head, cell: (point) => number(point[name]) });
  const columns = [{ head: "At (s)", cell: (point) => number(point.at, 1) },
    { head: "Length (s)", cell: (point) => number(point.seconds, 2) },
    count("Offered", "offered"), count("Started", "started"), count("Completed", "completed"),
    count("Failed", "failed"), count("In flight", "in_flight"), count("Sent", "sent"),
    count("Received", "received"), count("Sent again", "repeated"),
    { head: "Lag p99 (ms)", cell: (point) => millis(point.lag_p99_us) },
    { head: "Busiest (%)", cell: (point) => number(100 * point.busiest, 1) },
    ...run.latency.flatMap((one, mark) => MARK_LINES.map(([name], position) => ({ head: `${one.mark} ${name} (ms)`,
      cell: (point) => ((point.latency[mark] || [])[position] > 0 ? millis(point.latency[mark][position]) : NONE) }))),
    { head: "Responses", text: true,
      cell: (point) => point.codes.map((one) => `${one.code}: ${number(one.count)}`).join(", ") }];
  const box = el("details", { class: "series", ontoggle: () => {
    if (box.open && box.children.length === 1) box.append(table("Second by second", columns, run.series));
  } }, el("summary", { text: `Second by second (${plural(run.series.length, "row")})` }));
  return box;
}
