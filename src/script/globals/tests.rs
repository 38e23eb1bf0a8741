use std::io;
use std::net::IpAddr;
use std::path::Path;

use super::*;
use crate::connections::{ConnectionSettings, ProbeSettings};
use crate::names::NameSettings;
use crate::protocol::{Endpoint, Transport};
use crate::script::load::{Reader, parse_text};
use crate::script::{Dialect, ListenAddress, Severity};

/// Reads no files.
struct Nothing;

impl Reader for Nothing {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn environment(&self, _: &str) -> Option<String> {
        None
    }
}

/// A machine with two interfaces and a host in its neighbourhood, or one that a script is only
/// looked at on.
struct Machine {
    runs_here: bool,
}

impl Reader for Machine {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn environment(&self, _: &str) -> Option<String> {
        None
    }

    fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        match host {
            "sip.example.com" => Ok(ips(&["2001:db8::5", "192.0.2.5", "192.0.2.6"])),
            "empty.example" => Ok(Vec::new()),
            _ => Err("no such host".to_owned()),
        }
    }

    fn interface(&self, name: &str) -> Vec<IpAddr> {
        match name {
            "eth0" => ips(&["192.0.2.5", "2001:db8::5", "192.0.2.6"]),
            "v6-only" => ips(&["2001:db8::5"]),
            _ => Vec::new(),
        }
    }

    fn host_name(&self) -> Option<String> {
        Some("Edge-1".to_owned())
    }

    fn runs_here(&self) -> bool {
        self.runs_here
    }
}

/// These addresses.
fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// The settings of a script, or its errors.
fn read(text: &str) -> Result<Settings, String> {
    read_on(&Nothing, text)
}

/// The settings of a script on that machine, or its errors.
fn read_on(machine: &dyn Reader, text: &str) -> Result<Settings, String> {
    parse_text(Path::new("test.cfg"), text.as_bytes().to_vec(), machine)
        .map(|parsed| parsed.settings)
        .map_err(|rejected| {
            let errors = rejected.diagnostics.iter().filter(|d| d.severity == Severity::Error);
            errors.map(|d| format!("{} {}", d.code.0, d.message)).collect::<Vec<_>>().join("\n")
        })
}

#[test]
fn settings_have_their_values() {
    let settings = read(
        "#!SER\ndebug=3 children=4\nport=5070\nlog_stderror=yes\nserver_header=\"Server: X\"\n\
         max_while_loops=7\nmax_branches=5\nsteering=spread\n\
         overload_policy=reject overload_retry_after=9 branch_secret=\"s\"\n\
         alias=\"Foo.bar\" alias=sip.foo.bar \"z:5061\"\nalias=udp:a.b:5060\n",
    )
    .unwrap();
    assert_eq!(settings.dialect, Dialect::Ser);
    assert_eq!((settings.debug, settings.workers, settings.port), (3, Some(4), 5070));
    assert!(settings.log_stderror && settings.steering_spread);
    assert_eq!(settings.server_header.as_deref(), Some("Server: X"));
    assert_eq!((settings.max_while_loops, settings.max_branches), (7, 5));
    assert!(settings.overload_reject && settings.overload_retry_after_seconds == 9);
    assert_eq!(settings.branch_secret.as_deref(), Some("s"));
    let aliases: Vec<_> = settings.aliases.iter().map(|(h, p)| (h.as_str(), *p)).collect();
    let expected =
        [("foo.bar", None), ("sip.foo.bar", None), ("z", Some(5061)), ("a.b", Some(5060))];
    assert_eq!(aliases, expected);
}

#[test]
fn connections_are_treated_as_the_script_says() {
    let connections = |text: &str| read(text).unwrap().connections;
    assert_eq!(connections("tcp_children=8 tcp_async=yes"), ConnectionSettings::default());
    let all = "tcp_connection_lifetime=3605 tcp_connect_timeout=3 tcp_send_timeout=-1\n\
        tcp_msg_read_timeout=5 tcp_max_connections=4096 tcp_accept_iplimit=0\n\
        tcp_accept_no_cl=yes tcp_crlf_ping=no tcp_no_connect=yes tcp_rd_buf_size=65536\n\
        tcp_conn_wq_max=32768 tcp_wq_max=10485760 tcp_keepalive=yes tcp_keepidle=30\n\
        tcp_keepintvl=5 tcp_keepcnt=3\n";
    let expected = ConnectionSettings {
        lifetime_seconds: 3_605,
        connect_seconds: 3,
        send_seconds: 31_536_000,
        message_seconds: 5,
        count_max: 4_096,
        count_per_address_max: 0,
        accepts_no_length: true,
        answers_pings: false,
        opens: false,
        read_bytes: 65_536,
        queue_bytes_max: 32_768,
        queues_bytes_max: 10_485_760,
        probes: ProbeSettings { are_sent: true, idle_seconds: 30, interval_seconds: 5, count: 3 },
    };
    assert_eq!(connections(all), expected);
    assert_eq!(connections("tcp_rd_buf_size=16777216").read_bytes, 65_536);
    for wrong in ["tcp_max_connections=-1", "tcp_rd_buf_size=511", "tcp_wq_max=2000000000"] {
        assert!(read(wrong).unwrap_err().starts_with("E0305"), "{wrong}");
    }
}

