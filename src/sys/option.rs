//! Socket options that `socket2` does not offer.

#![expect(unsafe_code, reason = "these options have no safe interface")]

use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

/// Makes an IPv4 socket tell the address that each datagram was sent to.
///
/// # Errors
///
/// As `setsockopt`.
pub fn tell_destination_v4(socket: BorrowedFd<'_>) -> io::Result<()> {
    set_option(socket, libc::IPPROTO_IP, libc::IP_PKTINFO, &1)
}

/// Makes an IPv6 socket tell the address that each datagram was sent to.
///
/// # Errors
///
/// As `setsockopt`.
pub fn tell_destination_v6(socket: BorrowedFd<'_>) -> io::Result<()> {
    set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, &1)
}

/// Makes a socket tell how many datagrams it lost because its buffer was full.
///
/// # Errors
///
/// As `setsockopt`.
pub fn tell_overruns(socket: BorrowedFd<'_>) -> io::Result<()> {
    set_option(socket, libc::SOL_SOCKET, libc::SO_RXQ_OVFL, &1)
}

/// Lets the kernel give datagrams of one sender merged into one, where they came so.
///
/// # Errors
///
/// As `setsockopt`.
pub fn take_merged(socket: BorrowedFd<'_>) -> io::Result<()> {
    set_option(socket, libc::SOL_UDP, libc::UDP_GRO, &1)
}

/// Has a socket that is bound to an address without a port get one when it connects: two
/// connections to different peers can then have the same.
///
/// # Errors
///
/// As `setsockopt`.
pub fn choose_port_late(socket: BorrowedFd<'_>) -> io::Result<()> {
    set_option(socket, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, &1)
}

/// Makes the `SO_REUSEPORT` group of `socket`, which has `group_size` members, give each
/// datagram to a member picked at random. Without it the kernel picks by a hash of addresses and
/// ports, and all that one peer sends from one port ends at one member.
///
/// # Errors
///
/// As `setsockopt`.
pub fn spread_over_group(socket: BorrowedFd<'_>, group_size: u32) -> io::Result<()> {
    let mut program = [
        filter_step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, RANDOM_NUMBER),
        filter_step(libc::BPF_ALU | libc::BPF_MOD | libc::BPF_K, group_size.max(1)),
        filter_step(libc::BPF_RET | libc::BPF_A, 0),
    ];
    let program = libc::sock_fprog { len: 3, filter: program.as_mut_ptr() };
    set_option(socket, libc::SOL_SOCKET, libc::SO_ATTACH_REUSEPORT_CBPF, &program)
}

/// One step of a filter program without jumps.
const fn filter_step(code: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

/// `SKF_AD_OFF + SKF_AD_RANDOM`: the place that loads as a random number.
const RANDOM_NUMBER: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_RANDOM) as u32;

/// A value that `setsockopt` takes: [`set_option`] hands its bytes to the kernel.
pub(super) trait OptionValue {}
impl OptionValue for libc::c_int {}
impl OptionValue for libc::sock_fprog {}

/// Sets one option.
pub(super) fn set_option<T: OptionValue>(
    socket: BorrowedFd<'_>,
    level: libc::c_int,
    name: libc::c_int,
    value: &T,
) -> io::Result<()> {
    // Why: `socket2` offers none of the options above.
    // SAFETY: pointer and length describe `value`, which the kernel only reads. A `sock_fprog`
    // points to a program that outlives the call, in its only user above.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            ptr::from_ref(value).cast(),
            size_of::<T>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
