//! What viaload makes of a proxy that loses, delays and pauses.

#![expect(clippy::panic, reason = "a test fails by a panic")]

#[expect(dead_code, unused_imports, reason = "each test program uses a part of the harness")]
#[cfg(test)]
mod support;

use std::collections::BTreeSet;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{Fate, Passing, ProxyDouble, Running, assert_all_completed, machine, run, sipp};
use viaload::report::{LatencySummary, Report};

/// The time from the intended start to the answer.
#[track_caller]
fn setup(report: &Report) -> &LatencySummary {
    let mark = report.latency.iter().find(|latency| latency.mark == "setup");
    mark.unwrap_or_else(|| panic!("no mark `setup` in {:?}", report.latency))
}

/// A proxy that loses this share of all messages, by a seed that is always the same.
fn losing(share: f64) -> ProxyDouble {
    let mut chance = fastrand::Rng::with_seed(26);
    ProxyDouble::start(move |_| if chance.f64() < share { Fate::Lose } else { Fate::Pass })
}

/// The double itself, with a caller and a callee that know nothing of viaload.
#[test]
fn calls_of_sipp_pass_the_double() {
    if !sipp::is_installed() {
        return;
    }
    let _machine = machine();
    let callee = support::Callee::start("uas");
    let proxy = losing(0.01);
    let proxy_address = proxy.address().to_string();
    sipp::call(callee.address(), 500, 200, &["-sn", "uac", "-rsa", &proxy_address]);
}

#[test]
fn one_lost_datagram_in_a_hundred_fails_no_call() {
    let _machine = machine();
    let proxy = losing(0.01);
    let target = proxy.address().to_string();
    let outcome = run(&["--target", &target, "--rate", "400", "--calls", "2000"]);
    let report = outcome.report();
    assert_eq!(report.calls.completed, 2_000, "{:?}", report.calls);
    assert_eq!(report.calls.failed, 0, "{:?}", report.calls);
    assert!(report.calls.callee_failures.is_empty(), "{:?}", report.calls);
    assert!(report.messages.requests_repeated > 0, "{:?}", report.messages);
    assert!(report.messages.responses_repeated > 0, "{:?}", report.messages);
}

#[test]
fn loss_fails_no_call_of_a_mixed_load() {
    let _machine = machine();
    let proxy = losing(0.01);
    let target = proxy.address().to_string();
    for scenario in ["cancel", "busy", "noanswer", "dtmf", "reinvite"] {
        let load = ["--target", &target, "--scenario", scenario, "--rate", "200", "--calls", "600"];
        let report = run(&load).report().clone();
        assert_eq!(report.calls.completed, 600, "{scenario}: {:?}", report.calls);
        assert_eq!(report.calls.failed, 0, "{scenario}: {:?}", report.calls);
        assert!(report.messages.requests_repeated > 0, "{scenario}: {:?}", report.messages);
    }
}

#[test]
fn each_call_whose_bye_is_lost_fails_for_want_of_an_answer() {
    let proxy = ProxyDouble::start(
        |message| {
            if message.is_request("BYE") { Fate::Lose } else { Fate::Pass }
        },
    );
    let target = proxy.address().to_string();
    let outcome = run(&["--target", &target, "--rate", "20", "--calls", "20"]);
    let report = outcome.report();
    // 4 if the machine was too busy to start the calls in time.
    assert!(matches!(outcome.code, Some(1 | 4)), "{:?} {}", outcome.code, outcome.stderr);
    assert_eq!(report.calls.failed, 20, "{:?}", report.calls);
    assert_eq!(report.calls.completed, 0, "{:?}", report.calls);
    let reasons: Vec<_> =
        report.calls.failures.iter().map(|failure| (&*failure.reason, failure.count)).collect();
    assert_eq!(reasons, [("no answer", 20)]);
    // After T1, then doubled up to T2, until 64 × T1 have passed (RFC 3261 §17.1.2.2): ten times,
    // if the machine has always time.
    assert!(report.messages.requests_repeated >= 20 * 9, "{:?}", report.messages);
    assert!(report.messages.requests_repeated <= 20 * 10, "{:?}", report.messages);
}