#[test]
fn the_server_header_may_lack_its_name_or_be_left_out() {
    let header = |text: &str| read(text).unwrap().server_header;
    assert_eq!(header("server_header=\"PrimiSIP\"").as_deref(), Some("Server: PrimiSIP"));
    assert_eq!(header("server_header=\"server: Y\"").as_deref(), Some("server: Y"));
    assert_eq!(header("server_header=\"\"\n"), None);
    assert_eq!(header("server_signature=no\n"), None);
    assert!(header("\n").unwrap().starts_with("Server: Viaduct ("));
    assert!(read("server_header=\"a\\r\\nb\"").unwrap_err().starts_with("E0305"));
}

#[test]
fn listen_addresses_take_the_port_of_the_script() {
    let settings = read(
        "listen=udp:10.0.0.1:5080 advertise sip.example.com name \"x\"\nlisten=127.0.0.1\n\
         listen=udp:[::1]:5061\nlisten=\"udp:[2001:db8::1]\"\nsocket=udp:localhost:99\n\
         listen=10.0.0.2 10.0.0.3:5062 advertise 1.2.3.4:5\nport=5070\ndisable_tcp=yes\n",
    )
    .unwrap();
    let shown: Vec<_> = settings
        .listen
        .iter()
        .map(|listen| match &listen.advertise {
            Some((host, port)) => format!("{} as {host}:{port}", listen.address),
            None => listen.address.to_string(),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "10.0.0.1:5080 as sip.example.com:5080",
            "127.0.0.1:5070",
            "[::1]:5061",
            "[2001:db8::1]:5070",
            "127.0.0.1:99",
            "10.0.0.2:5070",
            "10.0.0.3:5062 as 1.2.3.4:5"
        ]
    );
}

/// The addresses that a script listens to, with their transports.
fn listened(text: &str) -> Vec<String> {
    let endpoint = |listen: &ListenAddress| {
        Endpoint { transport: listen.transport, address: listen.address }.to_string()
    };
    read(text).unwrap().listen.iter().map(endpoint).collect()
}

#[test]
fn an_address_without_transport_is_listened_to_by_all_that_are_on() {
    let both = ["udp:10.0.0.1:5060", "tcp:10.0.0.1:5060"];
    assert_eq!(listened("listen=10.0.0.1"), both);
    assert_eq!(listened("listen=any:10.0.0.1:5060"), both);
    assert_eq!(listened("disable_tcp=yes enable_tls=yes\nlisten=10.0.0.1"), both[..1]);
    assert_eq!(
        listened("listen=10.0.0.1\nlisten=10.0.0.2:5070\nenable_tls=yes port=5080"),
        [
            "udp:10.0.0.1:5080",
            "tcp:10.0.0.1:5080",
            "tls:10.0.0.1:5061",
            "udp:10.0.0.2:5070",
            "tcp:10.0.0.2:5070",
            "tls:10.0.0.2:5071",
        ]
    );
    let settings = read("enable_tls=yes tls_port_no=5099").unwrap();
    let all = settings.listen_to([0, 0, 0, 0].into());
    let all: Vec<_> = all.iter().map(|it| (it.transport, it.address.port())).collect();
    let expected = [(Transport::Udp, 5060), (Transport::Tcp, 5060), (Transport::Tls, 5099)];
    assert_eq!(all, expected);
}

#[test]
fn an_address_may_name_its_transport() {
    assert_eq!(
        listened("enable_tls=yes\nlisten=tcp:10.0.0.1:5070 tls:10.0.0.1 TCP:[::1] udp:[::1]"),
        ["tcp:10.0.0.1:5070", "tls:10.0.0.1:5061", "tcp:[::1]:5060", "udp:[::1]:5060"]
    );
    // As Kamailio has it, an address whose transport is off is left out.
    let text = "listen=tls:10.0.0.1\nlisten=udp:10.0.0.1";
    assert_eq!(listened(text), ["udp:10.0.0.1:5060"]);
    let parsed = parse_text(Path::new("test.cfg"), text.as_bytes().to_vec(), &Nothing).unwrap();
    let told = parsed.diagnostics.iter().find(|told| told.code.0 == "W0301").unwrap();
    assert_eq!(told.message, "this address is not listened to: TLS is off");
}

