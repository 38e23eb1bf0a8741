//! `docs/diagnostics.md` and the diagnostics keep in step: the same numbers, and its examples
//! get what it says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use viaduct::script::{Change, Diagnostic};

use super::told;

/// The page.
const PAGE: &str = include_str!("../../docs/diagnostics.md");

/// What is told of a script only where another one runs, which `tests/reload.rs` shows, or where
/// it is to run on another machine, which `tests/route.rs` does.
const OF_OTHERS: &[&str] = &["W0302", "W0501"];

/// What is told of a script only where the files are read that it names: the tests of
/// `src/server/tls/` show it.
const OF_FILES: &[&str] =
    &["E0502", "E0503", "E0504", "E0505", "N0502", "W0502", "W0503", "W0504", "W0505"];

/// A section: its number, the script that gets it, the script repaired.
struct Section {
    code: &'static str,
    wrong: &'static str,
    right: &'static str,
}

/// All sections.
fn sections() -> Vec<Section> {
    let titled = PAGE.split("\n## ").filter_map(|part| part.split_once(": "));
    let numbered = titled.filter(|(code, _)| is_code(code));
    numbered
        .map(|(code, text)| {
            let blocks: Vec<&str> = text
                .split("```cfg\n")
                .skip(1)
                .map(|block| block.split("```").next().unwrap())
                .collect();
            let [wrong, right] = blocks[..] else { panic!("{code} has two scripts") };
            Section { code, wrong, right }
        })
        .collect()
}

/// Whether a word is the number of a diagnostic.
fn is_code(word: &str) -> bool {
    let (letter, digits) = word.split_at(word.len().min(1));
    word.len() == 5
        && matches!(letter, "E" | "W" | "N")
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The numbers in the sources below a folder.
fn codes_of(folder: &Path, codes: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            codes_of(&path, codes);
        } else if !path.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            codes.extend(code.split('"').filter(|word| is_code(word)).map(str::to_owned));
        }
    }
}

/// A script with changes made to it.
fn changed(script: &str, changes: &[Change]) -> String {
    let mut changes = changes.to_vec();
    changes.sort_by_key(|change| std::cmp::Reverse(change.span.start));
    let mut text = script.to_owned();
    for Change { span, text: new } in changes {
        text.replace_range(span.start as usize..span.end as usize, &new);
    }
    text
}

#[test]
fn each_diagnostic_has_a_section_and_each_section_a_diagnostic() {
    let mut codes = BTreeSet::new();
    for room in ["src/script", "src/modules", "src/server"] {
        codes_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join(room), &mut codes);
    }
    let written: BTreeSet<String> = sections().iter().map(|it| it.code.to_owned()).collect();
    assert_eq!(written, codes);
    assert_eq!(sections().len(), codes.len(), "none has two sections");
}

#[test]
fn each_example_gets_what_it_shows_and_nothing_once_it_is_repaired() {
    for Section { code, wrong, right } in sections() {
        let (found, _) = told(wrong);
        let is_told = found.iter().any(|found| found.code.0 == code);
        let is_elsewhere = OF_OTHERS.contains(&code) || OF_FILES.contains(&code);
        assert_ne!(is_told, is_elsewhere, "{code}\n{wrong}{found:#?}");
        let is_guess = |found: &&Diagnostic| found.code.0 == "N0301" && code != "N0301";
        let (left, _) = told(right);
        let left: Vec<_> = left.iter().filter(|found| !is_guess(found)).collect();
        assert!(left.is_empty(), "{code}\n{right}{left:#?}");
    }
}

#[test]
fn the_letter_of_a_number_says_how_bad_it_is() {
    for Section { wrong, .. } in sections() {
        for found in told(wrong).0 {
            let letter = format!("{:?}", found.severity);
            assert!(found.code.0.starts_with(&letter[..1]), "{found:?}");
        }
    }
}

#[test]
fn changes_that_are_proposed_repair_the_example() {
    let mut count = 0;
    for Section { code, wrong, .. } in sections() {
        let (found, _) = told(wrong);
        let own = found.iter().find(|found| found.code.0 == code);
        let Some(own) = own.filter(|own| !own.fix.is_empty()) else { continue };
        count += 1;
        let repaired = changed(wrong, &own.fix);
        let left: Vec<_> = told(&repaired).0;
        assert!(left.iter().all(|found| found.code.0 != code), "{code}\n{repaired}{left:#?}");
    }
    assert!(count > 10, "{count} examples have a change");
}
