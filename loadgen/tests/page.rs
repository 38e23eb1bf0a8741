//! The pages in a browser: everything is drawn, and nothing goes wrong.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

#[expect(dead_code, unused_imports, reason = "each test program uses a part of the harness")]
#[cfg(test)]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::process::Folder;
use viaload::report::{Arrow, CodeCount, Ladder, LatencySummary, Point, Report, html};

/// What a page of a full run draws.
const PLOTS: [&str; 7] = ["rates", "in-flight", "latency", "spectrum", "codes", "lag", "ladder"];

/// A name that would be markup.
const EVIL: &str = "</script><img src=x onerror=alert(1)> & \"it's\"";

/// A run with everything in it.
fn sample() -> Report {
    serde_json::from_str(include_str!("data/sample.json")).unwrap()
}

/// A run of which nothing is known but that it was.
fn bare() -> Report {
    let mut report = sample();
    report.codes.clear();
    report.latency.clear();
    report.series.clear();
    report.ladders.clear();
    report.traces.clear();
    report.self_test = None;
    report.lag = LatencySummary::default();
    report.rates = Default::default();
    report.calls = Default::default();
    report.messages = Default::default();
    report
}

/// A run in which no call came, for so many seconds.
fn idle(seconds: u32) -> Report {
    let mut report = bare();
    report.latency = vec![LatencySummary { mark: EVIL.to_owned(), ..Default::default() }];
    report.series = (0..seconds)
        .map(|second| Point {
            at: f64::from(second),
            seconds: 1.0,
            latency: vec![[0; 4]],
            ..Default::default()
        })
        .collect();
    report.ladders = vec![Ladder {
        program: EVIL.to_owned(),
        caller: false,
        arrows: vec![
            Arrow {
                label: EVIL.to_owned(),
                direction: "received".to_owned(),
                ..Default::default()
            },
            Arrow {
                label: "pause".to_owned(),
                direction: "pause".to_owned(),
                ..Default::default()
            },
        ],
    }];
    report
}

/// An hour with eight marks, all names markup, not valid and interrupted.
fn hour() -> Report {
    let mut report = sample();
    report.run.scenario = EVIL.to_owned();
    report.run.seconds = 3_600.0;
    report.verdict.valid = false;
    report.verdict.interrupted = true;
    report.verdict.reasons = vec![EVIL.to_owned()];
    let main = report.latency[0].clone();
    report.latency = (0..8)
        .map(|mark| LatencySummary { mark: format!("{mark} {EVIL}"), ..main.clone() })
        .collect();
    let template = report.series[5].clone();
    report.series = (0..3_600_u32)
        .map(|second| Point {
            at: f64::from(second),
            failed: u64::from(second % 60 == 7),
            latency: vec![template.latency[0]; 8],
            ..template.clone()
        })
        .collect();
    report.codes.extend([404, 699].map(|code| CodeCount { code, count: 1 }));
    report.traces[0].messages[0].text = EVIL.to_owned();
    report
}

/// The browser, if there is one.
fn chromium() -> Option<PathBuf> {
    let usual = PathBuf::from("/usr/bin/chromium");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::iter::once(usual)
        .chain(std::env::split_paths(&path).map(|directory| directory.join("chromium")))
        .find(|candidate| candidate.is_file());
    if found.is_none() {
        support::left_out("Chromium is not installed: the page was not opened");
    }
    found
}

/// The document after its script has run.
struct Opened {
    html: String,
}

impl Opened {
    /// The drawings of this name.
    fn plots(&self, name: &str) -> Vec<&str> {
        self.html
            .split("<svg ")
            .filter_map(|from| from.split("</svg>").next())
            .filter(|svg| svg.starts_with(&format!("data-plot=\"{name}\"")))
            .collect()
    }
}

