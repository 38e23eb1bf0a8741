//! Runs that wait for a moment or for each other, while the server goes on.

use viaduct::metrics::Counter;

use super::core_support::{CoreBench, Sent, program};
use super::{ALICE, REQUEST, bench, load_all};

/// Lets time pass until the next thing is due, and does it; what is sent because of it.
pub(super) fn pass(bench: &mut CoreBench, milliseconds: u64) -> Vec<Sent> {
    bench.now.monotonic_ms += milliseconds;
    bench.core.handle_timeout(bench.now, &mut bench.outbox);
    bench.take_sent()
}

/// [`REQUEST`] of another caller, who is told in the log.
fn request_of(user: &str) -> String {
    REQUEST
        .replace("sip:alice@", &format!("sip:{user}@"))
        .replace("call@a", &format!("call@{user}"))
}

/// A core that runs a main route with all modules.
fn core(body: &str) -> CoreBench {
    bench(&format!("route {{ {body} }}"))
}

#[test]
fn a_run_sleeps_and_the_server_goes_on() {
    let mut bench = core(
        "if ($rU == \"alice\") { append_hf(\"X-N: 1\"); $du = \"sip:192.0.2.20\"; sleep(\"2\"); } \
         sl_send_reply(\"200\", \"OK\"); forward();",
    );
    assert_eq!(bench.send(ALICE, REQUEST), []);
    assert_eq!(bench.core.wakes_at_ms(), Some(bench.now.monotonic_ms + 2_000));
    assert!(bench.core.poll_timeout() <= bench.core.wakes_at_ms());
    assert_eq!(bench.send(ALICE, request_of("bob")).len(), 1, "another one does not wait");
    assert_eq!(pass(&mut bench, 1_999), []);
    let sent = pass(&mut bench, 1);
    let texts: Vec<_> = sent.iter().map(|(_, text)| String::from_utf8_lossy(text)).collect();
    assert!(texts[0].starts_with("SIP/2.0 200 OK\r\n"), "{texts:?}");
    assert!(texts[1].starts_with("INVITE ") && texts[1].contains("\r\nX-N: 1\r\n"), "{texts:?}");
    assert_eq!(bench.core.wakes_at_ms(), None);
    assert_eq!(bench.counted(Counter::ScriptSuspensions), 1);
}

#[test]
fn those_that_sleep_shorter_wake_first() {
    let mut bench = core(
        "$var(us) = 3000; if ($rU == \"bob\") $var(us) = 1001; usleep(\"$var(us)\"); \
         xlog(\"L_ERR\", \"$rU $rc \"); exit;",
    );
    bench.send(ALICE, REQUEST);
    bench.send(ALICE, request_of("bob"));
    for (milliseconds, log) in [(1, ""), (1, "bob 1 "), (1, "bob 1 alice 1 ")] {
        pass(&mut bench, milliseconds);
        assert_eq!(bench.log(), log);
    }
}

#[test]
fn times_to_sleep_have_bounds() {
    for (call, waits_ms) in [
        ("sleep(\"0\")", None),
        ("usleep(\"0\")", None),
        ("usleep(\"1\")", Some(1)),
        ("sleep(\"1\")", Some(1_000)),
        ("sleep(\"1000000\")", Some(32_000)),
        ("sleep(\"9223372036854775807\")", Some(32_000)),
        ("sleep(\"-1\")", None),
    ] {
        let mut bench = core(&format!("{call}; xlog(\"L_ERR\", \"$rc\"); exit;"));
        bench.send(ALICE, REQUEST);
        let wakes_at_ms = waits_ms.map(|waits_ms| bench.now.monotonic_ms + waits_ms);
        assert_eq!(bench.core.wakes_at_ms(), wakes_at_ms, "{call}");
        pass(&mut bench, 32_000);
        assert_eq!(bench.log(), if call.contains('-') { "-1" } else { "1" }, "{call}");
    }
}

#[test]
fn a_response_can_wait() {
    let script = "route { forward(192.0.2.20, 5060); } onreply_route { usleep(\"5000\"); append_hf(\"X-R: 1\"); }";
    let mut bench = bench(script);
    let request = String::from_utf8_lossy(&bench.send(ALICE, REQUEST)[0].1).into_owned();
    let response = request.replace("INVITE sip:alice@example.com;x=1 SIP/2.0", "SIP/2.0 200 OK");
    assert_eq!(bench.send("192.0.2.20:5060", response), []);
    let sent = pass(&mut bench, 5);
    assert!(String::from_utf8_lossy(&sent[0].1).contains("\r\nX-R: 1\r\n"));
}

#[test]
fn no_more_runs_sleep_than_there_may_be() {
    let mut bench = core("if (!sleep(\"1\")) xlog(\"L_ERR\", \"full\"); exit;");
    for _ in 0..viaduct::limits::SUSPENDED_COUNT_MAX {
        bench.send(ALICE, REQUEST);
    }
    assert_eq!(bench.log(), "");
    bench.send(ALICE, REQUEST);
    assert_eq!(bench.log(), "full");
    assert_eq!(bench.counted(Counter::ScriptSuspensionsRefused), 1);
    while bench.core.wakes_at_ms().is_some() {
        pass(&mut bench, 1_000);
    }
}

/// Takes a lock, sleeps for some time if the user is alice, and gives it back or not.
const LOCKED: &str = "lock(\"x\"); xlog(\"L_ERR\", \"+$rU \"); if ($rU == \"alice\") usleep(\"10000\"); \
                      xlog(\"L_ERR\", \"-$rU \");";

