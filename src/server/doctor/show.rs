//! Findings as text and as JSON.

use super::finding::{Finding, Verdict};
use crate::script::json_string;

/// For people: what is to be changed first, in the end what is fine.
pub(super) fn show(findings: &[Finding]) -> String {
    let mut text = String::new();
    for verdict in [Verdict::Must, Verdict::Better, Verdict::Note, Verdict::Fine] {
        for finding in findings.iter().filter(|finding| finding.verdict == verdict) {
            show_one(&mut text, finding);
        }
    }
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let (must, better) = (count(Verdict::Must), count(Verdict::Better));
    text.push_str(&format!("{must} must be changed, {better} would be better changed\n"));
    text
}

/// One finding: a line for what is, and one each for the rest.
fn show_one(text: &mut String, finding: &Finding) {
    text.push_str(&format!("{:<7} {}: {}\n", finding.verdict.name(), finding.check, finding.is));
    if !finding.better.is_empty() {
        text.push_str(&format!("        better: {}\n", finding.better));
    }
    if !finding.why.is_empty() {
        text.push_str(&format!("        why: {}\n", finding.why));
    }
    for command in &finding.commands {
        text.push_str(&format!("        # {command}\n"));
    }
}

/// For programs: an array of objects, in the order of the checks.
pub(super) fn show_json(findings: &[Finding]) -> String {
    let object = |finding: &Finding| {
        let commands: Vec<String> = finding.commands.iter().map(|text| json_string(text)).collect();
        format!(
            "{{\"check\":{},\"verdict\":{},\"is\":{},\"better\":{},\"why\":{},\"commands\":[{}]}}",
            json_string(finding.check),
            json_string(finding.verdict.name()),
            json_string(&finding.is),
            json_string(&finding.better),
            json_string(finding.why),
            commands.join(",")
        )
    };
    let objects: Vec<String> = findings.iter().map(object).collect();
    format!("[{}]\n", objects.join(",\n "))
}
