//! Sockets, buffers, network cards, and what was lost in them.

use super::facts::{Facts, Interface, SocketFacts, UdpCounters};
use super::finding::Finding;
use super::finding::Verdict::{Better, Must, Note};
use crate::limits::SOCKET_BUFFER_BYTES;

/// The findings about the network.
pub(super) fn examine(facts: &Facts) -> Vec<Finding> {
    let mut findings: Vec<Finding> = [
        kernel(facts),
        receive_buffer(facts),
        send_buffer(facts),
        socket(facts),
        open_files(facts),
        steering(facts),
        backlog(facts),
        facts.udp.map(lost_datagrams),
        facts.udp.filter(|udp| udp.send_buffer_errors > 0).map(unsent_datagrams),
    ]
    .into_iter()
    .flatten()
    .collect();
    for interface in &facts.interfaces {
        findings.extend(queues(facts, interface));
        findings.extend(interrupts(facts, interface));
    }
    findings
}

const SOCKET_BUFFER: u64 = SOCKET_BUFFER_BYTES as u64;

/// Is the kernel new enough?
fn kernel(facts: &Facts) -> Option<Finding> {
    let (major, minor) = facts.kernel?;
    let is = format!("Linux {major}.{minor}");
    let (needed, why) = if facts.wish.spreads {
        ((4, 5), "`steering = spread` gives the kernel a program (SO_ATTACH_REUSEPORT_CBPF)")
    } else {
        ((3, 9), "workers share a port by SO_REUSEPORT")
    };
    let finding = Finding::fine("kernel", is);
    if (major, minor) >= needed {
        return Some(finding);
    }
    let (major, minor) = needed;
    Some(finding.because(Must, why).better(format!("Linux {major}.{minor} or newer")))
}

/// May a socket have the buffer to receive that the server asks for?
fn receive_buffer(facts: &Facts) -> Option<Finding> {
    const WHY: &str = "the server asks for that much and is given no more than this maximum; a \
        pause of a few milliseconds fills a small buffer, and what comes then is lost";
    let finding = limit("net.core.rmem_max", facts.receive_max_bytes?);
    Some(if facts.receive_max_bytes? < SOCKET_BUFFER {
        raise(finding, "net.core.rmem_max").because(Must, WHY)
    } else {
        finding
    })
}

/// May a socket have the buffer to send that the server asks for?
fn send_buffer(facts: &Facts) -> Option<Finding> {
    const WHY: &str = "when the buffer to send is full, a worker stops receiving until the card \
        has taken something";
    let finding = limit("net.core.wmem_max", facts.send_max_bytes?);
    Some(if facts.send_max_bytes? < SOCKET_BUFFER {
        raise(finding, "net.core.wmem_max").because(Better, WHY)
    } else {
        finding
    })
}

/// `net.core.rmem_max is 212992 bytes`.
fn limit(name: &'static str, bytes: u64) -> Finding {
    Finding::fine(name, format!("{bytes} bytes"))
}

/// With the command that raises it to what the server asks for.
fn raise(finding: Finding, name: &str) -> Finding {
    finding
        .better(format!("{SOCKET_BUFFER} bytes or more"))
        .command(format!("sysctl -w {name}={SOCKET_BUFFER}"))
}

/// Was a socket given what the server asks for? This is the answer where the maximum cannot be
/// read, as in some containers.
fn socket(facts: &Facts) -> Option<Finding> {
    const WHY: &str = "datagrams that find the buffer full are lost";
    let (receive, send) = match facts.socket.as_ref()? {
        SocketFacts::Granted(receive, send) => (*receive, *send),
        SocketFacts::Refused(reason) => {
            let why = "a socket opened as the server opens it was refused";
            return Some(Finding::fine("socket", reason.clone()).because(Must, why));
        }
    };
    let is = format!("granted {receive} bytes to receive, {send} to send");
    let finding = Finding::fine("socket", is);
    let is_told_already = facts.receive_max_bytes.is_some_and(|maximum| maximum < SOCKET_BUFFER);
    if receive >= SOCKET_BUFFER_BYTES || is_told_already {
        return Some(finding);
    }
    let command =
        format!("sysctl -w net.core.rmem_max={SOCKET_BUFFER}   # of a container: on its host");
    let better = format!("{SOCKET_BUFFER} bytes to receive");
    Some(finding.because(Must, WHY).better(better).command(command))
}

/// May the process open its files?
fn open_files(facts: &Facts) -> Option<Finding> {
    /// A worker's poll, waker and system log, and one to spare.
    const PER_WORKER: u64 = 4;
    /// Standard streams, the script, the resolver's.
    const OTHERS: u64 = 32;
    let (soft, hard) = facts.open_files?;
    let wish = facts.wish;
    let own = wish.worker_count as u64 * (wish.listener_count as u64 + PER_WORKER) + OTHERS;
    let needed = own + wish.connection_count_max as u64;
    // With connections, the server raises what it has to what it may have.
    let (has, why) = match wish.connection_count_max {
        0 => (soft, "each worker has a socket for each listen address"),
        _ => (hard, "each of `tcp_max_connections` is a file"),
    };
    let is = format!("{}, of which about {needed} are needed", files(has));
    let finding = Finding::fine("open files", is);
    if has >= needed {
        return Some(finding);
    }
    let command = if hard >= needed {
        format!("ulimit -n {needed}   # in the shell that starts it")
    } else {
        format!("systemctl edit viaduct   # [Service] LimitNOFILE={needed}")
    };
    Some(finding.because(Must, why).better(format!("{needed}")).command(command))
}

