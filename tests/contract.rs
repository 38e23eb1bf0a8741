//! The table of what the server is held to, item by item, with the tests that show each:
//! `docs/contract.md`. A test shows an item by naming its id in the comment before it, or at the
//! start of its name.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// An item: its id, what it is, and what of it is not there yet; empty if it is all there.
type Item = (&'static str, &'static str, &'static str);

/// A part of the contract.
struct Part {
    title: &'static str,
    items: &'static [Item],
}

/// Ids that no test has to name yet: nothing of them is there.
const LATER: &[&str] = &["T", "A", "L06", "L07", "L08"];

const TRANSACTIONS: &str = "comes with transactions";
const DATABASE: &str = "comes with databases";
const CREDENTIALS: &str = "comes with authentication";

const PARTS: &[Part] = &[
    Part {
        title: "PrimiSIP",
        items: &[
            ("P01", "the user writes two blocks, for requests and replies; the rest is fixed", ""),
            ("P02", "`$mline`: request or status line", ""),
            ("P03", "`$si`, `$sp`: where it came from", ""),
            ("P04", "`$method`; in a reply its first token", ""),
            ("P05", "`$mb`, `$rb`: whole message, body", ""),
            ("P06", "`$headers`, `$sendhdr`: as they arrived, as they leave", ""),
            ("P07", "`$ou`, `$ru`, `$rU`: Request-URI before and after, its user", ""),
            ("P08", "`$du`: set by `loose_route`, else empty", ""),
            ("P09", "`$tu`, `$ft`, `$fu`", ""),
            ("P10", "`save()` binds the To URI and answers 200", ""),
            ("P11", "`$location`: users and where they are", ""),
            ("P12", "`print_locations()`", ""),
            ("P13", "`loose_route()`: own Route off, the next one into `$du`", ""),
            ("P14", "`record_route()` on top of those that are there", ""),
            ("P15", "`forward()`: own Via, `$du` or else the Request-URI", ""),
            ("P16", "`rewritehost`: the host, not the user", ""),
            ("P17", "`sl_send_reply`: an answer with Server, to the sender", ""),
            ("P18", "`sl_reply_error()`: 500", ""),
            ("P19", "`print`; `return` leaves the block", ""),
            ("P20", "patterns over variables", ""),
            ("P21", "the sample logic", ""),
            ("P22", "replies pass `onreply_route`, then go to the next Via", ""),
            ("P23", "what having no state looks like", ""),
            ("P24", "stacks of Via, Route and Record-Route through several proxies", ""),
            ("P25", "500 before the callee registers, success after", ""),
            ("P26", "the part in OpenSER's words", "`t_relay` comes with transactions"),
        ],
    },
    Part {
        title: "Messages",
        items: &[
            ("M01", "first line, header fields, empty line, body", ""),
            ("M02", "own Via on top of a request, off its replies", ""),
            ("M03", "what belongs to one transaction has one branch", ""),
            ("M04", "Call-ID and tags make a dialog", ""),
            ("M05", "Record-Route becomes Route", ""),
            ("M06", "without it, later requests go directly", ""),
            ("M07", "Max-Forwards and Content-Length", ""),
            ("M08", "branches begin with the magic cookie", ""),
            ("M09", "Record-Route with `lr=on` and `ftag`", ""),
            ("M10", "all methods", ""),
            ("M11", "all response codes that are named", ""),
            ("M12", "no reply to an ACK", "its own 100 comes with transactions"),
            ("M13", "calls are not known; logged Call-IDs can be matched", ""),
            ("M14", "DTMF in INFO passes untouched", ""),
            ("M15", "other domains are found by DNS SRV", ""),
            ("M16", "one or more devices for each user", ""),
            ("M17", "`sips` means TLS", ""),
        ],
    },
    Part {
        title: "Structure of scripts",
        items: &[
            ("C01", "seven sections", ""),
            ("C02", "comments", ""),
            ("C03", "strings", ""),
            ("C04", "compound and empty statements", ""),
            ("C05", "`route` is `route[0]`, for each request", ""),
            ("C06", "`route[n]`", ""),
            ("C07", "`route(n)`, also of itself", ""),
            ("C08", "`onreply_route[n]`", "runs with transactions"),
            ("C09", "`failure_route[n]`", "runs with transactions"),
            ("C10", "`if`, `else`", ""),
            ("C11", "`break` leaves the block", ""),
            ("C12", "`exit` ends the script", ""),
            ("C13", "`return`", ""),
            ("C14", "what is neither forwarded nor answered is dropped", ""),
            ("C15", "above 0 is true", ""),
            ("C16", "below 0 is false", ""),
            ("C17", "0 ends", ""),
            ("C18", "an action as a condition", ""),
            ("C19", "arguments with and without quotes", ""),
            ("C20", "stock files load", ""),
            ("C21", "one parser for all dialects", ""),
            ("C22", "modules add actions", ""),
            ("C23", "once for each request, from the top", ""),
        ],
    },
    Part {
        title: "Operators and operands",
        items: &[
            ("O01", "`method`", ""),
            ("O02", "`uri`", ""),
            ("O03", "`myself`", ""),
            ("O04", "`src_ip` and networks", ""),
            ("O05", "`dst_ip`", ""),
            ("O06", "`src_port`", ""),
            ("O07", "not, and, or", ""),
            ("O08", "`=~` without regard to case", ""),
            ("O09", "`!uri==myself`", ""),
            ("O10", "the sample for domains", ""),
            ("O11", "the sample for a numbering plan", ""),
        ],
    },
    Part {
        title: "Request-URI and destination set",
        items: &[
            ("U01", "`rewritehost`", ""),
            ("U02", "`rewriteuri`", ""),
            ("U03", "`rewritehostport`", ""),
            ("U04", "`rewriteuser`", ""),
            ("U05", "`rewriteuserpass`", ""),
            ("U06", "`rewriteport`", ""),
            ("U07", "`prefix`", ""),
            ("U08", "`strip`", ""),
            ("U09", "the exercise of the guide", ""),
            ("U10", "what was rewritten is forgotten", ""),
            ("U11", "the destination set and its limit", ""),
            ("U12", "`append_branch`", ""),
            ("U13", "`lookup` and `exec_dset` replace it", ""),
            ("U14", "conditions and `forward` see its first URI", ""),
            ("U15", "a 3xx tells all of it", "forking comes with transactions"),
            ("U16", "short names; `revert_uri`", ""),
        ],
    },
    Part {
        title: "Forwarding and stateless replies",
        items: &[
            ("F01", "`forward()`", ""),
            ("F02", "`forward(host, port)`", ""),
            ("F03", "`forward(uri:host, uri:port)`", ""),
            ("F04", "never to more than one", ""),
            ("F05", "what a stateless script sees", ""),
            ("F06", "`forward` as a condition", ""),
            ("F07", "`sl_send_reply`", ""),
            ("F08", "3xx with Contacts", ""),
            ("F09", "the redirect server", ""),
            ("F10", "the redirect server that asks a program", ""),
            ("F11", "`sl_reply_error()`", ""),
            ("F12", "one answer to everything", ""),
            ("F13", "nothing is kept after a redirect", ""),
        ],
    },
    Part {
        title: "Transactions",
        items: &[
            ("T01", "`t_relay()`", TRANSACTIONS),
            ("T02", "its failure", TRANSACTIONS),
            ("T03", "parallel forking", TRANSACTIONS),
            ("T04", "`t_relay_to_udp`", TRANSACTIONS),
            ("T05", "`t_newtran()`", TRANSACTIONS),
            ("T06", "`t_reply`", TRANSACTIONS),
            ("T07", "the stateful user agent server", TRANSACTIONS),
            ("T08", "`t_on_reply`", TRANSACTIONS),
            ("T09", "`t_on_failure`", TRANSACTIONS),
            ("T10", "when `failure_route` runs", TRANSACTIONS),
            ("T11", "what it may do", TRANSACTIONS),
            ("T12", "trying one after the other", TRANSACTIONS),
            ("T13", "`fr_timer`", TRANSACTIONS),
            ("T14", "`fr_inv_timer`", TRANSACTIONS),
            ("T15", "a timer of its own for a call", TRANSACTIONS),
            ("T16", "variables in replies", TRANSACTIONS),
            ("T17", "both branches mean one transaction", TRANSACTIONS),
            ("T18", "forwarding on busy and on no answer", TRANSACTIONS),
        ],
    },
    Part {
        title: "Record routing, text, flags",
        items: &[
            ("R01", "`record_route()`", ""),
            ("R02", "`loose_route()`", ""),
            ("R03", "Max-Forwards", ""),
            ("R04", "`search`", ""),
            ("R05", "the samples for private addresses and for domains", ""),
            ("R06", "`search_body`", ""),
            ("R07", "flags", ""),
            ("R08", "AVPs", "loading those of a user comes with databases"),
            ("R09", "`log`", ""),
            ("R10", "more of the guide's functions", "groups, `check_from`: databases"),
        ],
    },
    Part {
        title: "Registrar and location",
        items: &[
            ("L01", "`save`, several tables", ""),
            ("L02", "`lookup`", ""),
            ("L03", "the order of work", ""),
            ("L04", "contacts expire", ""),
            ("L05", "asking for contacts, removing them", ""),
            ("L06", "tables in a database", DATABASE),
            ("L07", "`db_mode`", DATABASE),
            ("L08", "`db_url`", DATABASE),
            ("L09", "contacts as lines, with q and seconds", ""),
            ("L10", "the sample REGISTER", ""),
            ("L11", "without authentication anybody is anybody", ""),
        ],
    },
    Part {
        title: "Authentication",
        items: &[
            ("A01", "`proxy_authorize`", CREDENTIALS),
            ("A02", "`proxy_challenge`", CREDENTIALS),
            ("A03", "`break` after a challenge", CREDENTIALS),
            ("A04", "`check_to`", CREDENTIALS),
            ("A05", "passwords or hashes", CREDENTIALS),
            ("A06", "only callers of our domain", CREDENTIALS),
            ("A07", "the modules it needs", CREDENTIALS),
            ("A08", "`www_authorize`, `www_challenge`", CREDENTIALS),
        ],
    },
    Part {
        title: "exec and xlog",
        items: &[
            ("E01", "`exec_msg`", ""),
            ("E02", "`exec_dset`", ""),
            ("E03", "a slow command keeps nobody waiting", ""),
            ("X01", "`xlog` and its levels", ""),
            ("X02", "its variables", ""),
            ("X03", "its colours", ""),
            ("X04", "`%` and `$`", ""),
            ("X05", "the process in each line", "in the system log"),
            ("X06", "whole messages on the screen", ""),
        ],
    },
    Part {
        title: "Global parameters, loader, tools",
        items: &[
            ("G01", "addresses, ports, log level", ""),
            ("G02", "`alias`", ""),
            ("G03", "`loadmodule` with a path", ""),
            ("G04", "`modparam`", ""),
            ("G05", "the modules that are named", "some can be loaded and do nothing yet"),
            ("G06", "the limit of the destination set", ""),
            ("G07", "tools beside the server", "pages in a browser are not planned"),
            ("G08", "NAT, media relays and others, by name", "refused by name"),
            ("G09", "the Server header", ""),
            ("G10", "the guide's global parameters", ""),
            ("G11", "the guide's command line", "in words of its own"),
            ("G12", "commands through a FIFO", "those of `tm` come with transactions"),
            (
                "G13",
                "the administrator's tool and the database",
                "subscribers and tables come with databases",
            ),
            ("G14", "the noisy Warning header", ""),
        ],
    },
];

/// A test, as the table names it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Test {
    file: String,
    name: String,
}

