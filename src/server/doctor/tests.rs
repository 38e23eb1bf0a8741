//! From made-up machines to findings.

use std::path::PathBuf;
use std::{env, fs, process};

use super::examine::examine;
use super::facts::{Facts, Interface, Interrupt, ReceiveQueue, SocketFacts, UdpCounters, Wish};
use super::finding::{Finding, Verdict};
use super::read::{parse_cores, read};
use super::show::{show, show_json};
use crate::limits::SOCKET_BUFFER_BYTES;

/// A machine at which nothing can be said.
fn fit() -> Facts {
    let interrupt = |number, core| Interrupt { number, core: Some(core) };
    let queue = |name: &str| ReceiveQueue { name: name.to_owned(), is_steered: false };
    Facts {
        wish: Wish { worker_count: 4, listener_count: 1, connection_count_max: 0, spreads: true },
        socket: Some(SocketFacts::Granted(SOCKET_BUFFER_BYTES, SOCKET_BUFFER_BYTES)),
        kernel: Some((6, 1)),
        receive_max_bytes: Some(SOCKET_BUFFER_BYTES as u64),
        send_max_bytes: Some(SOCKET_BUFFER_BYTES as u64),
        backlog: Some(1_000),
        backlog_drops: Some(0),
        open_files: Some((1_024, 4_096)),
        cores: vec![0, 1, 2, 3],
        quota_millicores: None,
        governors: vec!["performance".to_owned()],
        idle_state: Some(("C1".to_owned(), 2)),
        huge_page_mode: Some("madvise".to_owned()),
        huge_pages: Some(0),
        swap_kib: Some(0),
        swap_used_kib: Some(0),
        interfaces: vec![Interface {
            name: "eth0".to_owned(),
            receive_queues: vec![queue("rx-0"), queue("rx-1")],
            interrupts: vec![interrupt(40, 0), interrupt(41, 1)],
        }],
        udp: Some(UdpCounters { received: 10, ..UdpCounters::default() }),
        in_container: false,
    }
}

/// The findings that are not fine.
fn complaints(facts: &Facts) -> Vec<Finding> {
    let mut findings = examine(facts);
    findings.retain(|finding| finding.verdict != Verdict::Fine);
    findings
}

#[test]
fn nothing_is_said_against_a_fit_machine() {
    assert_eq!(complaints(&fit()), []);
    assert_eq!(examine(&fit()).len(), 16);
}

#[test]
fn nothing_is_made_up_where_nothing_can_be_read() {
    assert_eq!(examine(&Facts::default()), []);
}

/// Something that is wrong with a machine, the check that finds it, its verdict and command.
type Case = (fn(&mut Facts), &'static str, Verdict, &'static str);

#[test]
fn each_defect_of_the_network_has_its_finding_and_command() {
    use Verdict::{Better, Must, Note};
    assert_found(&[
        (|f| f.kernel = Some((4, 4)), "kernel", Must, ""),
        (
            |f| f.receive_max_bytes = Some(212_992),
            "net.core.rmem_max",
            Must,
            "sysctl -w net.core.rmem_max=4194304",
        ),
        (
            |f| f.send_max_bytes = Some(212_992),
            "net.core.wmem_max",
            Better,
            "sysctl -w net.core.wmem_max=4194304",
        ),
        (
            |f| f.socket = Some(SocketFacts::Granted(212_992, 1)),
            "socket",
            Must,
            "sysctl -w net.core.rmem_max=4194304",
        ),
        (|f| f.socket = Some(SocketFacts::Refused("no".to_owned())), "socket", Must, ""),
        (|f| f.open_files = Some((40, 100)), "open files", Must, "ulimit -n 52"),
        (|f| f.open_files = Some((40, 40)), "open files", Must, "systemctl edit viaduct"),
        (
            |f| f.wish.connection_count_max = 16_384,
            "open files",
            Must,
            "systemctl edit viaduct   # [Service] LimitNOFILE=16436",
        ),
        (|f| f.wish.spreads = false, "steering", Note, ""),
        (
            |f| f.backlog_drops = Some(1),
            "net.core.netdev_max_backlog",
            Better,
            "sysctl -w net.core.netdev_max_backlog=10000",
        ),
        (|f| drop(f.interfaces[0].receive_queues.pop()), "card", Better, "ethtool -l eth0"),
        (
            |f| f.interfaces[0].interrupts[1].core = Some(0),
            "interrupts",
            Better,
            "systemctl stop irqbalance",
        ),
        (
            |f| {
                let lost = UdpCounters { receive_errors: 3, ..UdpCounters::default() };
                f.udp = Some(lost);
            },
            "UDP received",
            Note,
            "nstat",
        ),
        (
            |f| {
                let lost = UdpCounters { send_buffer_errors: 3, ..UdpCounters::default() };
                f.udp = Some(lost);
            },
            "UDP sent",
            Note,
            "nstat",
        ),
    ]);
}

