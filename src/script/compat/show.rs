//! The report for people and for programs.

use std::collections::BTreeMap;

use super::{Compat, Support, Use, UseKind};
use crate::script::{SourceMap, json_place, json_string};

/// The version of the JSON report.
const VERSION: u32 = 1;

/// All kinds with their names for many and for one.
const KINDS: &[(UseKind, &str, &str)] = &[
    (UseKind::Module, "modules", "module"),
    (UseKind::Parameter, "parameters", "parameter"),
    (UseKind::Function, "functions", "function"),
    (UseKind::Variable, "variables", "variable"),
];

/// The report as text: a table, then each line that is not supported, then what has no effect.
#[must_use]
pub fn render_compat(compat: &Compat, map: &SourceMap) -> String {
    let mut text = format!("{:12}{:>20}{:>20}\n", "supported", "names", "places");
    let rows = KINDS.iter().map(|(kind, many, _)| (Some(*kind), *many));
    for (kind, title) in rows.chain([(None, "all")]) {
        let Counts { names, places } = Counts::of(compat, kind);
        text.push_str(&format!("{title:12}{:>20}{:>20}\n", names.show(), places.show()));
    }
    if compat.unread > 0 {
        text.push_str(&format!(
            "\nsome lines cannot be read ({} errors, see `viaduct check`) and do not count\n",
            compat.unread
        ));
    }
    let lines = |title: &str, reason: fn(&Support) -> Option<&str>| {
        let lines: String = compat
            .uses
            .iter()
            .filter_map(|used| Some((used, reason(&used.support)?)))
            .map(|(used, why)| line(used, why, map))
            .collect();
        if lines.is_empty() { lines } else { format!("\n{title}:\n{lines}") }
    };
    text.push_str(&lines("not supported", missing));
    text.push_str(&lines("accepted, but without effect", idle));
    text
}

/// The report as JSON: `version`, for each kind and for `all` the counts of names and places, and
/// `missing` and `idle` with each place.
#[must_use]
pub fn render_compat_json(compat: &Compat, map: &SourceMap) -> String {
    let kinds = KINDS.iter().map(|(kind, many, _)| (Some(*kind), *many));
    let counts: Vec<String> = kinds
        .chain([(None, "all")])
        .map(|(kind, title)| {
            let Counts { names, places } = Counts::of(compat, kind);
            format!("\"{title}\":{{\"names\":{},\"places\":{}}}", names.json(), places.json())
        })
        .collect();
    let list = |reason: fn(&Support) -> Option<&str>| {
        let objects: Vec<String> = compat
            .uses
            .iter()
            .filter_map(|used| Some((used, reason(&used.support)?)))
            .map(|(used, why)| {
                format!(
                    "{{\"kind\":{},\"name\":{},\"why\":{},{}}}",
                    json_string(name_of(used.kind)),
                    json_string(&used.name),
                    json_string(why),
                    json_place(used.span, map)
                )
            })
            .collect();
        objects.join(",\n ")
    };
    format!(
        "{{\"version\":{VERSION},{},\"unread\":{},\"missing\":[{}],\"idle\":[{}]}}\n",
        counts.join(","),
        compat.unread,
        list(missing),
        list(idle)
    )
}

/// A line of the report.
fn line(used: &Use, why: &str, map: &SourceMap) -> String {
    let place = map.place(used.span).map_or_else(String::new, |place| {
        format!("{}:{}:{}: ", place.file.display(), place.line, place.column)
    });
    format!("{place}{} {}: {why}\n", name_of(used.kind), used.name)
}

/// Why something is not supported.
fn missing(support: &Support) -> Option<&str> {
    match support {
        Support::Missing(why) => Some(why),
        _ => None,
    }
}

/// Why something has no effect.
fn idle(support: &Support) -> Option<&str> {
    match support {
        Support::Idle(why) => Some(why),
        _ => None,
    }
}

/// The name of one thing of a kind.
fn name_of(kind: UseKind) -> &'static str {
    KINDS.iter().find(|(known, ..)| *known == kind).map_or("", |(_, _, one)| one)
}

/// How many there are and how many of them are supported.
#[derive(Clone, Copy)]
struct Share {
    supported: usize,
    all: usize,
}

impl Share {
    /// In per cent, rounded down, so that only all are 100.
    const fn percent(self) -> usize {
        match (self.supported * 100).checked_div(self.all) {
            Some(percent) => percent,
            None => 100,
        }
    }

    /// For people.
    fn show(self) -> String {
        format!("{} of {} {:3} %", self.supported, self.all, self.percent())
    }

    /// For programs.
    fn json(self) -> String {
        let Self { supported, all } = self;
        format!("{{\"supported\":{supported},\"all\":{all},\"percent\":{}}}", self.percent())
    }
}

/// Shares of names and of places.
struct Counts {
    names: Share,
    places: Share,
}

impl Counts {
    /// Those of one kind, or of all.
    fn of(compat: &Compat, kind: Option<UseKind>) -> Self {
        let uses = || compat.uses.iter().filter(|used| kind.is_none_or(|kind| used.kind == kind));
        let is_there = |used: &Use| missing(&used.support).is_none();
        // A name counts if it is supported wherever it is used.
        let mut names: BTreeMap<(UseKind, &str), bool> = BTreeMap::new();
        for used in uses() {
            *names.entry((used.kind, &used.name)).or_insert(true) &= is_there(used);
        }
        Self {
            names: Share {
                supported: names.values().filter(|is_there| **is_there).count(),
                all: names.len(),
            },
            places: Share {
                supported: uses().filter(|used| is_there(used)).count(),
                all: uses().count(),
            },
        }
    }
}
