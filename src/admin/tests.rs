//! Commands and their answers, without a server.

use std::sync::Arc;

use crate::admin::{Answer, Certificate, Certificates, Facts, Format, Outcome, Scene, Thread, ask};
use crate::connections::{
    Card, ConnectionId, ConnectionSettings, ConnectionState, Directory, Place,
};
use crate::limits::CONTROL_STEP_AORS;
use crate::location::{LocationTables, RegistrarConfig, UsrlocConfig};
use crate::mem::ListenerId;
use crate::metrics::{Counter, WorkerCounters};
use crate::protocol::Transport;
use crate::time::Now;

/// A server that does nothing but answer.
struct Desk {
    facts: Facts,
    tables: LocationTables,
    connections: Directory,
    counters: Vec<WorkerCounters>,
    now: Now,
}

impl Certificates for Vec<Certificate> {
    fn list(&self) -> Self {
        self.clone()
    }
}

impl Desk {
    /// One that was started an hour ago.
    fn new() -> Self {
        let facts = Facts {
            started: Now { monotonic_ms: 1_000, wall_seconds: 1_798_761_600, ..Now::default() },
            process: 7,
            arguments: vec!["viaduct".to_owned(), "run".to_owned()],
            directory: "/srv/\x1b".to_owned(),
            ..Facts::default()
        };
        let counters = (0..3).map(|_| WorkerCounters::default()).collect();
        let now = Now { monotonic_ms: 3_601_000, wall_seconds: 1_798_765_200, ..Now::default() };
        let connections = Directory::new(ConnectionSettings::default(), Vec::new());
        Self { facts, tables: LocationTables::new(), connections, counters, now }
    }