/// All items, in order.
fn items() -> impl Iterator<Item = &'static Item> {
    PARTS.iter().flat_map(|part| part.items)
}

/// The tests that name each id.
fn tests_by_id() -> BTreeMap<&'static str, Vec<Test>> {
    let mut found: BTreeMap<&'static str, Vec<Test>> = BTreeMap::new();
    for folder in ["tests", "src"] {
        for file in rust_files(&root().join(folder)) {
            let name = file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            for (comment, test) in tests_of(&fs::read_to_string(&file).unwrap()) {
                for id in ids_in(&format!("{comment} {}", test.to_uppercase().replace('_', " "))) {
                    let test = Test { file: name.clone(), name: test.clone() };
                    found.entry(id).or_default().push(test);
                }
            }
        }
    }
    found.values_mut().for_each(|tests| tests.sort());
    found
}

/// The tests of a file with the comments before them.
fn tests_of(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let (mut comment, mut is_test) = (String::new(), false);
    for line in text.lines().map(str::trim) {
        if let Some(more) = line.strip_prefix("//") {
            comment.push_str(more.trim_start_matches(['/', '!']));
        } else if line.starts_with("#[") {
            is_test |= line == "#[test]";
        } else {
            let name = line.strip_prefix("fn ").and_then(|rest| rest.split('(').next());
            if let Some(name) = name.filter(|_| is_test) {
                found.push((comment.clone(), name.to_owned()));
            }
            comment.clear();
            is_test = false;
        }
    }
    found
}

