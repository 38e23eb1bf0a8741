// The cards that are tables.

function failuresCard(run) {
  const rows = [
    ...run.calls.failures.map((one) => ({ side: "caller", ...one })),
    ...run.calls.callee_failures.map((one) => ({ side: "callee", ...one })),
  ];
  if (rows.length === 0) {
    return card("Failures", null, el("p", { class: "nothing", text: "\u2713 Nothing failed." }));
  }
  return card(
    "Failures by reason",
    null,
    table(
      "Failures by reason",
      [
        { head: "Reason", text: true, cell: (row) => row.reason },
        { head: "Side", text: true, cell: (row) => row.side },
        { head: "Count", cell: (row) => number(row.count) },
        {
          head: "Of all",
          cell: (row) =>
            share(row.count, row.side === "caller" ? run.calls.started : run.calls.answered),
        },
      ],
      rows,
      true,
    ),
  );
}

function messageRows(messages) {
  const size = (bytes) => `${number(bytes / 1e6, 1)}${NBSP}MB`;
  const total = messages.sent;
  return [
    ["Sent", number(messages.sent), size(messages.sent_bytes)],
    ["Received", number(messages.received), size(messages.received_bytes)],
    [
      "Requests sent again",
      number(messages.requests_repeated),
      share(messages.requests_repeated, total),
    ],
    [
      "Responses sent again",
      number(messages.responses_repeated),
      share(messages.responses_repeated, total),
    ],
    [
      "Received again",
      number(messages.repetitions_received),
      share(messages.repetitions_received, messages.received),
    ],
    ["Unexpected", number(messages.unexpected), ""],
    ["Of no known call", number(messages.stray), ""],
    ["Not SIP", number(messages.unreadable), ""],
    ["Dropped: receive buffer full", number(messages.overrun), ""],
    ["Refused on sending", number(messages.refused), ""],
    ["Waits: send buffer full", number(messages.send_buffer_full), ""],
  ];
}

function messagesCard(run) {
  return card(
    "Messages and retransmissions",
    null,
    table(
      "Messages and retransmissions",
      [
        { head: "Kind", text: true, cell: (row) => row[0] },
        { head: "Count", cell: (row) => row[1] },
        { head: "Amount", cell: (row) => row[2] },
      ],
      messageRows(run.messages),
      true,
    ),
  );
}

function searchCard(run) {
  if (run.search.length === 0) return null;
  return card(
    "Search for the highest rate",
    null,
    table(
      "Steps of the search",
      [
        { head: "Rate", cell: (step) => `${rate(step.rate)}/s` },
        {
          head: "Result",
          text: true,
          cell: (step) => (step.passed ? "\u2713 carried" : "\u2715 not carried"),
        },
        { head: "Loss", cell: (step) => share(step.loss, 1) },
        { head: "p99", cell: (step) => span(step.p99_us) },
        { head: "Generator", text: true, cell: (step) => (step.valid ? "valid" : "INVALID") },
        { head: "Note", text: true, cell: (step) => step.note },
      ],
      run.search,
      true,
    ),
  );
}

const SUMMARY = [
  ["Mean", "mean_us"],
  ["Min", "min_us"],
  ["p50", "p50_us"],
  ["p90", "p90_us"],
  ["p95", "p95_us"],
  ["p99", "p99_us"],
  ["p99.9", "p99_9_us"],
  ["p99.99", "p99_99_us"],
  ["Max", "max_us"],
];

// All figures as tables, for readers and printers to whom the plots say nothing.
function allFigures(run, seed) {
  const { calls, rates } = run;
  return card(
    "All figures",
    null,
    table(
      "Latency from the intended start, and the generator\u2019s lag (ms)",
      [
        { head: "Mark", text: true, cell: (one) => one.mark },
        { head: "Count", cell: (one) => number(one.count) },
        ...SUMMARY.map(([head, name]) => ({
          head,
          cell: (one) => (one.count > 0 ? millis(one[name]) : NONE),
        })),
      ],
      [...run.latency, { ...run.lag, mark: run.lag.mark || "lag" }],
    ),
    el(
      "div",
      { class: "columns" },
      facts("Calls", [
        ["Offered", number(calls.offered)],
        ["Started", number(calls.started)],
        ["Completed", number(calls.completed)],
        ["Failed", number(calls.failed)],
        ["Cut short", number(calls.cut_short)],
        ["Most in flight", number(calls.peak_in_flight)],
        ["Answered by callees", number(calls.answered)],
        ["Offered per second", rate(rates.offered)],
        ["Achieved per second", rate(rates.achieved)],
        ["Completed per second", rate(rates.completed)],
      ]),
      facts("The run", [
        ["Length", `${number(run.run.seconds, 1)}${NBSP}s`],
        ["Workers", number(run.run.threads)],
        ["Source ports", number(run.run.source_ports)],
        ["Users", number(run.run.users)],
        ["Hold time", `${number(run.run.hold_ms)}${NBSP}ms`],
        ["Seed", seed],
        ["Processor", run.machine.cpu || NONE],
        ["Cores", number(run.machine.cores)],
        ["Kernel", run.machine.kernel || NONE],
        ["Begin", date(run.started_at)],
      ]),
    ),
    run.codes.length > 0
      ? table(
          "Responses by status code",
          [
            { head: "Code", text: true, cell: (one) => codeName(one.code) },
            { head: "Count", cell: (one) => number(one.count) },
          ],
          run.codes,
        )
      : null,
    run.ladders.map((ladder) =>
      table(
        `Messages of ${ladder.program}`,
        [
          { head: "Message", text: true, cell: (arrow) => arrow.label },
          { head: "Direction", text: true, cell: (arrow) => arrow.direction },
          { head: "Count", cell: (arrow) => number(arrow.count) },
          { head: "Mean since the start (ms)", cell: (arrow) => millis(arrow.mean_us) },
        ],
        ladder.arrows,
      ),
    ),
    run.series.length > 0 ? seriesBox(run) : null,
  );
}

// The seconds as a table. An hour of eight marks is 150,000 cells: it is made when it is opened.
function seriesBox(run) {
  const count = (head, name) => ({ head, cell: (point) => number(point[name]) });
  const columns = [
    { head: "At (s)", cell: (point) => number(point.at, 1) },
    { head: "Length (s)", cell: (point) => number(point.seconds, 2) },
    count("Offered", "offered"),
    count("Started", "started"),
    count("Completed", "completed"),
    count("Failed", "failed"),
    count("In flight", "in_flight"),
    count("Sent", "sent"),
    count("Received", "received"),
    count("Sent again", "repeated"),
    { head: "Lag p99 (ms)", cell: (point) => millis(point.lag_p99_us) },
    { head: "Busiest (%)", cell: (point) => number(100 * point.busiest, 1) },
    ...run.latency.flatMap((one, mark) =>
      MARK_LINES.map(([name], position) => ({
        head: `${one.mark} ${name} (ms)`,
        cell: (point) =>
          (point.latency[mark] || [])[position] > 0 ? millis(point.latency[mark][position]) : NONE,
      })),
    ),
    {
      head: "Responses",
      text: true,
      cell: (point) => point.codes.map((one) => `${one.code}: ${number(one.count)}`).join(", "),
    },
  ];
  const box = el(
    "details",
    {
      class: "series",
      ontoggle: () => {
        if (box.open && box.children.length === 1)
          box.append(table("Second by second", columns, run.series));
      },
    },
    el("summary", { text: `Second by second (${plural(run.series.length, "row")})` }),
  );
  return box;
}
