//! The report as one page that needs no network: style, script and figures are all in it.
//!
//! The script reads the figures as JSON and puts them into the document as text, never as markup,
//! so nothing that came from the network is ever read as HTML.

use serde::Serialize;

use super::Report;

/// The frame of the page; a name in `{{ }}` stands for what [`fill`] puts there.
const FRAME: &str = include_str!("page.html");
/// How it looks.
const STYLE: &str = include_str!("style.css");
/// What draws it, in the order in which the parts use each other.
const SCRIPTS: [&str; 10] = [
    include_str!("dom.js"),
    include_str!("scales.js"),
    include_str!("plot.js"),
    include_str!("spectrum.js"),
    include_str!("bars.js"),
    include_str!("ladder.js"),
    include_str!("overtime.js"),
    include_str!("tables.js"),
    include_str!("run.js"),
    include_str!("compare.js"),
];

/// A run as a page.
#[must_use]
pub fn page(report: &Report) -> String {
    let title = format!("{} against {}", report.run.scenario, report.run.target);
    fill(&title, &[report])
}

/// Two runs side by side as a page.
#[must_use]
pub fn compare_page(first: &Report, second: &Report) -> String {
    let title = format!("{} and {} compared", first.run.scenario, second.run.scenario);
    fill(&title, &[first, second])
}

/// What the script reads.
#[derive(Serialize)]
struct Figures<'a> {
    /// One run to show, or two to compare.
    runs: &'a [&'a Report],
    /// The seeds as text: a number of JavaScript holds 53 bits.
    seeds: Vec<String>,
}

/// Puts everything in its place, in one pass: what is put in is not searched again.
fn fill(title: &str, runs: &[&Report]) -> String {
    let figures = embedded(runs);
    let script = SCRIPTS.concat();
    let mut page = String::with_capacity(FRAME.len() + STYLE.len() + script.len() + figures.len());
    let mut rest = FRAME;
    while let Some((before, name, after)) = next_place(rest) {
        page.push_str(before);
        match name {
            "title" => page.push_str(&escaped(title)),
            "style" => page.push_str(STYLE),
            "figures" => page.push_str(&figures),
            "script" => page.push_str(&script),
            _ => {}
        }
        rest = after;
    }
    page.push_str(rest);
    page
}

/// What is before the next `{{name}}`, the name, and what is behind it.
fn next_place(text: &str) -> Option<(&str, &str, &str)> {
    let (before, from_name) = text.split_once("{{")?;
    let (name, after) = from_name.split_once("}}")?;
    Some((before, name, after))
}

/// The runs as JSON that cannot end the script element it is in.
fn embedded(runs: &[&Report]) -> String {
    let seeds = runs.iter().map(|run| run.run.seed.to_string()).collect();
    // Maps with keys of text, numbers and text: there is nothing here that JSON cannot say. Were
    // it otherwise, the page would say that its figures cannot be read.
    serde_json::to_string(&Figures { runs, seeds }).unwrap_or_default().replace('<', "\\u003c")
}

/// The text as HTML.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The run of `tests/data/sample.json`.
    fn sample() -> Report {
        serde_json::from_str(include_str!("../../../tests/data/sample.json")).unwrap()
    }

    /// What the page's script would read.
    fn figures_of(page: &str) -> serde_json::Value {
        let (_, from) =
            page.split_once("<script type=\"application/json\" id=\"figures\">").unwrap();
        let (json, _) = from.split_once("</script>").unwrap();
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_message_that_ends_a_script_stays_inside_the_figures() {
        let mut report = sample();
        let text = "MESSAGE sip:a SIP/2.0\r\n\r\n</script><script>alert(1)</script><!--";
        report.traces[0].messages[0].text = text.to_owned();
        let page = page(&report);
        assert!(!page.contains("alert(1)</script>"));
        assert_eq!(figures_of(&page)["runs"][0]["traces"][0]["messages"][0]["text"], text);
    }

    #[test]
    fn the_page_holds_the_whole_report() {
        let report = sample();
        let mut figures = figures_of(&page(&report));
        let back: Report = serde_json::from_value(figures["runs"][0].take()).unwrap();
        assert_eq!(back, report);
    }

    #[test]
    fn the_pages_title_is_escaped() {
        let mut report = sample();
        report.run.scenario = "a<b>&\"c\"{{script}}".to_owned();
        let page = page(&report);
        assert!(page.contains("<title>a&lt;b&gt;&amp;&quot;c&quot;{{script}} against "));
    }

    #[test]
    fn a_large_seed_is_embedded_to_the_last_digit() {
        let mut report = sample();
        report.run.seed = u64::MAX;
        assert_eq!(figures_of(&page(&report))["seeds"][0], "18446744073709551615");
    }

    #[test]
    fn a_comparison_holds_both_runs_in_order() {
        let (first, mut second) = (sample(), sample());
        second.run.scenario = "other".to_owned();
        let figures = figures_of(&compare_page(&first, &second));
        assert_eq!(figures["runs"][0]["run"]["scenario"], first.run.scenario);
        assert_eq!(figures["runs"][1]["run"]["scenario"], "other");
    }

    #[test]
    fn the_page_refers_to_nothing_outside() {
        let page = page(&sample());
        let own = page.replace("http://www.w3.org/2000/svg", "");
        for outside in ["http://", "https://", "@import", "url(", "src="] {
            assert!(!own.contains(outside), "{outside}");
        }
    }

    #[test]
    fn every_place_of_the_frame_is_filled() {
        let page = page(&sample());
        assert_eq!(page.matches("{{").count(), 0);
        assert_eq!(page.matches("<script").count(), page.matches("</script>").count());
    }
}
