//! What a program and its children use, from `/proc`.

use std::fs;

/// Processor time (seconds).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cpu {
    /// In user mode.
    pub(crate) user: f64,
    /// In the kernel.
    pub(crate) system: f64,
}

impl Cpu {
    /// What was used since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self { user: self.user - earlier.user, system: self.system - earlier.system }
    }

    /// Both as one.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self { user: self.user + other.user, system: self.system + other.system }
    }

    /// User and system time together.
    pub(crate) fn total(self) -> f64 {
        self.user + self.system
    }
}

/// A process and all that descend from it.
pub(crate) fn family(root: u32) -> Vec<u32> {
    let numbers = fs::read_dir("/proc").unwrap().flatten();
    let pids: Vec<u32> =
        numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    let parents: Vec<(u32, u32)> =
        pids.into_iter().filter_map(|pid| Some((pid, stat(pid)?.get(1)?.parse().ok()?))).collect();
    let mut family = vec![root];
    let mut seen = 0;
    while seen < family.len() {
        let parent = family[seen];
        family.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        seen += 1;
    }
    family
}

/// What that process and its children have used so far, also those children that have ended.
pub(crate) fn cpu(root: u32) -> Cpu {
    /// `sysconf(_SC_CLK_TCK)` on Linux, whatever the processor.
    const TICKS_PER_SECOND: f64 = 100.0;
    let mut sum = Cpu::default();
    for pid in family(root) {
        let Some(fields) = stat(pid) else { continue };
        let seconds = |at: usize| fields[at].parse::<f64>().unwrap() / TICKS_PER_SECOND;
        sum.user += seconds(11) + seconds(13);
        sum.system += seconds(12) + seconds(14);
    }
    sum
}

/// Memory of that process and its children (MiB); what they share is counted once.
pub(crate) fn memory_mib(root: u32) -> f64 {
    let kilobytes = |pid: u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    family(root).into_iter().filter_map(kilobytes).sum::<f64>() / 1_024.0
}

/// The fields of `/proc/PID/stat` behind the name; the first is the state.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}
