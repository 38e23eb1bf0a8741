// The page of two runs side by side, and what starts either page.

function comparePage(runs) {
  const [a, b] = runs;
  return [
    el(
      "header",
      null,
      el("div", { class: "over" }, el("span", { text: "viaload comparison" })),
      el("h1", {
        text:
          a.run.scenario === b.run.scenario
            ? a.run.scenario
            : `${a.run.scenario} and ${b.run.scenario}`,
      }),
      differences(a, b),
    ),
    el("div", { class: "columns" }, runs.map(runCard)),
    ratioCard(a, b),
    spectraCard(a, b),
    ratesCard(runs),
    el("footer", {
      text: `Measured by viaload ${a.viaload} and ${b.viaload}. This page needs no network.`,
    }),
  ];
}

const NAMES = ["A", "B"];

function runCard(run, position) {
  const facts = [
    ["Scenario", run.run.scenario],
    ["Target", run.run.target],
    ["Load", run.run.load],
    ["Machine", `${run.machine.cpu || NONE}, ${plural(run.machine.cores, "core")}`],
    ["Date", date(run.started_at)],
  ];
  return el(
    "section",
    { class: `card side k${position + 1}` },
    el("div", { class: "over" }, el("h2", { text: `Run ${NAMES[position]}` }), badge(run.verdict)),
    el(
      "dl",
      null,
      facts.map(([name, value]) =>
        el("div", null, el("dt", { text: name }), el("dd", { text: value || NONE })),
      ),
    ),
    reasons(run.verdict),
  );
}

// What was not the same in both runs: figures of unequal runs mislead.
function differences(a, b) {
  const pairs = [
    ["scenario", a.run.scenario, b.run.scenario],
    ["load", a.run.load, b.run.load],
    ["length", a.run.seconds, b.run.seconds],
    ["users", a.run.users, b.run.users],
    ["hold time", a.run.hold_ms, b.run.hold_ms],
    ["workers", a.run.threads, b.run.threads],
    ["source ports", a.run.source_ports, b.run.source_ports],
    ["processor", a.machine.cpu, b.machine.cpu],
    ["cores", a.machine.cores, b.machine.cores],
  ];
  const unequal = pairs.filter(([, one, other]) => one !== other).map(([name]) => name);
  if (unequal.length === 0)
    return el("p", { class: "lead", text: "Both runs had the same scenario, load and machine." });
  return el("p", {
    class: "remark",
    text: `The runs were not alike: they differ in ${unequal.join(", ")}.`,
  });
}

// Figures to compare: name, of A, of B, how to show them, and whether more is better (1), worse
// (-1) or neither (0).
function comparedFigures(a, b) {
  const of = (pick) => [a, b].map(pick).map(([part, whole]) => (whole > 0 ? part / whole : null));
  const percent = (value) => (value === null ? NONE : share(value, 1));
  const rows = [
    ["Offered / s", a.rates.offered, b.rates.offered, rate, 0],
    ["Achieved / s", a.rates.achieved, b.rates.achieved, rate, 1],
    ["Completed / s", a.rates.completed, b.rates.completed, rate, 1],
    ["Failed, of all", ...of((run) => [run.calls.failed, run.calls.started]), percent, -1],
    ["Most in flight", a.calls.peak_in_flight, b.calls.peak_in_flight, number, 0],
    [
      "Requests sent again, of all sent",
      ...of((run) => [run.messages.requests_repeated, run.messages.sent]),
      percent,
      -1,
    ],
    [
      "Responses sent again, of all sent",
      ...of((run) => [run.messages.responses_repeated, run.messages.sent]),
      percent,
      -1,
    ],
    ["Dropped: receive buffer full", a.messages.overrun, b.messages.overrun, number, -1],
  ];
  for (const [one, other] of [...commonMarks(a, b), [a.lag, b.lag]]) {
    const name = one === a.lag ? "Generator\u2019s lag" : one.mark;
    for (const [label, field] of SUMMARY.filter(([label]) => label !== "Min" && label !== "p95")) {
      const pick = (summary) => (summary.count > 0 ? summary[field] : null);
      rows.push([`${name}, ${label.toLowerCase()}`, pick(one), pick(other), span, -1]);
    }
  }
  return rows;
}

// Marks that both runs have, by name.
function commonMarks(a, b) {
  return a.latency
    .map((one) => [one, b.latency.find((other) => other.mark === one.mark)])
    .filter(([, other]) => other);
}

