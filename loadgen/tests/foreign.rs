//! viaload with servers of others: no call may fail and no message be out of place, since all of
//! them and it follow the same RFCs.
//!
//! Messages that get lost are sent again, so a busy machine makes a run longer, not wrong.

#![expect(clippy::expect_used, reason = "a test fails by a panic")]

#[expect(dead_code, unused_imports, reason = "each test program uses a part of the harness")]
#[cfg(test)]
mod support;

use std::net::SocketAddr;
use std::path::Path;

use support::process::Folder;
use support::{Answering, Kamailio, Viaduct, assert_all_completed, kamailio, machine, run, sipp};

/// Calls of the scenario that matters most.
const CALLS: &str = "10000";
/// The same.
const CALL_COUNT: u64 = 10_000;
/// Calls started each second: what one process of a stateful proxy carries on a busy machine.
const RATE: &str = "1000";
/// Scenarios that need no registrar.
const SCENARIOS: [&str; 8] =
    ["call", "cancel", "dtmf", "reinvite", "busy", "noanswer", "options", "message"];

/// Runs each of the scenarios through a proxy, and then ten thousand calls.
fn run_all_through(proxy: SocketAddr) {
    let target = proxy.to_string();
    for scenario in SCENARIOS {
        let load = ["--target", &target, "--scenario", scenario, "--rate", "200", "--calls", "200"];
        assert_all_completed(&run(&load), 200);
    }
    let load = ["--target", &target, "--scenario", "call", "--rate", RATE, "--calls", CALLS];
    let outcome = run(&load);
    assert_all_completed(&outcome, CALL_COUNT);
    assert_eq!(outcome.report().calls.answered, CALL_COUNT);
}

#[test]
fn ten_thousand_calls_to_sipp() {
    if !sipp::is_installed() {
        return;
    }
    let _machine = machine();
    let callee = support::Callee::start("uas");
    let target = callee.address().to_string();
    let load = ["--target", &target, "--no-uas", "--rate", RATE, "--calls", CALLS];
    assert_all_completed(&run(&load), CALL_COUNT);
}

#[test]
fn ten_thousand_calls_from_sipp() {
    if !sipp::is_installed() {
        return;
    }
    let _machine = machine();
    let callee = Answering::start(&[]);
    sipp::call(callee.address(), CALL_COUNT, 1_000, &["-sn", "uac"]);
    assert_eq!(callee.interrupt(), "answered 10,000 calls: 10,000 completed, 0 failed\n");
}

#[test]
fn all_scenarios_pass_a_stateless_proxy() {
    if !kamailio::is_installed() {
        return;
    }
    let _machine = machine();
    let proxy = Kamailio::stateless();
    run_all_through(proxy.address());
}

#[test]
fn all_scenarios_pass_a_stateful_proxy() {
    if !kamailio::is_installed() {
        return;
    }
    let _machine = machine();
    let proxy = Kamailio::stateful();
    run_all_through(proxy.address());
}

#[test]
fn a_day_of_registered_users_at_a_registrar() {
    if !kamailio::is_installed() {
        return;
    }
    let _machine = machine();
    for scenario in ["register", "refresh"] {
        // One of its own for each: where the users of a run that has ended were, nobody answers.
        let registrar = Kamailio::registrar();
        let target = registrar.address().to_string();
        let load = ["--target", &target, "--scenario", scenario, "--users", "200"];
        let outcome = run(&[&load[..], &["--rate", "200", "--calls", "200"]].concat());
        assert_all_completed(&outcome, 200);
    }
    let registrar = Kamailio::registrar();
    assert_day_of_users(&registrar.address().to_string());
}

#[test]
fn a_day_of_registered_users_at_viaduct() {
    let _machine = machine();
    let Some(server) = Viaduct::start() else { return };
    assert_day_of_users(&server.address().to_string());
}

/// Ten thousand calls and registrations of a thousand users.
fn assert_day_of_users(target: &str) {
    let load = ["--target", target, "--scenario", "mixed", "--users", "1000"];
    let outcome = run(&[&load[..], &["--rate", RATE, "--calls", CALLS]].concat());
    assert_all_completed(&outcome, CALL_COUNT);
    let calls = &outcome.report().calls;
    // Nine calls in ten are for a user, and one is a registration.
    assert!((8_500..9_500).contains(&calls.answered), "{calls:?}");
}

/// Runs one of SIPp's scenarios as a file against one of SIPp's callees.
fn run_file_against_sipp(caller: &str, callee: &str) {
    if !sipp::is_installed() {
        return;
    }
    let _machine = machine();
    let folder = Folder::new();
    let file = sipp::builtin(&folder, caller);
    let callee = support::Callee::start(callee);
    let target = callee.address().to_string();
    let load = ["--target", &target, "--no-uas", "--scenario", path(&file)];
    let outcome = run(&[&load[..], &["--rate", "200", "--calls", "500"]].concat());
    assert_all_completed(&outcome, 500);
}

/// A path as an argument.
fn path(path: &Path) -> &str {
    path.to_str().expect("a path of letters")
}

#[test]
fn the_scenario_uac_of_sipp_calls_its_uas() {
    run_file_against_sipp("uac", "uas");
}

#[test]
fn the_scenario_regexp_of_sipp_calls_its_uas() {
    run_file_against_sipp("regexp", "uas");
}

#[test]
fn the_scenario_branchc_of_sipp_calls_its_branchs() {
    run_file_against_sipp("branchc", "branchs");
}

#[test]
fn the_scenario_uas_of_sipp_answers_its_uac() {
    if !sipp::is_installed() {
        return;
    }
    let _machine = machine();
    let folder = Folder::new();
    let file = sipp::builtin(&folder, "uas");
    let callee = Answering::start(&["--scenario", path(&file)]);
    sipp::call(callee.address(), 500, 200, &["-sn", "uac"]);
    assert_eq!(callee.interrupt(), "answered 500 calls: 500 completed, 0 failed\n");
}

#[test]
fn the_scenario_branchs_of_sipp_answers_its_branchc() {
    if !sipp::is_installed() {
        return;
    }
    let _machine = machine();
    let folder = Folder::new();
    let file = sipp::builtin(&folder, "branchs");
    let callee = Answering::start(&["--scenario", path(&file)]);
    sipp::call(callee.address(), 500, 200, &["-sn", "branchc"]);
    assert_eq!(callee.interrupt(), "answered 500 calls: 500 completed, 0 failed\n");
}