#[test]
fn each_defect_of_cores_and_memory_has_its_finding_and_command() {
    use Verdict::{Better, Must, Note};
    assert_found(&[
        (|f| f.wish.worker_count = 5, "workers", Must, "viaduct run --workers 4"),
        (|f| f.quota_millicores = Some(2_500), "quota", Must, "systemctl set-property"),
        (|f| f.quota_millicores = Some(4_000), "quota", Note, ""),
        (|f| f.governors = vec!["powersave".to_owned()], "governor", Better, "for f in /sys"),
        (|f| f.governors.push("schedutil".to_owned()), "governor", Better, "for f in /sys"),
        (
            |f| f.idle_state = Some(("C6".to_owned(), 133)),
            "idle state",
            Better,
            "cpupower idle-set -D 20",
        ),
        (
            |f| f.huge_page_mode = Some("always".to_owned()),
            "transparent huge pages",
            Better,
            "echo madvise > ",
        ),
        (|f| f.huge_pages = Some(8), "reserved huge pages", Note, ""),
        (|f| f.swap_kib = Some(8), "swap", Note, "systemctl set-property"),
        (
            |f| (f.swap_kib, f.swap_used_kib) = (Some(8), Some(4)),
            "swap",
            Better,
            "systemctl set-property",
        ),
    ]);
}

/// Each defect must lead to its finding and to no other.
fn assert_found(cases: &[Case]) {
    for (defect, check, verdict, command) in cases {
        let mut facts = fit();
        defect(&mut facts);
        let found = complaints(&facts);
        let [finding] = &found[..] else { panic!("{check}: {found:#?}") };
        assert_eq!((finding.check, finding.verdict), (*check, *verdict));
        let first = finding.commands.first().map_or("", String::as_str);
        assert!(first.starts_with(command) && first.is_empty() == command.is_empty(), "{first}");
        assert!(!finding.why.is_empty(), "{check}");
    }
}

#[test]
fn a_small_maximum_is_told_once() {
    let mut facts = fit();
    facts.receive_max_bytes = Some(212_992);
    facts.socket = Some(SocketFacts::Granted(212_992, SOCKET_BUFFER_BYTES));
    let found = complaints(&facts);
    assert_eq!(
        found.iter().map(|finding| finding.check).collect::<Vec<_>>(),
        ["net.core.rmem_max"]
    );
}

#[test]
fn older_kernels_do_where_nothing_is_spread() {
    let mut facts = fit();
    facts.kernel = Some((4, 4));
    facts.wish = Wish { worker_count: 1, listener_count: 1, ..Wish::default() };
    assert_eq!(complaints(&facts), []);
}

#[test]
fn in_a_container_the_host_is_where_things_are_changed() {
    let mut facts = fit();
    facts.in_container = true;
    facts.receive_max_bytes = None;
    facts.socket = Some(SocketFacts::Granted(212_992, 212_992));
    facts.quota_millicores = Some(1_000);
    let found = complaints(&facts);
    let commands: Vec<&str> = found.iter().map(|finding| finding.commands[0].as_str()).collect();
    assert_eq!(
        commands,
        [
            "sysctl -w net.core.rmem_max=4194304   # of a container: on its host",
            "docker update --cpu-quota -1 --cpuset-cpus CORES CONTAINER   # on the host",
        ]
    );
}

#[test]
fn a_card_with_one_queue_is_passed_on_to_all_usable_cores() {
    let mut facts = fit();
    facts.cores = vec![1, 2, 33, 64];
    facts.interfaces[0].receive_queues.truncate(1);
    let found = complaints(&facts);
    let expected = "echo 1,00000002,00000006 > /sys/class/net/eth0/queues/rx-0/rps_cpus";
    assert_eq!(found[0].commands[1], expected);
    facts.interfaces[0].receive_queues[0].is_steered = true;
    assert_eq!(complaints(&facts), []);
}

