// The cards of what happened second by second.

// Percentiles of a point of the series in their order, with their colours and dashes.
const MARK_LINES = [
  ["p50", 1, "solid"],
  ["p90", 3, "dashed"],
  ["p99", 2, "solid"],
  ["max", 7, "dotted"],
];

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
    return card(
      "Over time",
      null,
      el("p", { class: "nothing", text: "The report has no figures over time." }),
    );
  }
  const unit = run.run.unit || "calls";
  const base = { times: timesOf(series), extent: extentOf(series), until: run.run.seconds };
  const line = (label, color, dash, kind, pick) => ({
    label,
    color,
    dash,
    kind,
    values: perSecond(series, pick),
    text: frequency,
  });
  const rates = el("div");
  timePlot(rates, {
    ...base,
    name: "rates",
    label: `Rates over time: ${unit} offered, started, completed and failed per second`,
    panels: [
      {
        title: `${unit} per second`,
        height: 210,
        series: [
          line("offered", 7, "solid", "wide", (point) => point.offered),
          line("started", 1, "solid", "line", (point) => point.started),
          line("completed", 2, "dashed", "line", (point) => point.completed),
        ],
      },
      {
        title: "failed per second",
        height: 56,
        whole: true,
        empty: "no failures",
        series: [line("failed", 6, "block", "bar", (point) => point.failed)],
      },
    ],
  });
  const flight = el("div");
  timePlot(flight, {
    ...base,
    name: "in-flight",
    label: `${unit} in flight over time`,
    panels: [
      {
        title: `${unit} in flight`,
        height: 110,
        whole: true,
        series: [
          {
            label: "in flight",
            color: 1,
            dash: "solid",
            kind: "line",
            values: series.map((point) => point.in_flight),
            text: (value) => number(value),
          },
        ],
      },
    ],
  });
  return [
    card(
      "Rates",
      "Point at a plot, or press the arrow keys on it: all plots show the values of that second.",
      rates,
      flight,
    ),
    marks.length > 0 ? latencyCard(series, marks, base) : null,
  ];
}

// Latency over time of the mark that is chosen.
function latencyCard(series, marks, base) {
  const place = el("div");
  const draw = (mark) => {
    const host = el("div");
    place.replaceChildren(host);
    timePlot(host, {
      ...base,
      name: "latency",
      label: `Latency percentiles over time, ${marks[mark].mark}`,
      panels: [
        {
          title: "latency (ms, log scale)",
          height: 240,
          log: true,
          empty: "nothing was measured",
          series: MARK_LINES.map(([label, color, dash], position) => ({
            label,
            color,
            dash,
            kind: "line",
            values: series.map((point) => (point.latency[mark] || [])[position] / 1000 || null),
            text: (value) => span(value * 1000),
          })),
        },
      ],
    });
    paintAll();
  };
  draw(0);
  return card(
    "Latency over time",
    "From the moment a call was meant to start: a server that stalls shows here in full.",
    marks.length > 1
      ? choice(
          "Mark",
          marks.map((one) => one.mark),
          draw,
        )
      : null,
    place,
  );
}

function lagCard(run) {
  const note =
    "What the generator itself added: if it lags or is busy all the time, this page is about it.";
  const test = run.self_test;
  const ceiling = test
    ? el("p", {
        class: "remark",
        text:
          `Ceiling of this machine without a server between: ` +
          `${rate(test.rate)} calls/s (${number(test.messages)} messages/s, ` +
          `scenario ${test.scenario}, ` +
          `${plural(test.threads, "worker")}, ${date(test.measured_at)}). ` +
          `This run completed ${share(run.rates.completed, test.rate)} of that.`,
      })
    : null;
  if (run.series.length === 0) return card("The generator itself", note, ceiling);
  const host = el("div");
  const series = run.series;
  timePlot(host, {
    times: timesOf(series),
    extent: extentOf(series),
    until: run.run.seconds,
    name: "lag",
    label: "The generator\u2019s own lag and its busiest worker over time",
    panels: [
      {
        title: "lag, p99 (ms)",
        height: 90,
        series: [
          {
            label: "lag",
            color: 4,
            dash: "solid",
            kind: "line",
            values: series.map((point) => (point.started > 0 ? point.lag_p99_us / 1000 : null)),
            text: (value) => span(value * 1000),
          },
        ],
      },
      {
        title: "busiest worker (%)",
        height: 90,
        top: 100,
        series: [
          {
            label: "busiest worker",
            color: 3,
            dash: "dashed",
            kind: "line",
            values: series.map((point) => 100 * point.busiest),
            text: (value) => `${number(value, 1)}${NBSP}%`,
          },
        ],
      },
    ],
  });
  return card("The generator itself", note, ceiling, host);
}