    /// Calls `what` with the scene.
    fn with_scene<R>(&self, what: impl FnOnce(&Scene<'_>) -> R) -> R {
        let threads = || vec![Thread { id: 9, name: "worker-0".to_owned() }];
        let certificate = Certificate {
            file: "cert.pem".to_owned(),
            subject: "sip.example.com".to_owned(),
            issuer: "A".to_owned(),
            not_after_seconds: 1_798_765_200 + 86_400,
        };
        let certificates = vec![certificate];
        let Self { facts, tables, connections, counters, now } = self;
        let scene = Scene {
            now: *now,
            facts,
            tables,
            connections,
            counters,
            threads: &threads,
            certificates: &certificates,
        };
        what(&scene)
    }

    /// The answer to a command whose words have no spaces: status line and pieces.
    fn pieces(&self, line: &str, format: Format) -> Vec<String> {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        self.with_scene(|scene| {
            let Outcome::Answer(mut answer) = ask(scene, &words, format) else {
                return vec!["reload".to_owned()];
            };
            let mut pieces = vec![answer.status_line()];
            loop {
                let mut piece = Vec::new();
                let has_more = answer.write_piece(scene, &mut piece);
                pieces.push(String::from_utf8(piece).unwrap());
                if !has_more {
                    return pieces;
                }
            }
        })
    }

    /// The whole answer as text.
    fn ask(&self, line: &str) -> String {
        self.pieces(line, Format::Text).concat()
    }

    /// The whole answer as JSON, without the status line.
    fn json(&self, line: &str) -> serde_json::Value {
        serde_json::from_str(&self.pieces(line, Format::Json)[1..].concat()).unwrap()
    }
}

// L09, G12
#[test]
fn contacts_are_lines_with_q_and_seconds() {
    let desk = Desk::new();
    assert_eq!(desk.ask("ul_add location bob sip:bob@192.0.2.9 456 0.25 0"), "200 OK\n");
    assert_eq!(desk.ask("ul_add location Bob sip:bob@192.0.2.8 60"), "200 OK\n");
    assert_eq!(desk.ask("ul_add location bob sip:bob@192.0.2.7 0 0.125"), "200 OK\n");
    assert_eq!(
        desk.ask("ul_show_contact location bob"),
        "200 OK\n<sip:bob@192.0.2.9>;q=0.25;expires=456\n\
         <sip:bob@192.0.2.7>;q=0.125;expires=permanent\n\
         <sip:bob@192.0.2.8>;q=0.00;expires=60\n"
    );
    let json = desk.json("ul show sip:bob@anywhere.example");
    let contact = |at: usize, name: &str| json["entries"][at][name].clone();
    assert_eq!(contact(0, "contact"), "sip:bob@192.0.2.9");
    assert_eq!((contact(0, "q"), contact(0, "expires")), (0.25.into(), 456.into()));
    assert!(contact(1, "expires").is_null() && contact(2, "q").is_null());
}

// G12, L01
#[test]
fn a_command_that_is_refused_makes_no_table() {
    let desk = Desk::new();
    for line in [
        "ul_add typo bob sip:bob@192.0.2.9 60 2",
        "ul_add typo bob nonsense",
        "ul_add typo bob sip:<x>",
    ] {
        assert!(desk.ask(line).starts_with("400 "), "{line}");
    }
    assert!(desk.tables.get(b"typo").is_none());
    assert_eq!(desk.ask("ul_add new bob sip:bob@192.0.2.9"), "200 OK\n");
    assert!(desk.tables.get(b"new").is_some());
}

// G12
#[test]
fn a_contact_lasts_as_long_as_it_was_added_for() {
    let mut desk = Desk::new();
    desk.ask("ul_add location bob sip:bob@192.0.2.9 60");
    desk.ask("ul_add location joe sip:joe@192.0.2.9");
    desk.now.monotonic_ms += 60_000;
    assert_eq!(
        desk.ask("ul_show_contact location bob"),
        "404 `bob` has no contact in table `location`\n"
    );
    assert_eq!(desk.ask("ul_stats"), "200 OK\ntable users contacts expired\nlocation 1 1 1\n");
    assert_eq!(desk.ask("ul_flush"), "200 OK\n");
    assert_eq!(desk.ask("ul_stats"), "200 OK\ntable users contacts expired\nlocation 1 1 0\n");
    assert_eq!(desk.counters[2].value(Counter::BindingsExpired), 1);
    desk.now.monotonic_ms += 1_000_000_000_000;
    assert!(desk.ask("ul show joe").contains("permanent"));
}

// G12, G13
#[test]
fn users_contacts_and_aliases_are_removed() {
    let desk = Desk::new();
    assert_eq!(
        desk.ask("ul_rm location bob"),
        "404 there is no table `location`, or nothing was saved to it\n"
    );
    desk.ask("ul add bob sip:bob@192.0.2.9");
    desk.ask("ul add bob sip:bob@192.0.2.8;transport=udp");
    let missing = "404 `bob` has no contact `sip:bob@192.0.2.1` in table `location`\n";
    assert_eq!(desk.ask("ul_rm_contact location bob sip:bob@192.0.2.1"), missing);
    assert_eq!(desk.ask("ul rm bob sip:bob@192.0.2.9"), "200 OK\n");
    assert_eq!(desk.ask("ul show --brief"), "200 OK\nlocation bob 1\n");
    assert_eq!(desk.ask("ul_rm location bob"), "200 OK\n");
    assert_eq!(desk.ask("ul rm bob"), "404 `bob` has no contact in table `location`\n");
    assert_eq!(desk.ask("ul show"), "200 OK\n");
    assert_eq!(desk.ask("alias add 911 sip:desk@192.0.2.9"), "200 OK\n");
    let line = "aliases 911 <sip:desk@192.0.2.9>;q=0.00;expires=permanent\n";
    assert_eq!(desk.ask("alias show"), format!("200 OK\n{line}"));
    assert_eq!(desk.ask("ul_dump location"), "200 OK\n");
    assert_eq!(desk.ask("alias rm 911"), "200 OK\n");
    assert_eq!(desk.ask("alias show 911"), "404 `911` has no contact in table `aliases`\n");
}

#[test]
fn an_addition_is_a_new_one_each_time() {
    let desk = Desk::new();
    desk.ask("ul_add location bob sip:bob@192.0.2.9 60");
    desk.ask("ul_add location bob sip:bob@192.0.2.9 90 0.5");
    let expected = "200 OK\n<sip:bob@192.0.2.9>;q=0.50;expires=90\n";
    assert_eq!(desk.ask("ul show bob"), expected);
}

#[test]
fn users_are_keys_as_the_script_says() {
    let mut desk = Desk::new();
    desk.facts.usrloc = UsrlocConfig { use_domain: true, ..UsrlocConfig::default() };
    desk.facts.registrar = RegistrarConfig { contact_count_max: 1, ..RegistrarConfig::default() };
    let answer = desk.ask("ul add bob sip:bob@192.0.2.9");
    assert_eq!(answer, "400 `bob` has no domain, and domains count here\n");
    assert_eq!(desk.ask("ul add Bob@One.example sip:bob@192.0.2.9"), "200 OK\n");
    assert_eq!(desk.ask("ul show --brief"), "200 OK\nlocation bob@one.example 1\n");
    assert!(desk.ask("ul show bob@two.example").starts_with("404 "));
    let answer = desk.ask("ul add bob@one.example sip:bob@192.0.2.8");
    assert_eq!(answer, "400 refused: too many contacts\n");
}

#[test]
fn what_cannot_be_a_contact_or_a_user_is_refused() {
    let desk = Desk::new();
    for line in [
        "ul add bob nonsense",
        "ul add bob *",
        "ul add bob sip:bob@h>;expires=5,<sip:x@h",
        "ul add sip: sip:bob@h",
        "ul_add location bob sip:bob@h 99999999999",
        "ul_add location bob sip:bob@h -1",
        "ul_add location bob sip:bob@h 60 1.5",
        "ul_add location bob sip:bob@h 60 0.5;expires=0",
        "ul_add location bob",
        "ul_add a b c d e f g h i j",
        "ul_rm location",
        "ul_dump a b",
        "uptime now",
    ] {
        assert!(desk.ask(line).starts_with("400 "), "{line}: {}", desk.ask(line));
    }
    assert_eq!(desk.tables.iter().map(|(_, table)| table.aor_count()).sum::<usize>(), 0);
}

#[test]
fn a_name_from_the_network_cannot_write_to_the_terminal() {
    let desk = Desk::new();
    assert_eq!(desk.ask("ul add bob%1b%5b2J%0aalice sip:bob@h"), "200 OK\n");
    assert_eq!(desk.ask("ul show --brief"), "200 OK\nlocation bob%1B[2j%0Aalice 1\n");
    assert_eq!(desk.json("ul show")["entries"][0]["aor"], "bob\u{1b}[2j\nalice".to_owned());
    assert_eq!(desk.ask("pwd"), "200 OK\n/srv/%1B\n");
}

// L09
#[test]
fn a_long_list_comes_in_small_pieces() {
    let desk = Desk::new();
    for number in 0..5_000 {
        desk.ask(&format!("ul add user{number} sip:user{number}@192.0.2.9"));
    }
    let pieces = desk.pieces("ul show", Format::Text);
    assert!(pieces.len() > 5_000 / CONTROL_STEP_AORS);
    assert!(pieces.iter().all(|piece| piece.lines().count() <= CONTROL_STEP_AORS));
    assert_eq!(pieces.concat().lines().count(), 5_001);
    assert_eq!(desk.json("ul_dump brief")["entries"].as_array().unwrap().len(), 5_000);
}

// G12
#[test]
fn the_server_tells_about_itself() {
    let desk = Desk::new();
    assert_eq!(
        desk.ask("uptime"),
        "200 OK\nNow: Fri Jan  1 01:00:00 2027\nUp Since: Fri Jan  1 00:00:00 2027\n\
         Up time: 3600 [sec]\n"
    );
    assert_eq!(desk.ask("ps"), "200 OK\n0\t9\tworker-0\n");
    assert_eq!(desk.ask("arg"), "200 OK\nviaduct\nrun\n");
    assert!(desk.ask("version").starts_with("200 OK\nServer: Viaduct ("));
    assert_eq!(desk.json("uptime")["entries"][0]["uptime"], 3_600);
}

// G12
#[test]
fn which_lists_what_the_guide_names_but_what_needs_transactions() {
    let desk = Desk::new();
    let listed = desk.ask("which");
    for name in [
        "ps",
        "which",
        "arg",
        "pwd",
        "version",
        "uptime",
        "sl_stats",
        "ul_stats",
        "ul_rm",
        "ul_rm_contact",
        "ul_dump",
        "ul_flush",
        "ul_add",
        "ul_show_contact",
    ] {
        assert!(listed.lines().any(|line| line == name), "{name}");
    }
    for name in ["t_stats", "t_hash", "t_uac_dlg"] {
        assert!(!listed.contains(name));
        assert_eq!(desk.ask(name), "400 not yet: needs transactions\n");
    }
}

// G13
#[test]
fn subscribers_need_a_database() {
    let desk = Desk::new();
    for line in ["add bob secret bob@example.com", "passwd bob secret", "rm bob"] {
        assert_eq!(desk.ask(line), "400 not yet: subscribers need a database\n");
    }
}

// G12
#[test]
fn counters_of_all_threads_are_added_up() {
    let desk = Desk::new();
    for (block, codes) in
        desk.counters.iter().zip([[200, 404, 100], [404, 480, 699], [200, 486, 503]])
    {
        codes.iter().for_each(|code| block.count_reply(*code));
    }
    assert_eq!(desk.ask("stats sent_replies"), "200 OK\nsent_replies = 9\n");
    let all = desk.ask("get_statistics all");
    assert_eq!(all.lines().count(), 1 + Counter::ALL.len());
    assert_eq!(desk.json("stats.get_statistics")["entries"][0]["sent_replies"], 9);
    assert_eq!(
        desk.ask("sl_stats"),
        "200 OK\n200: 2 202: 0 2xx: 0\n300: 0 301: 0 302: 0 3xx: 0\n\
         400: 0 401: 0 403: 0 404: 2 407: 0 408: 0 483: 0 4xx: 2\n500: 0 5xx: 1\n6xx: 1\nxxx: 1\n"
    );
    assert_eq!(
        desk.ask("stats sent_reply"),
        "404 there is no statistic `sent_reply`; did you mean `sent_replies`?\n"
    );
}

#[test]
fn unknown_words_are_named_with_what_was_meant() {
    let desk = Desk::new();
    assert_eq!(desk.ask("uptme"), "400 there is no command `uptme`; did you mean `uptime`?\n");
    assert_eq!(desk.ask("xyzzy"), "400 there is no command `xyzzy`; `help` lists all\n");
    assert_eq!(desk.ask("ul"), "400 one of: ul show, ul add, ul rm\n");
    assert_eq!(desk.ask(""), "400 no command is given\n");
    assert!(desk.ask("help ul add").contains("ul add USER URI"));
    assert_eq!(desk.ask("help xyzzy"), "404 there is no command `xyzzy`\n");
    let json = desk.json("xyzzy");
    assert_eq!((json["code"].as_u64(), json["entries"].as_array().unwrap().len()), (Some(400), 0));
}

#[test]
fn a_reload_is_done_by_others_and_told_here() {
    let desk = Desk::new();
    assert_eq!(desk.ask("reload"), "reload");
    assert_eq!(desk.ask("cfg.reload"), "reload");
    assert!(desk.ask("reload now").starts_with("400 "));
    let why = Err("not reloaded: the script has errors".to_owned());
    let mut answer = Answer::of_reload(why, "error[E0401]: no\n --> a.cfg:1:2\n", Format::Text);
    assert_eq!(answer.status_line(), "500 not reloaded: the script has errors\n");
    let mut text = Vec::new();
    assert!(!desk.with_scene(|scene| answer.write_piece(scene, &mut text)));
    assert_eq!(text, b"error[E0401]: no\n --> a.cfg:1:2\n");
}

#[test]
fn names_are_used_once_and_every_command_is_described() {
    let mut names: Vec<&str> = Vec::new();
    for command in super::table::COMMANDS {
        names.push(command.name);
        names.extend(command.aliases);
        assert!(command.help.ends_with('.'), "{}", command.name);
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn connections_are_listed_in_order_piece_by_piece() {
    let desk = Desk::new();
    let way = |number: usize| {
        let peer = format!("192.0.2.1:{}", 1_000 + number).parse().unwrap();
        (peer, "192.0.2.9:5060".parse().unwrap())
    };
    for number in 1..=CONTROL_STEP_AORS + 2 {
        let transport = if number == 1 { Transport::Tls } else { Transport::Tcp };
        let active_ms = desk.now.monotonic_ms - 7_000;
        let state = ConnectionState::Open;
        let card = Card::new(number as u64, transport, way(number), state, active_ms);
        let id = ConnectionId { index: number as u32, generation: 0 };
        let place = Place { worker: 0, id, listener: ListenerId(1), card: Arc::new(card) };
        desk.connections.admit(None).unwrap();
        desk.connections.enter(&place);
    }
    let pieces = desk.pieces("core.tcp_list", Format::Text);
    assert_eq!(pieces.len(), 3);
    assert!(pieces[1].starts_with("1 TLS CONN_OK 113 192.0.2.1:1001 192.0.2.9:5060\n2 TCP"));
    let json = desk.pieces("tcp_list", Format::Json).concat();
    let first = "{\"id\":1,\"type\":\"TLS\",\"state\":\"CONN_OK\",\"timeout\":113,\"lifetime\":120,\
        \"src_ip\":\"192.0.2.1\",\"src_port\":1001,\"dst_ip\":\"192.0.2.9\",\"dst_port\":5060}";
    assert!(json.contains(first), "{json}");
    let tls = desk.pieces("tls.list", Format::Text).concat();
    assert_eq!(tls.matches("TLS CONN_OK").count(), 1, "{tls}");
    assert!(!tls.contains("TCP"), "{tls}");
    assert_eq!(
        desk.ask("tls.info"),
        "200 OK\nmax_connections: 16384\nopened_connections: 1\n\
         cert.pem: sip.example.com by A until Sat Jan  2 01:00:00 2027, 1 day left\n"
    );
    let count = CONTROL_STEP_AORS + 2;
    assert_eq!(
        desk.ask("core.tcp_info"),
        format!(
            "200 OK\nreaders: 0\nmax_connections: 16384\nmax_tls_connections: 16384\n\
             opened_connections: {count}\nopened_tls_connections: 1\nwrite_queued_bytes: 0\n"
        )
    );
}