/// The addresses of UDP that are listened on.
fn datagram_addresses(settings: &Settings) -> Vec<String> {
    let listen = settings.listen.iter().filter(|listen| listen.transport == Transport::Udp);
    listen.map(|listen| listen.address.to_string()).collect()
}

#[test]
fn interfaces_and_hosts_are_listened_on_at_their_addresses() {
    let machine = Machine { runs_here: true };
    let settings = read_on(
        &machine,
        "disable_tcp=yes port=5070\nlisten=eth0\n\
         listen=udp:eth0:5080 advertise 198.51.100.1 name \"out\"\n\
         listen=v6-only\nlisten=udp:sip.example.com:5090\nlisten=127.0.0.1\n",
    )
    .unwrap();
    let expected = [
        "192.0.2.5:5070",
        "192.0.2.6:5070",
        "192.0.2.5:5080",
        "192.0.2.6:5080",
        "[2001:db8::5]:5070",
        "192.0.2.5:5090",
        "127.0.0.1:5070",
    ];
    assert_eq!(datagram_addresses(&settings), expected);
    let named = |listen: &ListenAddress| (listen.name.clone(), listen.advertise.clone());
    let outside = (Some("out".to_owned()), Some(("198.51.100.1".to_owned(), 5080)));
    assert_eq!(named(&settings.listen[2]), outside);
    assert_eq!(named(&settings.listen[3]), outside);
    assert_eq!(named(&settings.listen[4]), (None, None));
    assert_eq!(settings.aliases, [("sip.example.com".to_owned(), Some(5090))]);
    assert_eq!(settings.own_names, ["edge-1"]);
    let silent = read_on(&machine, "auto_aliases=no\nlisten=sip.example.com\n").unwrap();
    assert_eq!((silent.own_names.len(), silent.auto_aliases), (0, false));
    assert_eq!(silent.aliases, [("sip.example.com".to_owned(), Some(5060))]);
}

#[test]
fn what_has_no_address_is_an_error_where_it_runs_and_a_warning_elsewhere() {
    for text in ["eth1", "empty.example", "udp:nobody.example:5060"] {
        let script = format!("listen={text}\nroute {{ }}\n");
        let error = read_on(&Machine { runs_here: true }, &script).unwrap_err();
        assert_eq!(error, format!("E0303 `{text}` is no address"));
        let elsewhere = Machine { runs_here: false };
        let parsed = parse_text(Path::new("t"), script.into_bytes(), &elsewhere).unwrap();
        let told: Vec<_> = parsed.diagnostics.iter().map(|found| found.code.0).collect();
        assert!(told.contains(&"W0302"), "{told:?}");
        assert!(parsed.settings.listen.is_empty());
    }
}

#[test]
fn an_address_is_advertised_for_all_that_do_not_say_it_themselves() {
    let shown = |text: &str| -> Vec<_> {
        let settings = read(&format!("disable_tcp=yes\n{text}")).unwrap();
        settings.listen.into_iter().map(|listen| listen.advertise).collect()
    };
    let own = Some(("a.example".to_owned(), 7));
    let two = "listen=192.0.2.1\nlisten=192.0.2.2:5070 advertise a.example:7\n";
    let both = format!("advertised_address=\"sip.example.com\"\n{two}advertised_port=5080\n");
    assert_eq!(shown(&both), [Some(("sip.example.com".to_owned(), 5080)), own.clone()]);
    let host = format!("{two}advertised_address=198.51.100.1\n");
    assert_eq!(shown(&host), [Some(("198.51.100.1".to_owned(), 5060)), own.clone()]);
    let port = format!("{two}listen=0.0.0.0\nlisten=[::1]\nadvertised_port=5080\n");
    let loopback = Some(("[::1]".to_owned(), 5080));
    assert_eq!(shown(&port), [Some(("192.0.2.1".to_owned(), 5080)), own, None, loopback]);
    for (text, error) in [
        ("advertised_address=\"a b\"", "E0303 `advertised_address` needs a host"),
        ("advertised_address=\"a:5060\"", "E0303 `advertised_address` needs a host"),
        ("advertised_port=0", "E0305 0 is not within 1 to 65535"),
    ] {
        assert_eq!(read(text).unwrap_err(), error);
    }
}

#[test]
fn a_file_may_begin_with_a_byte_order_mark() {
    let settings = read("\u{feff}#!SER\nport=5070\nroute { }\n").unwrap();
    assert_eq!((settings.dialect, settings.port), (Dialect::Ser, 5070));
    assert!(read("port=5070\n\u{feff}route { }\n").is_err(), "but nowhere else");
}

