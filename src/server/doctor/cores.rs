//! Cores: how many there are, for how long, and how fast they wake.

use super::facts::Facts;
use super::finding::Finding;
use super::finding::Verdict::{Better, Must, Note};

/// The findings about cores.
pub(super) fn examine(facts: &Facts) -> Vec<Finding> {
    [workers(facts), quota(facts), governor(facts), idle(facts)].into_iter().flatten().collect()
}

/// Has each worker a core?
fn workers(facts: &Facts) -> Option<Finding> {
    if facts.cores.is_empty() {
        return None;
    }
    let (workers, cores) = (facts.wish.worker_count, facts.cores.len());
    let finding =
        Finding::fine("workers", format!("{workers} for {cores} cores that it may run on"));
    if workers <= cores {
        return Some(finding);
    }
    Some(
        finding
            .because(
                Must,
                "two pinned workers on one core take turns: while one has its time slice, the \
                 other's datagrams wait",
            )
            .better(format!("{cores} or fewer"))
            .command(format!("viaduct run --workers {cores}")),
    )
}

/// Is there processor time for all workers?
fn quota(facts: &Facts) -> Option<Finding> {
    let Some(quota) = facts.quota_millicores else {
        return facts.in_container.then(|| Finding::fine("quota", "container without a quota"));
    };
    let needed = facts.wish.worker_count as u64 * 1_000;
    let is = format!("{}.{:03} cores", quota / 1_000, quota % 1_000);
    let finding = Finding::fine("quota", is);
    if quota >= needed {
        let why = "all workers stop for the rest of the period when the quota is used up; give \
            the server cores (a CPU set) rather than time";
        return Some(finding.because(Note, why));
    }
    let command = if facts.in_container {
        "docker update --cpu-quota -1 --cpuset-cpus CORES CONTAINER   # on the host"
    } else {
        "systemctl set-property viaduct.service CPUQuota="
    };
    let why = "busy workers use up the quota together and then all stop for the rest of the \
        period, up to 100 ms, in which the buffers fill";
    Some(
        finding
            .because(Must, why)
            .better("cores (a CPU set) instead of a quota, or fewer workers")
            .command(command)
            .command(format!("viaduct run --workers {}", (quota / 1_000).max(1))),
    )
}

/// Do the cores run at full speed?
fn governor(facts: &Facts) -> Option<Finding> {
    let [governor] = &facts.governors[..] else {
        let is = facts.governors.join(", ");
        return (!is.is_empty()).then(|| to_performance(Finding::fine("governor", is)));
    };
    let finding = Finding::fine("governor", governor.clone());
    Some(if governor == "performance" { finding } else { to_performance(finding) })
}

/// With the command that selects the governor for full speed.
fn to_performance(finding: Finding) -> Finding {
    finding
        .because(Better, "a core that has slowed down takes milliseconds to be fast again")
        .better("performance")
        .command(
            "for f in /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor; do \
             echo performance > $f; done",
        )
}

/// Do idle cores wake fast enough?
fn idle(facts: &Facts) -> Option<Finding> {
    /// More than handling a message takes.
    const LATENCY_US_MAX: u64 = 20;
    let (name, latency) = facts.idle_state.as_ref()?;
    let finding = Finding::fine("idle state", format!("{name}: {latency} µs to wake"));
    if *latency <= LATENCY_US_MAX {
        return Some(finding);
    }
    Some(
        finding
            .because(Better, "at low load every message waits for its core to wake")
            .better(format!("states of at most {LATENCY_US_MAX} µs; costs power"))
            .command(format!("cpupower idle-set -D {LATENCY_US_MAX}")),
    )
}
