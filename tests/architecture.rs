//! Rules of the source tree that the compiler does not check. Each failure names its remedy.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use viaduct::metrics::Counter;

/// Rooms, each with those that it may import beside itself.
type Rooms = &'static [(&'static str, &'static [&'static str])];

/// Who may import whom in the proxy.
const ROOMS: Rooms = &[
    // base: imports base only
    ("limits", &[]),
    ("jobs", &["limits"]),
    ("mem", &["limits"]),
    ("metrics", &[]),
    ("protocol", &[]),
    ("siphash", &[]),
    ("connections", &["jobs", "limits", "mem", "protocol"]),
    ("names", &["limits", "protocol"]),
    ("time", &[]),
    // sys: the system calls
    ("sys", &[]),
    // core: no socket, file, thread or clock
    ("sip", BASE),
    ("location", &["sip", "limits", "mem", "metrics", "protocol", "siphash", "time"]),
    (
        "script",
        &[
            "location",
            "sip",
            "connections",
            "jobs",
            "limits",
            "mem",
            "metrics",
            "names",
            "protocol",
            "time",
        ],
    ),
    (
        "modules",
        &[
            "script",
            "location",
            "sip",
            "connections",
            "jobs",
            "limits",
            "mem",
            "metrics",
            "protocol",
            "time",
        ],
    ),
    (
        "proxy",
        &[
            "modules", "script", "location", "sip", "jobs", "limits", "mem", "metrics", "names",
            "protocol", "siphash", "time",
        ],
    ),
    (
        "flow",
        &[
            "proxy", "modules", "script", "location", "sip", "jobs", "limits", "mem", "metrics",
            "names", "protocol", "time",
        ],
    ),
    (
        "admin",
        &[
            "script",
            "location",
            "sip",
            "connections",
            "limits",
            "mem",
            "metrics",
            "protocol",
            "time",
        ],
    ),
    // shell
    ("helper", &["sys", "jobs", "limits", "names", "protocol"]),
    (
        "transport",
        &["sip", "sys", "connections", "jobs", "limits", "mem", "metrics", "protocol", "time"],
    ),
    (
        "worker",
        &[
            "transport",
            "proxy",
            "connections",
            "jobs",
            "limits",
            "mem",
            "metrics",
            "protocol",
            "time",
        ],
    ),
    (
        "server",
        &[
            "worker",
            "transport",
            "helper",
            "admin",
            "flow",
            "proxy",
            "modules",
            "script",
            "location",
            "sip",
            "sys",
            "connections",
            "jobs",
            "limits",
            "mem",
            "metrics",
            "names",
            "protocol",
            "time",
        ],
    ),
];

const BASE: &[&str] = &["limits", "mem", "metrics", "protocol", "time"];

/// Who may import whom in the load generator.
const LOADGEN_ROOMS: Rooms = &[
    // base
    ("moment", &[]),
    ("outbox", &[]),
    ("show", &[]),
    ("users", &[]),
    ("clock", &["moment"]),
    // core: no socket, file, thread or clock
    ("measure", &["moment"]),
    ("scenario", &["measure"]),
    ("agent", &["scenario", "users", "measure", "outbox", "moment"]),
    ("pace", &["moment"]),
    // what people see
    ("report", &["scenario", "measure", "show", "moment"]),
    ("view", &["measure", "show", "moment"]),
    // shell
    ("worker", &["pace", "agent", "scenario", "users", "measure", "outbox", "clock", "moment"]),
    (
        "run",
        &[
            "worker", "view", "report", "pace", "agent", "scenario", "users", "measure", "outbox",
            "show", "clock", "moment",
        ],
    ),
];

/// Words that belong to the shell: the core is a function of its inputs.
const SHELL_ONLY: &[&str] =
    &["std::fs", "std::thread", "std::net::UdpSocket", "mio::", "socket2::"];
const CORE: &[&str] = &["sip", "location", "script", "modules", "proxy", "flow", "admin"];
const LOADGEN_CORE: &[&str] =
    &["moment", "outbox", "show", "users", "measure", "scenario", "agent", "pace"];

/// How sockets come into the load generator, and the rooms that have them.
const SOCKETS: &[&str] =
    &["UdpSocket", "TcpStream", "TcpListener", "mio::", "socket2::", "viaduct::sys"];
const LOADGEN_SHELL: &[&str] = &["worker", "run"];