/// Opens the page; it has to be drawn without an error. None if there is no browser.
fn open(name: &str, page: &str) -> Option<Opened> {
    let browser = chromium()?;
    let folder = Folder::new();
    let file = folder.write("page.html", page);
    let (html, log) = run(&browser, &folder.path().join("profile"), &file);
    let head = html.split("<head>").next().unwrap_or_default();
    assert!(!log.contains("CONSOLE"), "{name}: {log}");
    assert!(!head.contains("data-error"), "{name}: {head}");
    assert!(head.contains("data-ready=\"true\""), "{name}: {head}\n{log}");
    assert!(!html.contains("NaN") && !html.contains("undefined"), "{name}: a figure is none");
    Some(Opened { html })
}

/// The document as text without what was embedded, and what the browser logged.
fn run(browser: &Path, profile: &Path, file: &Path) -> (String, String) {
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update"])
        .args(["--disable-sync", "--virtual-time-budget=5000", "--enable-logging=stderr"])
        .args(["--v=0", "--disable-dev-shm-usage", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", file.display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout);
    let drawn = dom.split("<script type=\"application/json\"").next().unwrap_or_default();
    (drawn.to_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Every drawing of these names is there and has something in it.
fn assert_drawn(opened: &Opened, names: &[&str]) {
    for name in names {
        let plots = opened.plots(name);
        assert!(!plots.is_empty(), "{name} is missing");
        for svg in plots {
            assert!(svg.contains("<path") || svg.contains("<rect"), "{name} is empty");
            assert!(svg.contains("role=\"img\"") && svg.contains("aria-label="), "{name}: {svg}");
            assert!(svg.contains("<title>"), "{name} has no title");
        }
    }
}

#[test]
fn a_run_is_drawn_with_all_its_plots() {
    let Some(opened) = open("run", &html::page(&sample())) else { return };
    assert_drawn(&opened, &PLOTS);
    assert_eq!(opened.plots("ladder").len(), sample().ladders.len());
    assert!(opened.html.contains("503 Service Unavailable"));
}

#[test]
fn an_hour_of_eight_marks_with_names_like_markup_is_drawn() {
    let Some(opened) = open("hour", &html::page(&hour())) else { return };
    assert_drawn(&opened, &PLOTS);
    assert!(opened.html.contains("INVALID") && opened.html.contains("interrupted"));
    assert!(!opened.html.contains("<img"), "a name became markup");
    let rates = opened.plots("rates")[0].len();
    assert!(rates < 200_000, "an hour is thinned out before it is drawn: {rates} bytes");
}

#[test]
fn a_run_without_calls_is_drawn() {
    let Some(opened) = open("idle", &html::page(&idle(3))) else { return };
    assert_drawn(&opened, &["rates", "in-flight", "lag", "ladder"]);
    assert!(opened.html.contains("No calls were started."));
    assert!(opened.plots("latency")[0].contains("nothing was measured"));
    assert!(opened.plots("ladder")[0].contains("never"));
}

#[test]
fn a_run_of_one_second_is_drawn() {
    let mut report = sample();
    report.series.truncate(1);
    report.run.seconds = 1.0;
    let Some(opened) = open("second", &html::page(&report)) else { return };
    assert_drawn(&opened, &PLOTS);
    assert!(opened.plots("rates")[0].contains("<circle"), "a single second is a dot");
}

#[test]
fn a_bare_report_is_drawn() {
    let Some(opened) = open("bare", &html::page(&bare())) else { return };
    assert!(opened.html.contains("The report has no figures over time."));
}

#[test]
fn two_runs_are_drawn_side_by_side() {
    let mut second = sample();
    second.run.load = "open loop, 2,500 calls/s, Poisson".to_owned();
    second.rates.completed *= 1.25;
    let page = html::compare_page(&sample(), &second);
    let Some(opened) = open("compare", &page) else { return };
    assert_drawn(&opened, &["rates", "spectrum"]);
    assert!(opened.html.contains("they differ in load."));
    assert!(opened.html.contains("1.25×"));
}

#[test]
fn a_comparison_with_a_bare_report_is_drawn() {
    let page = html::compare_page(&bare(), &sample());
    let Some(opened) = open("compare-bare", &page) else { return };
    assert_drawn(&opened, &["rates"]);
    assert!(opened.html.contains("The runs have no mark in common."));
}