#[test]
fn core_lists_are_read_as_the_kernel_writes_them() {
    assert_eq!(parse_cores("0-2,8\n"), [0, 1, 2, 8]);
    assert_eq!(parse_cores("5"), [5]);
    assert_eq!(parse_cores(""), [0_usize; 0]);
}

#[test]
fn people_read_the_worst_first() {
    let mut facts = fit();
    facts.interfaces.clear();
    facts.udp = None;
    facts.huge_pages = None;
    facts.governors = vec!["powersave".to_owned()];
    facts.receive_max_bytes = Some(212_992);
    assert_eq!(
        show(&examine(&facts)),
        "\
must    net.core.rmem_max: 212992 bytes
        better: 4194304 bytes or more
        why: the server asks for that much and is given no more than this maximum; a pause of a \
few milliseconds fills a small buffer, and what comes then is lost
        # sysctl -w net.core.rmem_max=4194304
better  governor: powersave
        better: performance
        why: a core that has slowed down takes milliseconds to be fast again
        # for f in /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor; do \
echo performance > $f; done
fine    kernel: Linux 6.1
fine    net.core.wmem_max: 4194304 bytes
fine    socket: granted 4194304 bytes to receive, 4194304 to send
fine    open files: 1024, of which about 52 are needed
fine    steering: spread: every peer uses all workers
fine    net.core.netdev_max_backlog: 1000 packets; 0 were dropped there
fine    workers: 4 for 4 cores that it may run on
fine    idle state: C1: 2 µs to wake
fine    swap: none
fine    transparent huge pages: madvise
1 must be changed, 1 would be better changed
"
    );
}

#[test]
fn programs_read_an_array_of_objects() {
    let facts = Facts { swap_kib: Some(8), swap_used_kib: Some(0), ..Facts::default() };
    let why = "a worker that reads a binding from the disk handles nothing else meanwhile";
    let expected = format!(
        "[{{\"check\":\"swap\",\"verdict\":\"note\",\"is\":\"8 KiB, 0 KiB of it in use\",\
         \"better\":\"no swap for the server\",\"why\":\"{why}\",\
         \"commands\":[\"systemctl set-property viaduct.service MemorySwapMax=0\"]}}]\n"
    );
    assert_eq!(show_json(&examine(&facts)), expected);
    assert_eq!(show_json(&[]), "[]\n");
}

/// A made-up `/` of a test, removed when it is over.
struct Root(PathBuf);