const FILE_LINES_MAX: usize = 800;
const LINE_CHARS_MAX: usize = 100;

/// A source file of the repository.
struct Source {
    /// Relative to the repository, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// The room that it belongs to; the binaries' files belong to none.
    fn room(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("loadgen/").unwrap_or(&self.path);
        let inside = inside.strip_prefix("src/")?;
        let room = inside.split('/').next()?;
        let room = room.strip_suffix(".rs").unwrap_or(room);
        (!["main", "lib", "cli"].contains(&room)).then_some(room)
    }

    /// Its lines of code, with their numbers from 1: neither comments nor tests.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let tests = self.text.find("\n#[cfg(test)]\nmod tests {");
        let end = if self.path.ends_with("/tests.rs") { 0 } else { self.text.len() };
        let shipped = tests.unwrap_or(end);
        self.text[..shipped]
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default()))
    }

    /// Lines that contain one of `words` and are not code or not to be there: `path:line: word`.
    fn find<'s>(&'s self, words: &'s [&str]) -> impl Iterator<Item = String> + 's {
        self.code().flat_map(move |(number, line)| {
            let hits = words.iter().filter(move |word| line.contains(**word));
            hits.map(move |word| format!("{}:{number}: {word}", self.path))
        })
    }
}

/// All files below `directory` with this extension.
fn sources(directory: &str, extension: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pending = vec![root.join(directory)];
    let mut found = Vec::new();
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).unwrap();
            pending.extend(entries.map(|entry| entry.unwrap().path()).filter(|path| wanted(path)));
        } else if path.extension().is_some_and(|found| found == extension) {
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            found.push(Source { path, text });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Whether a path is ours to look at.
fn wanted(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_str().unwrap_or_default();
    !["target", "corpus", "artifacts"].contains(&name) && !name.starts_with('.')
}

/// All Rust files of the repository.
fn rust_sources() -> Vec<Source> {
    ["src", "tests", "benches", "fuzz", "loadgen"]
        .into_iter()
        .filter(|directory| Path::new(env!("CARGO_MANIFEST_DIR")).join(directory).exists())
        .flat_map(|directory| sources(directory, "rs"))
        .collect()
}

/// Fails with all findings and what to do about them.
fn assert_none(findings: &[String], remedy: &str) {
    assert!(findings.is_empty(), "\n{}\n\n{remedy}\n", findings.join("\n"));
}

/// The rooms that a line of code names by `crate::room`, also as `crate::{room, room::x}`.
fn imported_rooms(code: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for (start, _) in code.match_indices("crate::") {
        let rest = &code[start + "crate::".len()..];
        let before = code[..start].chars().next_back();
        if before.is_some_and(|character| character.is_alphanumeric() || character == '_') {
            continue;
        }
        match rest.strip_prefix('{') {
            None => rooms.push(first_name(rest)),
            Some(list) => rooms.extend(top_level_names(list)),
        }
    }
    rooms.retain(|room| !room.is_empty());
    rooms
}

/// The identifier that `text` begins with.
fn first_name(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

/// The first names of the items of a list that ends with its closing brace.
fn top_level_names(list: &str) -> Vec<String> {
    let mut depth = 0;
    let mut names = vec![String::new()];
    let mut in_name = true;
    for character in list.chars() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(String::new());
                in_name = true;
            }
            ':' => in_name = false,
            _ if depth == 0 && in_name && !character.is_whitespace() => {
                if let Some(name) = names.last_mut() {
                    name.push(character);
                }
            }
            _ => {}
        }
    }
    names
}

#[test]
fn rooms_import_only_what_lies_below_them() {
    let mut findings = imports_from_above("src", ROOMS);
    findings.extend(imports_from_above("loadgen/src", LOADGEN_ROOMS));
    assert_none(
        &findings,
        "Move the code to the room that may know both, or pass in what it needs: a value, or a \
         trait of the lower room. A new room needs a line in ROOMS or LOADGEN_ROOMS.",
    );
}

