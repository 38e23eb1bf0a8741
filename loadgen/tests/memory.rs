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
    let load = ["--target", &target, "--no-uas", "--rate", "5000", "--calls", "100000"];
    // Longer than any machine takes to start them all; the test does not wait for their end.
    let mut running = Running::start(&[&load[..], &["--hold", "3600000"]].concat());
    running.program.wait_for_line("that all calls are in progress", |line| {
        let columns: Vec<_> = line.split_whitespace().collect();
        columns.windows(2).any(|pair| pair == ["in-flight", "100000"])
    });
    let peak_kib = running.program.peak_kib() + answering.program.peak_kib();
    assert!(peak_kib < PEAK_KIB_MAX, "{peak_kib} KiB");
}
