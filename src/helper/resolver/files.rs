//! What the machine says about names: `/etc/hosts` and `/etc/resolv.conf`. They are read again
//! when they have changed.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, io};

use resolv_conf::{Config, ScopedIp};

use crate::names::HostName;

/// Time between two looks at whether a file has changed.
const LOOK_INTERVAL_MS: u64 = 1_000;

/// The port of name servers (RFC 1035 §4.2).
const DNS_PORT: u16 = 53;

/// The files, and what they said when they were read.
#[derive(Debug)]
pub(super) struct Files {
    hosts: PathBuf,
    resolver: PathBuf,
    /// What tells that they have changed.
    marks: Option<[Mark; 2]>,
    look_at_ms: u64,
    /// What they said.
    pub(super) book: Book,
}

/// Tells whether a file has changed: when it was written and how long it is; nothing if there is
/// no such file.
type Mark = Option<(SystemTime, u64)>;

/// What the machine says about names.
#[derive(Debug)]
pub(super) struct Book {
    hosts: BTreeMap<HostName, Vec<IpAddr>>,
    /// The name servers, in the order in which they are asked.
    pub(super) servers: Vec<SocketAddr>,
    /// The domains that are tried for names which are not whole.
    search: Vec<HostName>,
    /// Dots that a name has to have to be tried as it is first.
    dot_count: usize,
}

impl Files {
    /// Those of the machine; nothing has been read yet.
    pub(super) fn new() -> Self {
        Self::at(Path::new("/etc/hosts"), Path::new("/etc/resolv.conf"))
    }

    /// Files elsewhere.
    fn at(hosts: &Path, resolver: &Path) -> Self {
        Self {
            hosts: hosts.to_owned(),
            resolver: resolver.to_owned(),
            marks: None,
            look_at_ms: 0,
            book: Book::parse("", b""),
        }
    }

    /// Reads the files if they may have changed; whether it has.
    pub(super) fn refresh(&mut self, now_ms: u64) -> bool {
        if self.marks.is_some() && now_ms < self.look_at_ms {
            return false;
        }
        self.look_at_ms = now_ms + LOOK_INTERVAL_MS;
        let marks = Some([mark(&self.hosts), mark(&self.resolver)]);
        if self.marks == marks {
            return false;
        }
        self.marks = marks;
        let (hosts, resolver) = (read(&self.hosts), read(&self.resolver));
        self.book = Book::parse(&String::from_utf8_lossy(&hosts), &resolver);
        true
    }
}

/// What tells whether a file has changed.
fn mark(path: &Path) -> Mark {
    let facts = fs::metadata(path).ok()?;
    Some((facts.modified().ok()?, facts.len()))
}

/// The bytes of a file; none if it cannot be read, which is told unless there is none.
fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| {
        if error.kind() != io::ErrorKind::NotFound {
            tracing::warn!("{} cannot be read: {error}", path.display());
        }
        Vec::new()
    })
}

impl Book {
    /// What the texts of both files say.
    fn parse(hosts: &str, resolver: &[u8]) -> Self {
        let (config, problems) = Config::parse_with_errors(resolver);
        for problem in problems {
            tracing::warn!("/etc/resolv.conf: {problem}");
        }
        let ip = |server: &ScopedIp| SocketAddr::new(server.into(), DNS_PORT);
        let mut servers: Vec<_> = config.nameservers.iter().map(ip).collect();
        if servers.is_empty() {
            // As the resolver of the C library does.
            servers.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), DNS_PORT));
        }
        let domains = config.get_last_search_or_domain();
        let search = domains.map(|it| host_name(it)).filter(|name| !name.is_empty()).collect();
        Self { hosts: parse_hosts(hosts), servers, search, dot_count: config.ndots as usize }
    }

    /// The addresses that a name has without asking anybody: those of `/etc/hosts`, and those of
    /// `localhost`, which name servers are not asked for (RFC 6761 §6.3).
    pub(super) fn addresses(&self, name: &[u8]) -> Option<Vec<IpAddr>> {
        if let Some(addresses) = self.hosts.get(name) {
            return Some(addresses.clone());
        }
        let is_local = name == b"localhost" || name.ends_with(b".localhost");
        is_local.then(|| vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()])
    }

    /// The names that a name may stand for, in the order in which they are tried.
    pub(super) fn candidates(&self, name: &HostName, uses_search_list: bool) -> Vec<HostName> {
        let search: &[HostName] = if uses_search_list { &self.search } else { &[] };
        let longer = search.iter().map(|domain| {
            let mut whole = name.clone();
            whole.push(b'.');
            whole.extend_from_slice(domain);
            whole
        });
        let dots = name.iter().filter(|byte| **byte == b'.').count();
        let mut candidates: Vec<_> = longer.collect();
        let position = if dots >= self.dot_count { 0 } else { candidates.len() };
        candidates.insert(position, name.clone());
        candidates
    }
}

