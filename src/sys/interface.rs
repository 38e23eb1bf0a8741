//! The interfaces of this machine.

#![expect(unsafe_code, reason = "the standard library does not offer what is needed here")]

use std::ffi::CStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ptr;

/// The addresses of all interfaces that are up, each with the name of its interface; of IPv6 none
/// that holds for a single link.
///
/// # Errors
///
/// As `getifaddrs`.
pub fn interface_addresses() -> io::Result<Vec<(String, IpAddr)>> {
    let mut list: *mut libc::ifaddrs = ptr::null_mut();
    // Why 1: the standard library does not list interfaces.
    // SAFETY: the call writes one pointer, to the place that is given.
    if unsafe { libc::getifaddrs(&raw mut list) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let mut found = Vec::new();
    let mut next = list;
    // Why 2: the entries are only reached by pointers.
    // SAFETY: each is null or an entry of the list, which lives until it is freed below.
    while let Some(entry) = unsafe { next.as_ref() } {
        next = entry.ifa_next;
        if entry.ifa_flags & libc::IFF_UP as u32 == 0 || entry.ifa_name.is_null() {
            continue;
        }
        // Why 3: the address is of a kind that its family says.
        // SAFETY: it is null or an address of that list.
        let Some(ip) = (unsafe { address(entry.ifa_addr) }) else { continue };
        // Why 4: the name is only known by its start.
        // SAFETY: it is not null, and a text that ends with NUL within the list.
        let name = unsafe { CStr::from_ptr(entry.ifa_name) };
        found.push((name.to_string_lossy().into_owned(), ip));
    }
    // Why 5: the list is the C library's.
    // SAFETY: it came from `getifaddrs`, and nothing of it is used from here on.
    unsafe { libc::freeifaddrs(list) };
    Ok(found)
}

/// The IP address that a socket address has.
///
/// # Safety
///
/// `at` is null or the start of a socket address, as long as its family says.
unsafe fn address(at: *const libc::sockaddr) -> Option<IpAddr> {
    if at.is_null() {
        return None;
    }
    // Why 6: the family stands in the address itself.
    // SAFETY: the caller says that it is an address; all start with the family.
    match i32::from(unsafe { (*at).sa_family }) {
        libc::AF_INET => {
            // Why 7: as above.
            // SAFETY: an address of this family is of this type; it may lie anywhere.
            let whole = unsafe { at.cast::<libc::sockaddr_in>().read_unaligned() };
            Some(Ipv4Addr::from_bits(u32::from_be(whole.sin_addr.s_addr)).into())
        }
        libc::AF_INET6 => {
            // Why 8: as above.
            // SAFETY: an address of this family is of this type; it may lie anywhere.
            let whole = unsafe { at.cast::<libc::sockaddr_in6>().read_unaligned() };
            let ip = Ipv6Addr::from(whole.sin6_addr.s6_addr);
            (!ip.is_unicast_link_local()).then_some(ip.into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_has_its_address() {
        let found = interface_addresses().unwrap();
        let loopback = ("lo".to_owned(), IpAddr::from(Ipv4Addr::LOCALHOST));
        assert!(found.contains(&loopback), "{found:?}");
    }
}
