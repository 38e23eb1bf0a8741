//! The facts, read from `/proc` and `/sys`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::facts::{Facts, Interface, Interrupt, ReceiveQueue, SocketFacts, UdpCounters, Wish};

/// Reads the facts below `root`, which is `/` but in tests.
pub(super) fn read(root: &Path, wish: Wish, socket: Option<SocketFacts>) -> Facts {
    let tree = Tree { root };
    let cores = allowed_cores(&tree);
    let memory = |field| memory_field(&tree, field);
    Facts {
        wish,
        socket,
        kernel: tree.word("proc/sys/kernel/osrelease").and_then(|text| version(&text)),
        receive_max_bytes: tree.number("proc/sys/net/core/rmem_max"),
        send_max_bytes: tree.number("proc/sys/net/core/wmem_max"),
        backlog: tree.number("proc/sys/net/core/netdev_max_backlog"),
        backlog_drops: backlog_drops(&tree),
        open_files: open_files(&tree),
        quota_millicores: quota(&tree),
        governors: governors(&tree, &cores),
        idle_state: cores.first().and_then(|core| slowest_idle_state(&tree, *core)),
        huge_page_mode: huge_page_mode(&tree),
        huge_pages: memory("HugePages_Total:"),
        swap_kib: memory("SwapTotal:"),
        swap_used_kib: memory("SwapTotal:")
            .zip(memory("SwapFree:"))
            .map(|(total, free)| total.saturating_sub(free)),
        interfaces: interfaces(&tree),
        udp: udp_counters(&tree),
        in_container: is_container(&tree),
        cores,
    }
}

/// Cores of a list as the kernel writes it: `0-3,8`.
pub(super) fn parse_cores(text: &str) -> Vec<usize> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
    };
    text.split(',').filter_map(range).flatten().collect()
}

/// A file system to read from.
struct Tree<'r> {
    root: &'r Path,
}

impl Tree<'_> {
    /// Where something is.
    fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// A file's text.
    fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        fs::read_to_string(self.path(path)).ok()
    }

    /// A file's text without the space around it.
    fn word(&self, path: impl AsRef<Path>) -> Option<String> {
        self.text(path).map(|text| text.trim().to_owned())
    }

    /// A file with one number.
    fn number(&self, path: impl AsRef<Path>) -> Option<u64> {
        self.word(path)?.parse().ok()
    }

    /// The names in a directory, in order.
    fn names(&self, path: impl AsRef<Path>) -> Vec<String> {
        let entries = fs::read_dir(self.path(path)).into_iter().flatten().flatten();
        let names: BTreeSet<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.into_iter().collect()
    }
}

/// The first two numbers of `6.1.0-13-amd64`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split(|character: char| !character.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The cores of the affinity mask.
fn allowed_cores(tree: &Tree<'_>) -> Vec<usize> {
    let status = tree.text("proc/self/status").unwrap_or_default();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    list.map(parse_cores).unwrap_or_default()
}

/// The limits of open files, soft and hard.
fn open_files(tree: &Tree<'_>) -> Option<(u64, u64)> {
    let limits = tree.text("proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let number = |word: &str| match word {
        "unlimited" => Some(u64::MAX),
        word => word.parse().ok(),
    };
    let mut words = line.split_whitespace().map(number);
    Some((words.next()??, words.next()??))
}

/// The smallest quota of this process's control group and those around it, of either version.
fn quota(tree: &Tree<'_>) -> Option<u64> {
    let groups = tree.text("proc/self/cgroup")?;
    let quotas = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let path = Path::new(path.trim_start_matches('/'));
        let levels = path.ancestors();
        if controllers.is_empty() {
            levels.filter_map(|level| quota_v2(tree, level)).min()
        } else if controllers.split(',').any(|controller| controller == "cpu") {
            levels.filter_map(|level| quota_v1(tree, controllers, level)).min()
        } else {
            None
        }
    });
    quotas.min()
}

/// `cpu.max`: `50000 100000`, or `max 100000`.
fn quota_v2(tree: &Tree<'_>, group: &Path) -> Option<u64> {
    let text = tree.text(Path::new("sys/fs/cgroup").join(group).join("cpu.max"))?;
    let (time, period) = text.trim().split_once(' ')?;
    millicores(time.parse().ok()?, period.parse().ok()?)
}

/// The two files of version 1; no quota is -1.
fn quota_v1(tree: &Tree<'_>, controllers: &str, group: &Path) -> Option<u64> {
    let directory = Path::new("sys/fs/cgroup").join(controllers).join(group);
    let time = tree.number(directory.join("cpu.cfs_quota_us"))?;
    millicores(time, tree.number(directory.join("cpu.cfs_period_us"))?)
}

/// Thousandths of a core.
fn millicores(time: u64, period: u64) -> Option<u64> {
    time.saturating_mul(1_000).checked_div(period)
}

/// The governors of `cores`, each once.
fn governors(tree: &Tree<'_>, cores: &[usize]) -> Vec<String> {
    let path = |core| format!("sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor");
    let found: BTreeSet<String> = cores.iter().filter_map(|core| tree.word(path(core))).collect();
    found.into_iter().collect()
}