#[test]
fn what_is_asked_for_and_not_done_is_a_warning() {
    let told = |text: &str| -> Vec<_> {
        let parsed = parse_text(Path::new("t"), text.as_bytes().to_vec(), &Nothing).unwrap();
        parsed.diagnostics.iter().map(|found| found.code.0).collect()
    };
    assert_eq!(told("#!SER\nmhomed=yes reply_to_via=1\nroute { }\n"), ["W0303", "W0303"]);
    assert_eq!(told("#!SER\nmhomed=no reply_to_via=0\nroute { }\n"), ["N0302", "N0302"]);
    assert_eq!(told("#!SER\nmemlog=1\nroute { }\n"), ["N0302"]);
}

#[test]
fn name_servers_and_what_is_asked_of_them_are_the_scripts() {
    let names = read(
        "dns_servers = \"192.0.2.53\" \"[2001:db8::53]:5353\" localhost\ndns_servers = ::1\n\
         dns_servers_no=2 dns_retr_time=2 dns_retr_no=3 dns_try_ipv6=off\n\
         dns_use_search_list=no dns_cache_min_ttl=0 dns_cache_max_ttl=60\n\
         dns_cache_negative_ttl=5\n",
    )
    .unwrap()
    .names;
    let shown: Vec<_> = names.servers.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["192.0.2.53:53", "[2001:db8::53]:5353", "127.0.0.1:53", "[::1]:53"]);
    let expected = NameSettings {
        servers: names.servers.clone(),
        server_count: 2,
        try_ipv6: false,
        use_search_list: false,
        retry_seconds: 2,
        try_count: 3,
        min_ttl_seconds: 0,
        max_ttl_seconds: 60,
        negative_ttl_seconds: 5,
    };
    assert_eq!(names, expected);
    let many = "dns_servers = 1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4 1.1.1.5 1.1.1.6 1.1.1.7 1.1.1.8";
    assert!(read(many).is_ok());
    let error = read(&format!("{many} 1.1.1.9")).unwrap_err();
    assert_eq!(error, "E0305 there are 8 name servers at most");
}

#[test]
fn wrong_values_are_reported() {
    for (text, expected) in [
        ("childern=4", "E0301 there is no global parameter `childern`"),
        ("children=many", "E0302 `children` must be a number"),
        ("children=0", "E0305 0 is not within 1 to 256"),
        ("port=65536", "E0305 65536 is not within 1 to 65535"),
        ("fork=maybe", "E0302 `fork` must be `yes` or `no`"),
        ("debug=3 4", "E0302 this is one value too many"),
        ("listen=eth0", "E0303 `eth0` is no address"),
        ("listen=udp:sip.example.com:5060", "E0303 `udp:sip.example.com:5060` is no address"),
        ("listen=udp:1.2.3.4:99999", "E0303 `udp:1.2.3.4:99999` is no address"),
        ("listen=sctp:1.2.3.4:5060", "E0304 `sctp` is not supported yet"),
        ("udp_mtu_try_proto=SCTP", "E0305 `udp_mtu_try_proto` is `UDP`, `TCP` or `TLS`"),
        ("listen=1.2.3.4 advertise", "E0303 `advertise` needs a host, with or without a port"),
        ("overload_policy=drop", "E0305 `overload_policy` is `none` or `reject`"),
        ("overload_retry_after=0", "E0305 0 is not within 1 to 86400"),
        ("dns_servers=\"ns.example\"", "E0303 `ns.example` is no address"),
        ("dns_servers=\"192.0.2.53:x\"", "E0303 `192.0.2.53:x` is no address"),
        ("dns_servers_no=0", "E0305 0 is not within 1 to 8"),
        ("dns_retr_time=0", "E0305 0 is not within 1 to 60"),
        ("dns_try_ipv6=perhaps", "E0302 `dns_try_ipv6` must be `yes` or `no`"),
        ("steering=left", "E0305 `steering` is `hash` or `spread`"),
    ] {
        assert_eq!(read(text).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn a_custom_parameter_is_left_to_the_script() {
    assert!(read("pstn.gw_ip = \"1.2.3.4\" desc \"gateway\"\n").is_ok());
}

#[test]
fn the_dialect_is_guessed_from_paths_and_xlog() {
    let dialect = |text: &str| read(text).unwrap().dialect;
    assert_eq!(dialect("loadmodule \"/usr/lib/ser/modules/sl.so\""), Dialect::Ser);
    assert_eq!(dialect("mpath=\"/usr/lib/openser/modules/\"\n"), Dialect::OpenSer);
    assert_eq!(dialect("route { xlog(\"L_INFO\", \"%rm from %is\\n\"); }"), Dialect::Ser);
    assert_eq!(dialect("route { xlog(\"L_INFO\", \"$rm 100%\\n\"); }"), Dialect::Kamailio);
    assert_eq!(dialect("#!OPENSER\nloadmodule \"/usr/lib/ser/sl.so\""), Dialect::OpenSer);
}

#[test]
fn the_table_has_each_name_once() {
    let mut names: Vec<_> = GLOBALS.iter().map(|parameter| parameter.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}
