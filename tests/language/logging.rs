//! Log lines: levels, facilities, methods, and runs that are ended.

use super::{ALICE, REQUEST, bench, errors, log, log_of};

#[test]
fn methods_are_kept_out_of_the_log() {
    let seen = |filter: &str, method: &str| {
        let script = format!("{filter}\nroute {{ xlogm(\"L_ERR\", \"$rm\\n\"); exit; }}");
        log_of(&script, &REQUEST.replace("INVITE", method))
    };
    let filter = |number: i64| format!("modparam(\"xlog\", \"methods_filter\", {number})");
    assert!(seen("", "INVITE").is_empty(), "all methods are");
    assert!(seen(&filter(-1), "INVITE").is_empty());
    assert!(seen(&filter(9), "INVITE").is_empty());
    assert!(seen(&filter(9), "BYE").is_empty());
    assert_eq!(seen(&filter(9), "OPTIONS"), ["OPTIONS"]);
    assert_eq!(seen(&filter(0), "INVITE"), ["INVITE"]);
    assert_eq!(seen(&filter(9), "STRANGE"), ["STRANGE"]);
}

#[test]
fn facilities_are_those_of_the_system_log() {
    for name in ["LOG_LOCAL8", "LOG_", "LOCAL0", "LOG_X"] {
        assert_eq!(errors(&format!("xlog(\"{name}\", \"L_ERR\", \"a\");")).len(), 1, "{name}");
    }
    assert_eq!(log("xlog(\"LOG_LOCAL7\", \"L_ERR\", \"a\n\");"), ["a"]);
}

#[test]
fn a_script_changes_the_level_of_its_worker() {
    let mut bench = bench(
        "route { if ($rU == \"loud\") setdebug(3); if ($rU == \"usual\") resetdebug(); \
         xlog(\"L_DBG\", \"$rU\\n\"); if (!setdebug(10)) xlog(\"L_ERR\", \"no\\n\"); exit; }",
    );
    for user in ["alice", "loud", "bob", "usual", "carol"] {
        bench.send(ALICE, REQUEST.replace("sip:alice@", &format!("sip:{user}@")));
    }
    let log = bench.log();
    assert_eq!(log.lines().filter(|line| *line != "no").collect::<Vec<_>>(), ["loud", "bob"]);
    assert_eq!(log.lines().filter(|line| *line == "no").count(), 5);
}

#[test]
fn an_abort_ends_the_run_and_not_the_server() {
    let mut bench = bench("route { if ($rU == \"alice\") abort(); xlog(\"L_ERR\", \"$rU\\n\"); }");
    bench.send(ALICE, REQUEST);
    bench.send(ALICE, REQUEST.replace("sip:alice@", "sip:bob@"));
    let log = bench.log();
    let lines: Vec<&str> = log.lines().collect();
    assert!(lines[0].ends_with(": abort() has ended the run"), "{log}");
    assert_eq!(lines[1..], ["bob"]);
}
