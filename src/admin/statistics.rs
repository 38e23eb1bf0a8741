//! Commands about what was counted.

use std::fmt::Write as _;

use super::answer::{Failure, Rest};
use super::general::none;
use super::page::Page;
use super::scene::Scene;
use crate::metrics::Counter;
use crate::script::nearest;

/// `get_statistics [all | NAME...]`: `name = value`, in JSON one object.
pub(super) fn get_statistics(
    scene: &Scene<'_>,
    words: &[&str],
    page: &mut Page,
) -> Result<Rest, Failure> {
    let mut wanted = Vec::new();
    for word in words {
        match Counter::ALL.iter().find(|counter| counter.name() == *word) {
            Some(counter) => wanted.push(*counter),
            None if matches!(*word, "all" | "all:") => wanted.extend_from_slice(Counter::ALL),
            None => return Err(unknown(word)),
        }
    }
    let wanted = if wanted.is_empty() { Counter::ALL } else { &wanted };
    let values = wanted.iter().map(|counter| (counter.name(), scene.count(*counter)));
    page.entry(
        |text| {
            for (position, (name, value)) in values.clone().enumerate() {
                let line_break = if position == 0 { "" } else { "\n" };
                // A string takes all that is written to it.
                let _ = write!(text, "{line_break}{name} = {value}");
            }
        },
        |fields| values.clone().for_each(|(name, value)| fields.number(name, value)),
    );
    Ok(Rest::Nothing)
}

/// There is no counter of that name.
fn unknown(name: &str) -> Failure {
    let names = Counter::ALL.iter().map(|counter| counter.name());
    let similar = nearest(name, names).map(|similar| format!("; did you mean `{similar}`?"));
    Failure::missing(format!("there is no statistic `{name}`{}", similar.unwrap_or_default()))
}

/// The codes that `sl_stats` names, line by line, as SER does.
const NAMED_CODES: &[&[u16]] =
    &[&[200, 202], &[300, 301, 302], &[400, 401, 403, 404, 407, 408, 483], &[500], &[]];

/// `sl_stats`: what is not named is counted by its class, what has no line with `xxx`.
pub(super) fn sl_stats(
    scene: &Scene<'_>,
    words: &[&str],
    page: &mut Page,
) -> Result<Rest, Failure> {
    none(words)?;
    let mut lines: Vec<Vec<(String, u64)>> = Vec::new();
    for (named, class) in NAMED_CODES.iter().zip(2_u16..) {
        let mut line: Vec<(String, u64)> =
            named.iter().map(|code| (code.to_string(), scene.replies(*code))).collect();
        let others = (class * 100..class * 100 + 100).filter(|code| !named.contains(code));
        line.push((format!("{class}xx"), others.map(|code| scene.replies(code)).sum()));
        lines.push(line);
    }
    lines.push(vec![("xxx".to_owned(), (100..200).map(|code| scene.replies(code)).sum())]);
    page.entry(
        |text| {
            let shown = lines.iter().map(|line| {
                let cells: Vec<_> =
                    line.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                cells.join(" ")
            });
            text.push_str(&shown.collect::<Vec<_>>().join("\n"));
        },
        |fields| lines.iter().flatten().for_each(|(name, value)| fields.number(name, *value)),
    );
    Ok(Rest::Nothing)
}