/// Imports below `directory` that the table of its rooms does not have.
fn imports_from_above(directory: &str, rooms: Rooms) -> Vec<String> {
    let allowed: BTreeMap<&str, &[&str]> = rooms.iter().copied().collect();
    let mut findings = Vec::new();
    for source in sources(directory, "rs") {
        let Some(room) = source.room() else { continue };
        let Some(below) = allowed.get(room) else {
            findings.push(format!("{}: the room `{room}` is not in the table", source.path));
            continue;
        };
        let code: String = source.code().map(|(_, line)| format!("{line}\n")).collect();
        for imported in imported_rooms(&code) {
            let known = allowed.contains_key(imported.as_str());
            if known && imported != room && !below.contains(&imported.as_str()) {
                findings.push(format!("{}: `{room}` imports `{imported}`", source.path));
            }
        }
    }
    findings
}

#[test]
fn a_room_lies_above_all_that_it_imports() {
    for rooms in [ROOMS, LOADGEN_ROOMS] {
        for (place, (room, below)) in rooms.iter().enumerate() {
            let before = |name: &&str| rooms[..place].iter().any(|(room, _)| room == name);
            let above: Vec<_> = below.iter().filter(|name| !before(name)).collect();
            assert!(above.is_empty(), "{room} imports {above:?}, which is no room above it");
        }
    }
}

#[test]
fn imports_are_read_in_all_their_forms() {
    let code = "use crate::mem::{Outbox, Slot};\n\
        use crate::{\n    sip::{self, uri},\n    time,\n};\n\
        fn f(x: crate::sys::Y) { subcrate::no(); }";
    assert_eq!(imported_rooms(code), ["mem", "sip", "time", "sys"]);
}

#[test]
fn the_core_knows_no_file_socket_or_thread() {
    let mut findings = Vec::new();
    for (directory, rooms) in [("src", CORE), ("loadgen/src", LOADGEN_CORE)] {
        let of_core = |source: &Source| source.room().is_some_and(|room| rooms.contains(&room));
        let core: Vec<Source> = sources(directory, "rs").into_iter().filter(of_core).collect();
        assert!(!core.is_empty(), "{directory} has no core");
        findings.extend(core.iter().flat_map(|source| source.find(SHELL_ONLY)));
    }
    assert_none(
        &findings,
        "Do it in server/, worker/ or transport/ (run/ or worker/ of the load generator) and \
         pass the result in.",
    );
}

#[test]
fn only_the_shell_of_the_load_generator_has_sockets() {
    let findings: Vec<String> = sources("loadgen/src", "rs")
        .iter()
        .filter(|source| source.room().is_none_or(|room| !LOADGEN_SHELL.contains(&room)))
        .flat_map(|source| source.find(SOCKETS))
        .collect();
    assert_none(&findings, "Do it in worker/ or run/ and pass the result in.");
}

#[test]
fn unsafe_is_in_sys_only() {
    let mut all = sources("src", "rs");
    all.extend(sources("loadgen/src", "rs"));
    let findings: Vec<String> = all
        .iter()
        .filter(|source| !source.path.starts_with("src/sys"))
        .flat_map(|source| source.find(&["unsafe {", "unsafe fn", "unsafe impl", "unsafe trait"]))
        .collect();
    assert_none(&findings, "Offer what is needed by a safe function of src/sys/.");
}

#[test]
fn the_clock_is_read_in_one_place() {
    let words = ["Instant::now", "SystemTime::now", "Timestamp::now", ".elapsed()"];
    let clocks = ["src/server/clock.rs", "loadgen/src/clock.rs"];
    let mut all = sources("src", "rs");
    all.extend(sources("loadgen/src", "rs"));
    let findings: Vec<String> = all
        .iter()
        .filter(|source| !clocks.contains(&source.path.as_str()))
        .flat_map(|source| source.find(&words))
        .collect();
    assert_none(&findings, "Take the time as argument; the file clock.rs alone reads the clocks.");
}

#[test]
fn files_and_lines_are_short() {
    let mut findings = Vec::new();
    for source in rust_sources() {
        let count = source.text.lines().count();
        if count > FILE_LINES_MAX {
            findings.push(format!("{}: {count} lines", source.path));
        }
        for (index, line) in source.text.lines().enumerate() {
            // Elsewhere, messages and scripts stand in the text as they are.
            if source.room().is_some() && line.chars().count() > LINE_CHARS_MAX {
                findings.push(format!("{}:{}: too wide", source.path, index + 1));
            }
        }
    }
    assert_none(
        &findings,
        "A file of more than 800 lines holds two concepts: give one its own file. Break lines at \
         100 characters.",
    );
}