function ratioCard(a, b) {
  const rows = comparedFigures(a, b);
  const ratios = rows.map(([, one, other]) => (one > 0 && other > 0 ? other / one : null));
  const widest = Math.max(
    Math.log(2),
    ...ratios.map((ratio) => (ratio ? Math.abs(Math.log(ratio)) : 0)),
  );
  const head = ["Figure", "A", "B", "B \u00f7 A", "", ""].map((text, position) =>
    el(position === 4 ? "td" : "th", {
      class: position === 0 || position > 3 ? "text" : "figure",
      scope: "col",
      text,
    }),
  );
  const body = rows.map(([name, one, other, show, good], position) => {
    const ratio = ratios[position];
    return el(
      "tr",
      null,
      el("th", { scope: "row", class: "text", text: name }),
      el("td", { class: "figure", text: show(one) }),
      el("td", { class: "figure", text: show(other) }),
      el("td", {
        class: "figure",
        text: ratio ? `${number(ratio, ratio < 0.1 ? 3 : 2)}\u00d7` : NONE,
      }),
      el("td", { class: "ratio" }, ratio ? ratioBar(Math.log(ratio) / widest) : null),
      el("td", { class: "text quiet", text: wordOf(one, other, good) }),
    );
  });
  return card(
    "Key figures",
    "Bars to the right: B is larger; to the left: A is larger.",
    el(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "Key figures" },
      el("table", null, el("thead", null, el("tr", null, head)), el("tbody", null, body)),
    ),
  );
}

// Whether B did better, in a word; within 2 % it is as good.
function wordOf(one, other, good) {
  if (one === null || other === null || good === 0) return "";
  if (Math.abs(other - one) <= 0.02 * one) return "the same";
  return other > one === good > 0 ? "B better" : "A better";
}

// A bar from the middle, -1 to 1.
function ratioBar(size) {
  const width = Math.max(1, Math.abs(size) * 60);
  return sv(
    "svg",
    { viewBox: "0 0 124 14", width: 124, height: 14, "aria-hidden": "true" },
    sv("line", { class: "axis", x1: 62, x2: 62, y1: 0, y2: 14 }),
    sv("rect", {
      class: `bar k${size > 0 ? 2 : 1}`,
      x: size > 0 ? 62 : 62 - width,
      y: 2,
      width,
      height: 10,
      rx: 1,
    }),
  );
}

// Both runs' spectra over each other, of the mark that is chosen.
function spectraCard(a, b) {
  const pairs = commonMarks(a, b);
  if (pairs.length === 0) {
    return card(
      "Percentile spectrum",
      null,
      el("p", { class: "nothing", text: "The runs have no mark in common." }),
    );
  }
  const place = el("div");
  const draw = (position) => {
    const host = el("div");
    place.replaceChildren(host);
    spectrumPlot(
      host,
      `Percentile spectra of ${pairs[position][0].mark} of both runs`,
      pairs[position].map((summary, side) => ({
        label: `Run ${NAMES[side]}`,
        color: side + 1,
        dash: side === 0 ? "solid" : "dashed",
        points: spectrumOf(summary),
      })),
    );
    paintAll();
  };
  draw(0);
  return card(
    "Percentile spectrum",
    "From the intended start: how long the slowest tenth, hundredth, thousandth took.",
    pairs.length > 1
      ? choice(
          "Mark",
          pairs.map(([one]) => one.mark),
          draw,
        )
      : null,
    place,
  );
}

// Both runs over each other, second by second; the longer one gives the axis.
function ratesCard(runs) {
  const longer = runs[0].series.length >= runs[1].series.length ? runs[0].series : runs[1].series;
  if (longer.length === 0) return null;
  const aligned = (series, pick) => {
    const rates = perSecond(series, pick);
    const values = new Map(
      series.map((point, position) => [Math.round(point.at), rates[position]]),
    );
    return longer.map((point) => values.get(Math.round(point.at)) ?? null);
  };
  const lines = (word, pick) =>
    runs.map((run, side) => ({
      label: `${word} ${NAMES[side]}`,
      color: side + 1,
      dash: side === 0 ? "solid" : "dashed",
      kind: "line",
      values: aligned(run.series, pick),
      text: frequency,
    }));
  const host = el("div");
  timePlot(host, {
    name: "rates",
    label: "Rates of both runs over time",
    times: timesOf(longer),
    extent: extentOf(longer),
    panels: [
      {
        title: "completed per second",
        height: 200,
        series: lines("completed", (point) => point.completed),
      },
      {
        title: "failed per second",
        height: 90,
        whole: true,
        empty: "no failures",
        series: lines("failed", (point) => point.failed),
      },
    ],
  });
  return card("Rates over time", null, host);
}

// Says on the page what went wrong.
function fail(error) {
  const text = String((error && error.message) || error);
  document.documentElement.dataset.error = text;
  document
    .getElementById("main")
    .append(el("p", { class: "alert", text: `This page could not be drawn: ${text}` }));
}

// Reads the figures and draws the page; again when the width changes.
function begin() {
  const { runs, seeds } = JSON.parse(document.getElementById("figures").textContent);
  const main = document.getElementById("main");
  const parts = runs.length === 2 ? comparePage(runs) : runPage(runs[0], seeds[0]);
  main.replaceChildren(...parts.flat(Infinity).filter(Boolean));
  paintAll();
  let waiting = false;
  new ResizeObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      paintAll();
    });
  }).observe(main);
  document.documentElement.dataset.ready = "true";
}

window.addEventListener("error", (event) => fail(event.error || event.message));
try {
  begin();
} catch (error) {
  fail(error);
}