#[test]
fn what_the_proxy_delays_is_in_the_latency() {
    let _machine = machine();
    let proxy = ProxyDouble::start(|_| Fate::Delay(Duration::from_millis(200)));
    let target = proxy.address().to_string();
    let outcome = run(&["--target", &target, "--rate", "200", "--calls", "600"]);
    assert_all_completed(&outcome, 600);
    let setup = setup(outcome.report());
    // The INVITE there and the answer back.
    assert!(setup.min_us >= 400_000, "{setup:?}");
    assert!(setup.p50_us >= 400_000, "{setup:?}");
    assert_eq!(setup.count, 600);
}

/// A generator that waits for answers before it goes on would start a few calls late and find
/// only those slow. All calls of the pause must be slow, and none left out.
#[test]
fn a_pause_of_the_proxy_is_in_the_latency_of_every_call_that_was_due_in_it() {
    const PAUSE_START: Duration = Duration::from_secs(2);
    const PAUSE_END: Duration = Duration::from_secs(4);
    let _machine = machine();
    let proxy = ProxyDouble::start(|message| {
        if message.at >= PAUSE_START && message.at < PAUSE_END {
            Fate::Delay(PAUSE_END - message.at)
        } else {
            Fate::Pass
        }
    });
    let target = proxy.address().to_string();
    let outcome = run(&["--target", &target, "--rate", "300", "--duration", "6"]);
    let report = outcome.report();
    assert_eq!(report.calls.failed, 0, "{:?}", report.calls);
    assert_eq!(report.calls.offered, 1_800, "{:?}", report.calls);
    assert_eq!(report.calls.started, report.calls.offered, "{:?}", report.calls);
    let setup = setup(report);
    assert_eq!(setup.count, 1_800);
    assert!(setup.p99_us >= 1_500_000, "{setup:?}");
    assert!(setup.max_us >= 1_900_000, "{setup:?}");
    // A third of all calls was due in the pause, and three quarters of these waited for more
    // than half a second.
    assert!(setup.p90_us >= 500_000, "{setup:?}");
    assert!(report.messages.requests_repeated > 0, "{:?}", report.messages);
}

/// The calls that the proxy has seen, by Call-ID.
#[derive(Default)]
struct Seen {
    invited: BTreeSet<String>,
    ended: BTreeSet<String>,
}

#[test]
fn an_interrupted_run_hangs_up_and_reports() {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let (sender, acknowledged) = channel();
    let noted = Arc::clone(&seen);
    let proxy = ProxyDouble::start(move |message: &Passing| {
        let mut seen = noted.lock().expect("the calls");
        if message.is_request("INVITE") {
            seen.invited.insert(message.call_id.clone());
        }
        if message.is_request("BYE") || message.is_request("CANCEL") {
            seen.ended.insert(message.call_id.clone());
        }
        if message.is_request("ACK") {
            // Nobody listens any more when the test has seen enough.
            let _ = sender.send(());
        }
        Fate::Pass
    });
    let target = proxy.address().to_string();
    let load = ["--target", &target, "--rate", "100", "--duration", "60", "--hold", "60000"];
    let running = Running::start(&load);
    for _ in 0..150 {
        acknowledged.recv_timeout(support::PATIENCE).expect("a call that is answered");
    }
    running.program.signal("INT");
    let outcome = running.finish();
    assert_eq!(outcome.code, Some(130), "{}", outcome.stderr);
    let report = outcome.report();
    assert!(report.verdict.interrupted, "{:?}", report.verdict);
    assert!(report.calls.cut_short >= 150, "{:?}", report.calls);
    assert_eq!(report.calls.failed, 0, "{:?}", report.calls);
    assert!(report.calls.callee_failures.is_empty(), "{:?}", report.calls);
    assert_eq!(report.calls.cut_short + report.calls.completed, report.calls.started);
    assert!(outcome.stdout.contains("INTERRUPTED: "), "{}", outcome.stdout);
    let seen = seen.lock().expect("the calls");
    assert_eq!(seen.ended, seen.invited);
}
