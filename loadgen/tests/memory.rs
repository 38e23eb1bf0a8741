//! What calls in progress cost.

#[expect(dead_code, unused_imports, reason = "each test program uses a part of the harness")]
#[cfg(test)]
mod support;

use support::{Answering, Running, machine};

/// The bound of both sides together (KiB).
const PEAK_KIB_MAX: u64 = 500 * 1_024;

#[test]
fn a_hundred_thousand_calls_in_progress_take_less_than_500_megabytes() {
    let _machine = machine();
    let answering = Answering::start(&[]);
    let target = answering.address().to_string();
    // As fast as the machine starts them: a schedule that it cannot keep would drop some.
    let load = ["--target", &target, "--no-uas", "--concurrency", "100000", "--calls", "100000"];
    // Longer than any machine takes to start them all; the test does not wait for their end.
    let mut running = Running::start(&[&load[..], &["--hold", "3600000"]].concat());
    running.program.wait_for_line("that all calls are in progress and answered", |line| {
        let columns: Vec<_> = line.split_whitespace().collect();
        let is = |name, number| columns.windows(2).any(|pair| pair == [name, number]);
        is("in-flight", "100000") && is("started", "0") && is("repeated", "0")
    });
    let peak_kib = running.program.peak_kib() + answering.program.peak_kib();
    assert!(peak_kib < PEAK_KIB_MAX, "{peak_kib} KiB");
}