/// The idle state that takes longest to wake from, of those that are not switched off.
fn slowest_idle_state(tree: &Tree<'_>, core: usize) -> Option<(String, u64)> {
    let directory = PathBuf::from(format!("sys/devices/system/cpu/cpu{core}/cpuidle"));
    let state = |name: String| {
        let state = directory.join(name);
        let is_off = tree.number(state.join("disable")).is_some_and(|value| value != 0);
        let latency = tree.number(state.join("latency")).filter(|_| !is_off)?;
        Some((tree.word(state.join("name"))?, latency))
    };
    tree.names(&directory).into_iter().filter_map(state).max_by_key(|(_, latency)| *latency)
}

/// The word in brackets: `always [madvise] never`.
fn huge_page_mode(tree: &Tree<'_>) -> Option<String> {
    let text = tree.text("sys/kernel/mm/transparent_hugepage/enabled")?;
    let (_, rest) = text.split_once('[')?;
    rest.split_once(']').map(|(word, _)| word.to_owned())
}

/// A field of `/proc/meminfo`.
fn memory_field(tree: &Tree<'_>, field: &str) -> Option<u64> {
    let text = tree.text("proc/meminfo")?;
    let value = text.lines().find_map(|line| line.strip_prefix(field))?;
    value.split_whitespace().next()?.parse().ok()
}

/// The second column of `/proc/net/softnet_stat`, a line for each core, in base 16.
fn backlog_drops(tree: &Tree<'_>) -> Option<u64> {
    let text = tree.text("proc/net/softnet_stat")?;
    let drops = |line: &str| u64::from_str_radix(line.split_whitespace().nth(1)?, 16).ok();
    Some(text.lines().filter_map(drops).sum())
}

/// The `Udp:` lines of `/proc/net/snmp`: names, then values.
fn udp_counters(tree: &Tree<'_>) -> Option<UdpCounters> {
    let text = tree.text("proc/net/snmp")?;
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Udp:"));
    let (names, values) = (lines.next()?, lines.next()?);
    let value = |wanted: &str| {
        let mut pairs = names.split_whitespace().zip(values.split_whitespace());
        pairs.find(|(name, _)| *name == wanted).and_then(|(_, value)| value.parse().ok())
    };
    Some(UdpCounters {
        received: value("InDatagrams")?,
        receive_errors: value("InErrors")?,
        receive_buffer_errors: value("RcvbufErrors")?,
        send_buffer_errors: value("SndbufErrors")?,
    })
}

/// The network cards: interfaces with a device that are not down.
fn interfaces(tree: &Tree<'_>) -> Vec<Interface> {
    let directory = Path::new("sys/class/net");
    let counts = tree.text("proc/interrupts").unwrap_or_default();
    let card = |name: String| {
        let place = directory.join(&name);
        let is_down = tree.word(place.join("operstate")).is_some_and(|state| state == "down");
        if is_down || !tree.path(place.join("device")).exists() {
            return None;
        }
        let receive_queues = receive_queues(tree, &place.join("queues"));
        Some(Interface { receive_queues, interrupts: interrupts(tree, &place, &counts), name })
    };
    tree.names(directory).into_iter().filter_map(card).collect()
}

/// The queues to receive of an interface.
fn receive_queues(tree: &Tree<'_>, directory: &Path) -> Vec<ReceiveQueue> {
    let names = tree.names(directory).into_iter().filter(|name| name.starts_with("rx-"));
    let queue = |name: String| {
        let mask = tree.word(directory.join(&name).join("rps_cpus")).unwrap_or_default();
        ReceiveQueue { is_steered: mask.contains(|digit| !"0,".contains(digit)), name }
    };
    names.map(queue).collect()
}

/// The interrupts of an interface that are about received packets, as far as names tell, and
/// have occurred. A paravirtual card has them at the device above it.
fn interrupts(tree: &Tree<'_>, interface: &Path, counts: &str) -> Vec<Interrupt> {
    let own = tree.names(interface.join("device/msi_irqs"));
    let numbers =
        if own.is_empty() { tree.names(interface.join("device/../msi_irqs")) } else { own };
    let mut numbers: Vec<u32> = numbers.iter().filter_map(|name| name.parse().ok()).collect();
    numbers.sort_unstable();
    let interrupt = |number: u32| Interrupt { number, core: effective_core(tree, number) };
    numbers.into_iter().filter(|number| receives(counts, *number)).map(interrupt).collect()
}

/// Whether an interrupt has occurred and is not one that is only about other things.
fn receives(counts: &str, number: u32) -> bool {
    let label = format!("{number}:");
    let line = counts.lines().map(str::trim_start).find(|line| line.starts_with(&label));
    let Some(line) = line else { return false };
    let words = || line[label.len()..].split_whitespace();
    let has_occurred = words().map_while(|word| word.parse::<u64>().ok()).any(|count| count > 0);
    let name = words().next_back().unwrap_or_default().to_ascii_lowercase();
    let is_other = ["config", "output", "-tx-", "async", "cmd"].iter().any(|n| name.contains(n));
    has_occurred && !is_other
}

/// The core that an interrupt is sent to.
fn effective_core(tree: &Tree<'_>, number: u32) -> Option<usize> {
    let file = |name| tree.word(format!("proc/irq/{number}/{name}"));
    let list = file("effective_affinity_list").filter(|list| !list.is_empty());
    match parse_cores(&list.or_else(|| file("smp_affinity_list"))?)[..] {
        [core] => Some(core),
        _ => None,
    }
}

/// Whether the marks of a container are there.
fn is_container(tree: &Tree<'_>) -> bool {
    let marks = [".dockerenv", "run/.containerenv", "run/systemd/container"];
    marks.iter().any(|mark| tree.path(mark).exists())
}