/// The ids that a comment names: `C01, C02`, or from one to another: `U01 to U08`.
fn ids_in(comment: &str) -> Vec<&'static str> {
    let order: Vec<&'static str> = items().map(|(id, ..)| *id).collect();
    let position = |word: &str| order.iter().position(|id| *id == word);
    let is_part = |character: char| character.is_ascii_alphanumeric();
    let words: Vec<&str> =
        comment.split(|it: char| !is_part(it)).filter(|it| !it.is_empty()).collect();
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let Some(first) = position(word) else { continue };
        let last = match words.get(at + 1..at + 3) {
            Some(["to", last]) => position(last).unwrap_or(first),
            _ => first,
        };
        found.extend_from_slice(&order[first..=last.max(first)]);
    }
    found.sort_by_key(|id| position(id));
    found.dedup();
    found
}

/// Whether nothing has to show an id yet.
fn is_later(id: &str) -> bool {
    LATER.iter().any(|later| id.starts_with(later))
}

/// The Rust files below a folder.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The folder of the package.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The page.
fn page() -> String {
    let mut out = String::from(INTRODUCTION);
    let tests = tests_by_id();
    for Part { title, items } in PARTS {
        out += &format!("\n## {title}\n\n| id | what | not yet | shown by |\n|---|---|---|---|\n");
        for (id, what, missing) in *items {
            let shown = tests.get(id).map_or_else(String::new, |tests| shown_by(tests));
            out += &format!("| {id} | {what} | {missing} | {shown} |\n");
        }
    }
    out
}