#[test]
fn nothing_is_left_over() {
    let words = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["XX", "X:"].concat()];
    let macros = [["db", "g!("].concat(), ["to", "do!("].concat()];
    let mut findings = Vec::new();
    for source in rust_sources() {
        for (index, line) in source.text.lines().enumerate() {
            for word in words.iter().chain(&macros).filter(|word| line.contains(word.as_str())) {
                findings.push(format!("{}:{}: {word}", source.path, index + 1));
            }
        }
    }
    assert_none(&findings, "Do it now, or describe it in an issue.");
}

#[test]
fn references_to_rfcs_have_one_form() {
    let mut findings = Vec::new();
    for source in rust_sources() {
        for (index, line) in source.text.lines().enumerate() {
            let place = format!("{}:{}", source.path, index + 1);
            let glued = |rest: &str| rest.starts_with(|first: char| first.is_ascii_digit());
            let spelled = |rest: &str| {
                let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
                rest.trim_start_matches(',').trim_start().to_lowercase().starts_with("section")
            };
            for (start, word) in line.match_indices("RFC") {
                let rest = &line[start + word.len()..];
                if glued(rest) || spelled(rest) {
                    findings.push(format!("{place}: {}", line.trim()));
                }
            }
        }
    }
    assert_none(&findings, "Write `RFC 3261 §16.6 step 8`, so that references can be searched.");
}

#[test]
fn no_path_of_one_machine_is_in_the_files() {
    let roots = ["ho", "roo", "wor", "Use"].map(|start| match start {
        "ho" => "/home/".to_owned(),
        "roo" => ["/ro", "ot/"].concat(),
        "wor" => ["/wo", "rk/"].concat(),
        _ => ["/Us", "ers/"].concat(),
    });
    let mut files = rust_sources();
    for (directory, extension) in [("examples", "cfg"), ("docs", "md"), ("tuning", "md")] {
        if Path::new(env!("CARGO_MANIFEST_DIR")).join(directory).exists() {
            files.extend(sources(directory, extension));
        }
    }
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path != "tests/architecture.rs") {
        for (index, line) in file.text.lines().enumerate() {
            for root in roots.iter().filter(|root| line.contains(root.as_str())) {
                findings.push(format!("{}:{}: {root}", file.path, index + 1));
            }
        }
    }
    assert_none(&findings, "Name it relative to the repository.");
}

#[test]
fn every_module_file_is_declared() {
    let mut all = sources("src", "rs");
    all.extend(sources("loadgen/src", "rs"));
    let mut findings = Vec::new();
    for source in &all {
        let path = Path::new(&source.path);
        let stem = path.file_stem().unwrap().to_str().unwrap();
        if ["main", "lib"].contains(&stem) {
            continue;
        }
        let (name, parent) = match stem {
            "mod" => (path.parent().unwrap().file_name().unwrap(), path.parent().unwrap().parent()),
            _ => (path.file_stem().unwrap(), path.parent()),
        };
        let parent = parent.unwrap().to_str().unwrap();
        let own_file = format!("{parent}.rs");
        let above = ["lib.rs", "main.rs", "mod.rs"].map(|file| format!("{parent}/{file}"));
        let declared = all
            .iter()
            .filter(|other| above.contains(&other.path) || other.path == own_file)
            .any(|other| other.text.contains(&format!("mod {};", name.to_str().unwrap())));
        if !declared {
            findings.push(source.path.clone());
        }
    }
    assert_none(&findings, "Declare the module where it belongs, or delete the file.");
}

#[test]
fn counters_have_a_name_and_a_meaning_of_their_own() {
    let mut findings = Vec::new();
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for counter in Counter::ALL {
        let (name, help) = (counter.name(), counter.help());
        let plain = |character: char| character.is_ascii_lowercase() || character == '_';
        if name.is_empty() || !name.chars().all(plain) {
            findings.push(format!("{name}: not in lower case with underscores"));
        }
        if !help.ends_with('.') || !help.starts_with(|first: char| first.is_ascii_uppercase()) {
            findings.push(format!("{name}: its meaning is not a sentence"));
        }
        if seen.insert(name, help).is_some() || seen.values().filter(|h| **h == help).count() > 1 {
            findings.push(format!("{name}: name or meaning is used twice"));
        }
    }
    assert_none(&findings, "Change the table in src/metrics/table.rs.");
}
