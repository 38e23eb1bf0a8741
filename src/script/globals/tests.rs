use std::path::Path;

use super::*;
use crate::connections::{ConnectionSettings, ProbeSettings};
use crate::names::NameSettings;
use crate::script::load::{Reader, parse_text};
use crate::script::{Dialect, Severity};

/// Reads no files.
struct Nothing;

impl Reader for Nothing {
    fn read(&self, _: &Path) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn environment(&self, _: &str) -> Option<String> {
        None
    }
}

/// The settings of a script, or its errors.
fn read(text: &str) -> Result<Settings, String> {
    parse_text(Path::new("test.cfg"), text.as_bytes().to_vec(), &Nothing)
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
         listen=10.0.0.2 10.0.0.3:5062 advertise 1.2.3.4:5\nport=5070\n",
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
        ("listen=tls:1.2.3.4:5061", "E0304 `tls` is not supported yet"),
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