/// The tests, those of a file behind its name.
fn shown_by(tests: &[Test]) -> String {
    let files = tests.chunk_by(|one, other| one.file == other.file);
    let shown = files.map(|tests| {
        let names: Vec<String> = tests.iter().map(|test| format!("`{}`", test.name)).collect();
        format!("{}: {}", tests[0].file, names.join(", "))
    });
    shown.collect::<Vec<_>>().join("<br>")
}

const INTRODUCTION: &str = "# The contract

What the server is held to, item by item, and the tests that show it. A test shows an item by naming
its id in the comment before it, or at the start of its name; this page is made of these:
`VIADUCT_WRITE_DOCS=1 cargo test --test contract`.
";

#[test]
fn every_item_that_is_there_is_shown_by_a_test() {
    let tests = tests_by_id();
    let missing: Vec<&str> =
        items().map(|(id, ..)| *id).filter(|id| !tests.contains_key(id) && !is_later(id)).collect();
    assert!(missing.is_empty(), "no test names {missing:?}: name each in the comment of its test");
}

#[test]
fn ids_are_there_once_and_have_a_headline() {
    let mut seen = BTreeMap::new();
    for (id, what, _) in items() {
        assert!(!what.is_empty() && seen.insert(id, what).is_none(), "{id}");
    }
}

#[test]
fn ids_are_read_from_comments() {
    assert_eq!(ids_in("C01, C02: text (M03). RFC 3261 §16."), ["M03", "C01", "C02"]);
    assert_eq!(ids_in("U01 to U03, U10 and E0401"), ["U01", "U02", "U03", "U10"]);
    let text =
        "/// C01: a\n/// b\n#[test]\nfn one() {}\n\n/// C02\nfn two() {}\n#[test]\nfn three() {}";
    let expected = [(" C01: a b", "one"), ("", "three")];
    assert_eq!(tests_of(text), expected.map(|(comment, name)| (comment.into(), name.into())));
}

#[test]
fn the_page_is_up_to_date() {
    let path = root().join("docs/contract.md");
    let page = page();
    if env::var_os("VIADUCT_WRITE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == page,
        "docs/contract.md is not what the tests say. Make it anew: \
         VIADUCT_WRITE_DOCS=1 cargo test --test contract"
    );
}
