//! Where calls go, and whether they may.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::str::FromStr;
use std::time::Duration;

use viaduct::sys;

use super::RunError;

/// The server that is tested, as named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Address or name.
    pub host: String,
    /// Port.
    pub port: u16,
}

const SIP_PORT: u16 = 5_060;

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected a host and perhaps a port, such as 192.0.2.1:5070".to_owned();
        let text = text.strip_prefix("udp:").unwrap_or(text);
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Ok(Self { host: ip.to_string(), port: SIP_PORT });
        }
        if let Some((host, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
            let ip: Ipv6Addr = host.parse().map_err(|_| wrong())?;
            let port = match rest.strip_prefix(':') {
                Some(port) => parse_port(port).ok_or_else(wrong)?,
                None if rest.is_empty() => SIP_PORT,
                None => return Err(wrong()),
            };
            return Ok(Self { host: ip.to_string(), port });
        }
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, parse_port(port).ok_or_else(wrong)?),
            None => (text, SIP_PORT),
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if host.is_empty() || !host.bytes().all(is_name) {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

/// Parses a port that something can listen at.
fn parse_port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port != 0)
}

impl Target {
    /// Its address, if it may be tested: it is on this machine, or was named as allowed.
    ///
    /// # Errors
    ///
    /// If the name is unknown, or the address is outside of this machine and not allowed.
    pub(super) fn resolve(&self, allowed: Option<&str>) -> Result<SocketAddr, RunError> {
        let unknown = |reason| RunError::UnknownHost { host: self.host.clone(), reason };
        let addresses = (self.host.as_str(), self.port).to_socket_addrs();
        let mut addresses = addresses.map_err(|error| unknown(sys::reason(&error)))?;
        let address = addresses.next().ok_or_else(|| unknown("it has no address".to_owned()))?;
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        if address.ip().is_unspecified() || address.ip().is_multicast() {
            return Err(RunError::Options(format!(
                "--target {}: {} is not the address of one server",
                self.host,
                address.ip()
            )));
        }
        if !address.ip().is_loopback() && allowed != Some(self.host.as_str()) {
            return Err(RunError::NotAllowed { host: self.host.clone(), ip: address.ip() });
        }
        Ok(address)
    }
}

/// Looks whether anything is at the target, and gives the own address from which it is reached.
/// Only the network's answer that nothing listens there is an error: many servers do not answer
/// OPTIONS.
///
/// # Errors
///
/// If nothing listens there, or there is no way to it.
pub(super) fn probe(target: SocketAddr, local: Option<IpAddr>) -> Result<IpAddr, RunError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::ConnectionRefused => RunError::NothingListens { target },
        _ => RunError::Unreachable { target, source },
    };
    let any = if target.is_ipv4() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED)
    } else {
        IpAddr::V6(Ipv6Addr::UNSPECIFIED)
    };
    if let Some(ip) = local.filter(|local| local.is_ipv4() != target.is_ipv4()) {
        return Err(RunError::Options(format!(
            "--local {ip}: {target} cannot be reached from it, one is IPv4 and the other IPv6"
        )));
    }
    let local = SocketAddr::new(local.unwrap_or(any), 0);
    let bound = UdpSocket::bind(local);
    let socket = bound.map_err(|source| RunError::Local { ip: local.ip(), source })?;
    socket.connect(target).map_err(failed)?;
    let own = socket.local_addr().map_err(failed)?;
    socket.set_read_timeout(Some(ANSWER_WAIT)).map_err(failed)?;
    socket.send(options_request(target, own).as_bytes()).map_err(failed)?;
    match socket.recv(&mut [0; 1_500]) {
        Ok(_) => Ok(own.ip()),
        Err(error) if is_timeout(&error) => Ok(own.ip()),
        Err(error) => Err(failed(error)),
    }
}

/// How long an answer to the first request is waited for.
const ANSWER_WAIT: Duration = Duration::from_secs(1);

/// Whether nothing came in time.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// The first request. It may go no further than to the target.
fn options_request(target: SocketAddr, own: SocketAddr) -> String {
    let number = own.port();
    format!(
        "OPTIONS sip:{target} SIP/2.0\r\n\
         Via: SIP/2.0/UDP {own};rport;branch=z9hG4bK-viaload-probe-{number}\r\n\
         Max-Forwards: 0\r\n\
         From: <sip:viaload@{own}>;tag=probe{number}\r\n\
         To: <sip:{target}>\r\n\
         Call-ID: viaload-probe-{number}@{own}\r\n\
         CSeq: 1 OPTIONS\r\n\
         Contact: <sip:viaload@{own}>\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_address_of_the_other_family_is_named() {
        let error = probe("127.0.0.1:9".parse().unwrap(), Some(IpAddr::V6(Ipv6Addr::LOCALHOST)));
        let error = error.unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().starts_with("--local ::1: "), "{error}");
    }

    /// A target from text.
    fn target(text: &str) -> Target {
        text.parse().unwrap()
    }

    #[test]
    fn targets_may_leave_out_what_is_usual() {
        for (text, host, port) in [
            ("127.0.0.1", "127.0.0.1", 5_060),
            ("udp:127.0.0.1:5070", "127.0.0.1", 5_070),
            ("proxy.example.org", "proxy.example.org", 5_060),
            ("localhost:5061", "localhost", 5_061),
            ("::1", "::1", 5_060),
            ("[::1]:5070", "::1", 5_070),
        ] {
            assert_eq!(target(text), Target { host: host.to_owned(), port }, "{text}");
        }
        for text in ["", ":5060", "host:0", "host:70000", "a b", "[::1]x", "sip:host", "1:2:3"] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_this_machine_is_tested_without_a_word() {
        let loopback = target("127.0.0.2:5070").resolve(None).unwrap();
        assert_eq!(loopback, "127.0.0.2:5070".parse().unwrap());
        let foreign = target("192.0.2.1");
        let error = foreign.resolve(None).unwrap_err();
        assert!(error.to_string().contains("--i-am-allowed-to-test 192.0.2.1"), "{error}");
        assert!(foreign.resolve(Some("192.0.2.2")).is_err());
        assert!(foreign.resolve(Some("192.0.2.1")).is_ok());
    }

    #[test]
    fn no_single_server_is_at_a_wildcard_or_group() {
        for text in ["0.0.0.0", "[::]", "224.0.0.1"] {
            assert!(target(text).resolve(Some(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_port_where_nothing_listens_is_told() {
        let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = probe(free, None).unwrap_err();
        assert_eq!(error.to_string(), format!("nothing listens at {free} (UDP)"));
    }

    #[test]
    fn any_answer_shows_that_somebody_is_there() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let answering = std::thread::spawn(move || {
            let mut bytes = [0; 1_500];
            let (length, source) = server.recv_from(&mut bytes).unwrap();
            assert!(bytes[..length].starts_with(b"OPTIONS sip:127.0.0.1:"));
            server.send_to(b"SIP/2.0 483 Too Many Hops\r\n\r\n", source).unwrap();
        });
        assert_eq!(probe(address, None).unwrap(), address.ip());
        answering.join().unwrap();
    }
}