/// The names of `/etc/hosts` with their addresses, in the order of the file.
fn parse_hosts(text: &str) -> BTreeMap<HostName, Vec<IpAddr>> {
    let mut hosts: BTreeMap<HostName, Vec<IpAddr>> = BTreeMap::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        let Some(Ok(ip)) = words.next().map(str::parse::<IpAddr>) else { continue };
        for name in words {
            hosts.entry(host_name(name)).or_default().push(ip);
        }
    }
    hosts
}

/// A name as it is compared.
fn host_name(text: &str) -> HostName {
    let text = text.strip_suffix('.').unwrap_or(text);
    text.bytes().map(|byte| byte.to_ascii_lowercase()).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What these texts say.
    pub(in super::super) fn book(hosts: &str, resolver: &str) -> Book {
        Book::parse(hosts, resolver.as_bytes())
    }

    /// The candidates for a name, for people.
    fn candidates(book: &Book, name: &str, uses_search_list: bool) -> Vec<String> {
        let found = book.candidates(&host_name(name), uses_search_list);
        found.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
    }

    #[test]
    fn hosts_have_all_their_names_and_addresses() {
        let book = book("# c\n192.0.2.1 Gw.Example gw # x\n::1 gw\nrubbish gw\n\n192.0.2.9\n", "");
        let v4 = IpAddr::from([192, 0, 2, 1]);
        assert_eq!(book.addresses(b"gw.example"), Some(vec![v4]));
        assert_eq!(book.addresses(b"gw"), Some(vec![v4, Ipv6Addr::LOCALHOST.into()]));
        assert_eq!(book.addresses(b"other"), None);
    }

    #[test]
    fn localhost_is_here_whatever_the_files_say() {
        let plain = book("", "");
        for name in [&b"localhost"[..], b"a.localhost"] {
            let own = vec![Ipv4Addr::LOCALHOST.into(), IpAddr::from(Ipv6Addr::LOCALHOST)];
            assert_eq!(plain.addresses(name), Some(own));
        }
        assert_eq!(plain.addresses(b"notlocalhost"), None);
        let told = book("127.0.0.9 localhost\n", "");
        assert_eq!(told.addresses(b"localhost"), Some(vec![[127, 0, 0, 9].into()]));
    }

    #[test]
    fn name_servers_are_asked_in_their_order() {
        let told = book("", "nameserver 192.0.2.53\nnameserver ::1\nrubbish\n");
        let shown: Vec<_> = told.servers.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["192.0.2.53:53", "[::1]:53"]);
        assert_eq!(book("", "").servers, ["127.0.0.1:53".parse().unwrap()]);
    }

    #[test]
    fn the_search_list_is_tried_after_names_that_have_dots_and_before_others() {
        let told = book("", "search one.example Two.example.\n");
        assert_eq!(candidates(&told, "gw", true), ["gw.one.example", "gw.two.example", "gw"]);
        let dotted = ["gw.x", "gw.x.one.example", "gw.x.two.example"];
        assert_eq!(candidates(&told, "gw.x", true), dotted);
        assert_eq!(candidates(&told, "gw", false), ["gw"]);
        assert_eq!(candidates(&book("", "nameserver 192.0.2.53\n"), "gw", true), ["gw"]);
        let many = book("", "search one.example\noptions ndots:2\n");
        assert_eq!(candidates(&many, "gw.x", true), ["gw.x.one.example", "gw.x"]);
    }

    #[test]
    fn a_file_that_has_changed_is_read_again() {
        let folder = std::env::temp_dir().join(format!("viaduct-names-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (hosts, resolver) = (folder.join("hosts"), folder.join("resolv.conf"));
        let mut files = Files::at(&hosts, &resolver);
        assert!(files.refresh(0), "there are none, which is found out once");
        fs::write(&hosts, "192.0.2.1 gw\n").unwrap();
        assert!(!files.refresh(LOOK_INTERVAL_MS - 1));
        assert!(files.refresh(LOOK_INTERVAL_MS));
        assert!(files.book.addresses(b"gw").is_some());
        assert!(!files.refresh(2 * LOOK_INTERVAL_MS));
        fs::write(&hosts, "192.0.2.1 other\n").unwrap();
        assert!(files.refresh(3 * LOOK_INTERVAL_MS));
        assert!(files.book.addresses(b"gw").is_none());
        fs::remove_dir_all(folder).unwrap();
    }
}