impl Root {
    /// A root with files.
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let root = Self(env::temp_dir().join(format!("viaduct-{}-{name}", process::id())));
        for (path, text) in files {
            let path = root.0.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_machine_is_read_as_it_is() {
    let root = Root::new(
        "machine",
        &[
            ("proc/sys/kernel/osrelease", "6.1.0-13-amd64\n"),
            ("proc/sys/net/core/rmem_max", "212992\n"),
            ("proc/sys/net/core/wmem_max", "4194304\n"),
            ("proc/sys/net/core/netdev_max_backlog", "1000\n"),
            ("proc/net/softnet_stat", "0a 00000002 0\n0b 0000000a 0\n"),
            ("proc/self/limits", "Limit Soft Hard\nMax open files   1024   unlimited   files\n"),
            ("proc/self/status", "Name:\tx\nCpus_allowed:\tf\nCpus_allowed_list:\t0-1,3\n"),
            ("proc/self/cgroup", "0::/system.slice/viaduct.service\n"),
            ("sys/fs/cgroup/system.slice/cpu.max", "150000 100000\n"),
            ("sys/fs/cgroup/system.slice/viaduct.service/cpu.max", "max 100000\n"),
            ("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n"),
            ("sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "powersave\n"),
            ("sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "performance\n"),
            ("sys/devices/system/cpu/cpu0/cpuidle/state0/name", "POLL\n"),
            ("sys/devices/system/cpu/cpu0/cpuidle/state0/latency", "0\n"),
            ("sys/devices/system/cpu/cpu0/cpuidle/state1/name", "C1\n"),
            ("sys/devices/system/cpu/cpu0/cpuidle/state1/latency", "2\n"),
            ("sys/devices/system/cpu/cpu0/cpuidle/state2/name", "C6\n"),
            ("sys/devices/system/cpu/cpu0/cpuidle/state2/latency", "133\n"),
            ("sys/devices/system/cpu/cpu0/cpuidle/state2/disable", "1\n"),
            ("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"),
            ("proc/meminfo", "SwapTotal:  100 kB\nSwapFree:  40 kB\nHugePages_Total:   2\n"),
            (
                "proc/net/snmp",
                "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors\n\
                 Udp: 100 1 7 90 5 3\nUdpLite: InDatagrams\nUdpLite: 0\n",
            ),
            ("run/.containerenv", ""),
        ],
    );
    let wish = Wish { worker_count: 2, listener_count: 1, ..Wish::default() };
    let expected = Facts {
        wish,
        socket: None,
        kernel: Some((6, 1)),
        receive_max_bytes: Some(212_992),
        send_max_bytes: Some(4_194_304),
        backlog: Some(1_000),
        backlog_drops: Some(12),
        open_files: Some((1_024, u64::MAX)),
        cores: vec![0, 1, 3],
        quota_millicores: Some(1_500),
        governors: vec!["performance".to_owned()],
        idle_state: Some(("C1".to_owned(), 2)),
        huge_page_mode: Some("madvise".to_owned()),
        huge_pages: Some(2),
        swap_kib: Some(100),
        swap_used_kib: Some(60),
        interfaces: Vec::new(),
        udp: Some(UdpCounters {
            received: 100,
            receive_errors: 7,
            receive_buffer_errors: 5,
            send_buffer_errors: 3,
        }),
        in_container: true,
    };
    assert_eq!(read(&root.0, wish, None), expected);
}

#[test]
fn quotas_of_the_first_version_are_read() {
    let files = [
        ("proc/self/cgroup", "4:memory:/x\n2:cpu,cpuacct:/docker\n0::/\n"),
        ("sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us", "50000\n"),
        ("sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us", "100000\n"),
        ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n"),
        ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
    ];
    let root = Root::new("first", &files);
    assert_eq!(read(&root.0, Wish::default(), None).quota_millicores, Some(500));
}

#[test]
fn only_interrupts_of_received_packets_count_and_only_of_real_cards() {
    let root = Root::new(
        "cards",
        &[
            ("sys/class/net/lo/queues/rx-0/rps_cpus", "0\n"),
            ("sys/class/net/eth1/operstate", "down\n"),
            ("sys/class/net/eth1/device/vendor", "x\n"),
            ("sys/class/net/eth0/operstate", "up\n"),
            ("sys/class/net/eth0/device/msi_irqs/40", "msix\n"),
            ("sys/class/net/eth0/device/msi_irqs/41", "msix\n"),
            ("sys/class/net/eth0/device/msi_irqs/42", "msix\n"),
            ("sys/class/net/eth0/device/msi_irqs/43", "msix\n"),
            ("sys/class/net/eth0/queues/rx-0/rps_cpus", "00000000,0000000c\n"),
            ("sys/class/net/eth0/queues/rx-1/rps_cpus", "00000000,00000000\n"),
            ("sys/class/net/eth0/queues/tx-0/xps_cpus", "f\n"),
            (
                "proc/interrupts",
                "      CPU0  CPU1\n  40:   9   0  PCI-MSI 1-edge  eth0-TxRx-0\n\
                 41:   0   7  PCI-MSI 2-edge  eth0-TxRx-1\n 42:  3  0  PCI-MSI  virtio0-config\n\
                 43:   0   0  PCI-MSI  eth0-TxRx-2\n",
            ),
            ("proc/irq/40/effective_affinity_list", "0\n"),
            ("proc/irq/40/smp_affinity_list", "0-1\n"),
            ("proc/irq/41/smp_affinity_list", "0-1\n"),
        ],
    );
    let queue = |name: &str, is_steered| ReceiveQueue { name: name.to_owned(), is_steered };
    let expected = Interface {
        name: "eth0".to_owned(),
        receive_queues: vec![queue("rx-0", true), queue("rx-1", false)],
        interrupts: vec![
            Interrupt { number: 40, core: Some(0) },
            Interrupt { number: 41, core: None },
        ],
    };
    assert_eq!(read(&root.0, Wish::default(), None).interfaces, [expected]);
}