#[test]
fn a_run_waits_for_the_lock_of_another() {
    for end in ["unlock(\"x\"); xlog(\"L_ERR\", \"$rc \"); exit;", "exit;"] {
        let mut bench = core(&format!("{LOCKED} {end}"));
        bench.send(ALICE, REQUEST);
        bench.send(ALICE, request_of("bob"));
        pass(&mut bench, 5);
        assert_eq!(bench.log(), "+alice ", "{end}");
        for _ in 0..10 {
            pass(&mut bench, 5);
        }
        let log = bench.log().replace("1 ", "");
        assert_eq!(log, "+alice -alice +bob -bob ", "{end}");
        assert_eq!(bench.core.wakes_at_ms(), None);
        bench.send(ALICE, request_of("carol"));
        assert!(bench.log().ends_with("-carol 1 ") || bench.log().ends_with("-carol "), "{end}");
    }
}

#[test]
fn workers_share_their_locks_and_variables() {
    let script = format!(
        "debug=1\n{}route {{ lock(\"x\"); $var(n) = $shv(n); usleep(\"2000\"); $shv(n) = $var(n) + 1; unlock(\"x\"); \
         xlog(\"L_ERR\", \"$shv(n) \"); exit; }}",
        load_all()
    );
    let program = program(&script);
    let mut workers = [CoreBench::with_program(program.clone()), CoreBench::with_program(program)];
    for worker in &mut workers {
        worker.send(ALICE, REQUEST);
        worker.send(ALICE, request_of("bob"));
    }
    let mut most_at_once = 0;
    for _ in 0..200 {
        let before: usize = workers.iter().map(|worker| worker.log().len()).sum();
        for worker in &mut workers {
            pass(worker, 1);
        }
        let after: usize = workers.iter().map(|worker| worker.log().len()).sum();
        most_at_once = most_at_once.max(after - before);
    }
    // Each has variables of its own here, but all the same locks.
    assert_eq!(workers.each_ref().map(CoreBench::log), ["1 2 ", "1 2 "]);
    assert_eq!(most_at_once, 2, "one after the other");
}

#[test]
fn a_lock_is_not_waited_for_without_end() {
    let mut bench = core(
        "if ($rU == \"alice\") { lock(\"x\"); sleep(\"32\"); exit; } \
         if (!lock(\"x\")) xlog(\"L_ERR\", \"in vain\"); exit;",
    );
    bench.send(ALICE, REQUEST);
    bench.send(ALICE, request_of("bob"));
    for _ in 0..3_980 / 20 {
        pass(&mut bench, 20);
    }
    assert_eq!(bench.log(), "");
    for _ in 0..10 {
        pass(&mut bench, 20);
    }
    assert!(bench.log().ends_with("in vain"), "{}", bench.log());
    assert!(bench.log().contains("lock: another run holds it for too long"));
}

#[test]
fn locks_can_be_tried_and_taken_again() {
    let mut bench = core(
        "if ($rU == \"bob\") { if (!trylock(\"x\")) xlog(\"L_ERR\", \"taken \"); exit; } \
         if (trylock(\"x\") && !trylock(\"x\") && lock(\"x\")) usleep(\"1000\"); \
         unlock(\"x\"); usleep(\"1000\"); unlock(\"x\"); usleep(\"1000\"); exit;",
    );
    bench.send(ALICE, REQUEST);
    for (taken, milliseconds) in [(1, 1), (2, 1), (2, 1)] {
        bench.send(ALICE, request_of("bob"));
        assert_eq!(bench.log().matches("taken").count(), taken);
        pass(&mut bench, milliseconds);
    }
}

#[test]
fn a_lock_that_another_took_since_is_not_there_any_more() {
    for (call, log) in [("lock", "+alice +bob -bob alice 1 "), ("trylock", "+alice +bob alice -1 ")]
    {
        let mut bench = core(&format!(
            "if ($rU == \"bob\") {{ lock(\"x\"); xlog(\"L_ERR\", \"+bob \"); sleep(\"2\"); \
             xlog(\"L_ERR\", \"-bob \"); exit; }} \
             lock(\"x\"); xlog(\"L_ERR\", \"+alice \"); sleep(\"32\"); sleep(\"32\"); sleep(\"1\"); \
             {call}(\"x\"); xlog(\"L_ERR\", \"alice $rc \"); exit;"
        ));
        bench.send(ALICE, REQUEST);
        pass(&mut bench, 32_000);
        pass(&mut bench, 32_000);
        pass(&mut bench, 1);
        bench.send(ALICE, request_of("bob"));
        for _ in 0..40 {
            pass(&mut bench, 64);
        }
        assert!(bench.log().starts_with(log), "{call}: {}", bench.log());
    }
}

#[test]
fn a_run_whose_lock_nobody_took_has_it_still() {
    let mut bench = core(
        "lock(\"x\"); sleep(\"32\"); sleep(\"32\"); sleep(\"1\"); lock(\"x\"); \
         xlog(\"L_ERR\", \"$rc\"); exit;",
    );
    bench.send(ALICE, REQUEST);
    for _ in 0..3 {
        pass(&mut bench, 32_000);
    }
    assert_eq!(bench.log(), "1");
}

#[test]
fn a_run_holds_so_many_locks() {
    let mut bench = core(
        "while ($var(i) < 9) { $var(i) = $var(i) + 1; if (!lock(\"key$var(i)\")) xlog(\"L_ERR\", \"$var(i)\"); } \
         unlock(\"key1\"); if (lock(\"another\")) xlog(\"L_ERR\", \" again\"); exit;",
    );
    bench.send(ALICE, REQUEST);
    assert!(bench.log().ends_with("9 again"), "{}", bench.log());
}