/// A number of files, which may be without limit.
fn files(count: u64) -> String {
    if count == u64::MAX { "without limit".to_owned() } else { count.to_string() }
}

/// Whom does a datagram go to?
fn steering(facts: &Facts) -> Option<Finding> {
    if facts.wish.worker_count < 2 {
        return None;
    }
    if facts.wish.spreads {
        return Some(Finding::fine("steering", "spread: every peer uses all workers"));
    }
    Some(
        Finding::fine("steering", "hash: what a peer sends from one port goes to one worker")
            .because(
                Note,
                "that keeps each peer's datagrams in order, but a single trunk uses a single core",
            )
            .better("`steering = spread` in the script, if few peers send most of the traffic"),
    )
}

/// Do packets wait long enough for the kernel to look at them?
fn backlog(facts: &Facts) -> Option<Finding> {
    const NAME: &str = "net.core.netdev_max_backlog";
    const ENOUGH: u64 = 10_000;
    let (length, drops) = (facts.backlog?, facts.backlog_drops?);
    let finding = Finding::fine(NAME, format!("{length} packets; {drops} were dropped there"));
    if drops == 0 || length >= ENOUGH {
        return Some(finding);
    }
    Some(
        finding
            .because(Better, "packets passed to another core, and those of loopback, wait there")
            .better(format!("{ENOUGH} packets"))
            .command(format!("sysctl -w {NAME}={ENOUGH}")),
    )
}

/// Were datagrams lost on the way in?
fn lost_datagrams(udp: UdpCounters) -> Finding {
    let is = format!(
        "{} received, {} lost, {} of them at a full buffer (all programs, since the start)",
        udp.received, udp.receive_errors, udp.receive_buffer_errors
    );
    let finding = Finding::fine("UDP received", is);
    if udp.receive_errors == 0 {
        return finding;
    }
    finding
        .because(
            Note,
            "a count that grows under load means that a buffer is too small or a worker too slow",
        )
        .better("a count that does not grow")
        .command("nstat UdpInErrors UdpRcvbufErrors UdpInCsumErrors   # growth since last asked")
}

/// Were datagrams not sent?
fn unsent_datagrams(udp: UdpCounters) -> Finding {
    Finding::fine("UDP sent", format!("{} found a full buffer", udp.send_buffer_errors))
        .because(Note, "a card or a peer's link took less than was sent")
        .better("a count that does not grow")
        .command("nstat UdpSndbufErrors")
}

/// Does a card give its packets to more than one core?
fn queues(facts: &Facts, interface: &Interface) -> Option<Finding> {
    let [queue] = &interface.receive_queues[..] else {
        let is =
            format!("{}: {} queues to receive", interface.name, interface.receive_queues.len());
        return (!interface.receive_queues.is_empty()).then(|| Finding::fine("card", is));
    };
    let name = &interface.name;
    if queue.is_steered || facts.wish.worker_count < 2 {
        let how = if queue.is_steered { ", passed on to other cores" } else { "" };
        return Some(Finding::fine("card", format!("{name}: 1 queue to receive{how}")));
    }
    let mask = core_mask(&facts.cores);
    Some(
        Finding::fine("card", format!("{name}: 1 queue to receive, not passed on"))
            .because(
                Better,
                "one core does the kernel's part for every datagram and is full before the \
                 workers are; at low load passing on costs some latency",
            )
            .better("more queues if the card has them, else RPS")
            .command(format!("ethtool -l {name}   # if it has more: ethtool -L {name} combined N"))
            .command(format!("echo {mask} > /sys/class/net/{name}/queues/{}/rps_cpus", queue.name)),
    )
}

/// The cores as the kernel takes them: base 16, in groups of eight digits.
fn core_mask(cores: &[usize]) -> String {
    let last = cores.iter().max().map_or(0, |core| core / 32);
    let group = |index: usize| {
        let bits = cores.iter().filter(|core| *core / 32 == index);
        bits.fold(0_u32, |mask, core| mask | 1 << (core % 32))
    };
    let mut text = format!("{:x}", group(last));
    for index in (0..last).rev() {
        text.push_str(&format!(",{:08x}", group(index)));
    }
    text
}

/// Do the interrupts of a card's queues go to different cores?
fn interrupts(facts: &Facts, interface: &Interface) -> Option<Finding> {
    let cores: Option<Vec<usize>> = interface.interrupts.iter().map(|irq| irq.core).collect();
    let mut cores = cores.filter(|cores| cores.len() > 1)?;
    let count = cores.len();
    cores.sort_unstable();
    cores.dedup();
    let list = cores.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let is = format!("{}: {count} interrupts on cores {list}", interface.name);
    let finding = Finding::fine("interrupts", is);
    if cores.len() >= count.min(facts.cores.len()) {
        return Some(finding);
    }
    let mut finding = finding
        .because(Better, "queues that interrupt the same core do not work at the same time")
        .better("a core for each, those of the workers in the same order")
        .command("systemctl stop irqbalance   # it would move them back");
    for (irq, core) in interface.interrupts.iter().zip(facts.cores.iter().cycle()) {
        let path = format!("/proc/irq/{}/smp_affinity_list", irq.number);
        finding = finding.command(format!("echo {core} > {path}"));
    }
    Some(finding)
}
