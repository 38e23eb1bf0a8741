//! SIP over TLS, from outside (RFC 3261 §26.2.1, RFC 5922).

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]
#![expect(clippy::panic, reason = "a test fails by a panic")]

#[path = "../src/transport/tls/testing.rs"]
mod certificates;
#[path = "support/secure.rs"]
mod secure;
#[expect(dead_code, unused_imports, reason = "each test file uses a part of it")]
mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use certificates::{Made, Maker};
use rustls::ClientConfig;
use secure::{SecureWire, client_config, server_config};
use support::process::Folder;
use support::{PATIENCE, Server};

/// Answers what is for the server and forwards the rest.
const ROUTE: &str = r#"
loadmodule "sl.so"
route {
    if (uri == myself) { sl_send_reply("200", "OK"); exit; }
    forward();
}
"#;

/// What has a request leave by TLS.
const BY_TLS: &str = ";transport=tls";

/// An authority, a server's certificate of it, and the folder that they are in.
struct Site {
    maker: Maker,
    own: Made,
    folder: Folder,
}

impl Site {
    /// With `ca.pem`, `cert.pem` and `key.pem`, for `proxy.example.com`.
    fn new() -> Self {
        let maker = Maker::new("Authority");
        let own = maker.certificate("first", &["proxy.example.com"]);
        let folder = Folder::new();
        let site = Self { maker, own, folder };
        site.folder.write("ca.pem", &site.maker.certificate);
        site.put("cert.pem", "key.pem", &site.own);
        site
    }

    /// Writes a certificate and its key.
    fn put(&self, certificate: &str, key: &str, made: &Made) {
        self.folder.write(certificate, &made.certificate);
        self.folder.write(key, &made.key);
    }

    /// The lines of the module, with more parameters of it.
    fn module(&self, parameters: &[(&str, &str)]) -> String {
        let path = self.folder.path().display();
        let mut lines = "loadmodule \"tls.so\"\n".to_owned();
        let files =
            [("certificate", "cert.pem"), ("private_key", "key.pem"), ("ca_list", "ca.pem")];
        for (name, file) in files {
            lines.push_str(&format!("modparam(\"tls\", \"{name}\", \"{path}/{file}\")\n"));
        }
        for (name, value) in parameters {
            lines.push_str(&format!("modparam(\"tls\", \"{name}\", \"{value}\")\n"));
        }
        lines
    }

    /// A server with this certificate, more parameters of the module, and more lines.
    fn server(&self, parameters: &[(&str, &str)], lines: &str) -> Server {
        let module = self.module(parameters);
        Server::start_for(&["tls"], &format!("{lines}\n{module}{ROUTE}"))
    }

    /// A client that believes the authority and proves nothing.
    fn client(&self) -> Arc<ClientConfig> {
        client_config(&self.maker.certificate, None)
    }

    /// A connection to a server.
    fn open(&self, server: &Server) -> SecureWire {
        SecureWire::open(server.address(), "proxy.example.com", &self.client()).unwrap()
    }
}

/// Asks the server for an answer.
fn assert_answers(wire: &mut SecureWire, server: &Server) {
    let request = wire.request("OPTIONS", &format!("sip:{};transport=tls", server.address()));
    wire.send(&request);
    assert_eq!(wire.receive().status(), 200);
}

/// A counter, for all workers together.
fn counter(server: &Server, name: &str) -> u64 {
    let line = server.ctl(&["get_statistics", name]);
    line.trim().rsplit(' ').next().unwrap().parse().unwrap()
}

/// Waits until a counter has a value: connections are counted when both sides have closed.
fn wait_for(server: &Server, name: &str, value: u64) {
    for _ in 0..2_000 {
        if counter(server, name) == value {
            return;
        }
    }
    panic!("{name} is {}, not {value}", counter(server, name));
}

/// What comes by a plain connection until it is closed.
fn read_to_end(mut stream: &TcpStream) -> Vec<u8> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => panic!("{error}"),
        _ => bytes,
    }
}

#[test]
fn a_request_over_tls_is_answered_by_its_connection() {
    let site = Site::new();
    let server = site.server(&[], "");
    let mut wire = site.open(&server);
    assert_answers(&mut wire, &server);
    let requests: Vec<String> = (0..300)
        .map(|_| wire.request("OPTIONS", &format!("sip:{};transport=tls", server.address())))
        .collect();
    wire.send(requests.concat());
    for request in &requests {
        let answer = wire.receive();
        assert!(request.contains(answer.value("Call-ID")), "in order");
    }
    wire.send("\r\n\r\n");
    assert_answers(&mut wire, &server);
}

#[test]
fn the_name_that_a_client_asks_for_chooses_the_certificate() {
    let site = Site::new();
    let other = site.maker.certificate("second", &["other.example.com"]);
    site.put("other.pem", "other-key.pem", &other);
    let path = site.folder.path().display().to_string();
    let profiles = format!(
        "[server:any]\nserver_name = other.example.com\ncertificate = {path}/other.pem\n\
         private_key = {path}/other-key.pem\n"
    );
    let config = site.folder.write("tls.cfg", &profiles);
    let server = site.server(&[("config", config.to_str().unwrap())], "");
    for (name, expected) in [("proxy.example.com", &site.own), ("other.example.com", &other)] {
        let mut wire = SecureWire::open(server.address(), name, &site.client()).unwrap();
        assert_eq!(wire.certificate(), expected.der);
        assert_answers(&mut wire, &server);
    }
}

#[test]
fn a_client_has_to_prove_what_the_server_asks() {
    let site = Site::new();
    let server = site.server(&[("require_certificate", "1")], "");
    let stranger = Maker::new("Other").certificate("client", &["client.example.com"]);
    let friend = site.maker.certificate("client", &["client.example.com"]);
    let open = |own: Option<&Made>| {
        let config = client_config(&site.maker.certificate, own);
        SecureWire::open(server.address(), "proxy.example.com", &config)
    };
    let mut wire = open(Some(&friend)).unwrap();
    assert_answers(&mut wire, &server);
    for own in [None, Some(&stranger)] {
        // In TLS 1.3 the client learns what the server thinks of it after its own part is done.
        let is_refused = match open(own) {
            Err(_) => true,
            Ok(mut wire) => !wire.wait_for_end(),
        };
        assert!(is_refused);
    }
    wait_for(&server, "connections_unproven", 2);
    assert_answers(&mut wire, &server);
}

#[test]
fn a_client_whose_certificate_is_revoked_is_refused_from_the_next_reload_on() {
    let site = Site::new();
    let path = site.folder.write("crl.pem", &site.maker.revocations(&[]));
    let crl = path.to_str().unwrap();
    let server = site.server(&[("require_certificate", "1"), ("crl", crl)], "");
    let client = site.maker.certificate("client", &["client.example.com"]);
    // The same: what it could resume ends with the reload.
    let config = client_config(&site.maker.certificate, Some(&client));
    let open = || SecureWire::open(server.address(), "proxy.example.com", &config);
    let mut old = open().unwrap();
    assert_answers(&mut old, &server);
    site.folder.write("crl.pem", &site.maker.revocations(&[&client]));
    server.ctl(&["tls.reload"]);
    let is_refused = match open() {
        Err(_) => true,
        Ok(mut wire) => !wire.wait_for_end(),
    };
    assert!(is_refused);
    assert_answers(&mut old, &server);
}

/// Has a server forward a request by TLS to a peer with this certificate, which believes in an
/// authority if it is to; whether it arrives.
fn arrives(site: &Site, server: &Server, peer: &Made, believes: Option<&str>) -> bool {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut caller = site.open(server);
    caller.send(caller.request("MESSAGE", &format!("sip:bob@{address}{BY_TLS}")));
    let accepted = SecureWire::accept(&listener, &server_config(peer, believes));
    let Ok(mut callee) = accepted else { return false };
    let arrived = callee.receive();
    assert_eq!(arrived.method(), "MESSAGE");
    callee.send(callee.response(&arrived, 200));
    assert_eq!(caller.receive().status(), 200);
    // The connection is used again.
    caller.send(caller.request("MESSAGE", &format!("sip:bob@{address}{BY_TLS}")));
    assert_eq!(callee.receive().method(), "MESSAGE");
    true
}

#[test]
fn a_next_hop_has_to_prove_its_name_if_that_is_asked() {
    let site = Site::new();
    let (good, stranger) = (&site.maker, &Maker::new("Authority"));
    let verifying = site.server(&[("verify_certificate", "1")], "");
    assert!(arrives(&site, &verifying, &good.certificate("peer", &["127.0.0.1"]), None));
    for (maker, name) in [(good, "127.0.0.2"), (good, "peer.example.com"), (stranger, "127.0.0.1")]
    {
        assert!(!arrives(&site, &verifying, &maker.certificate("peer", &[name]), None), "{name}");
    }
    wait_for(&verifying, "connections_unproven", 3);
    wait_for(&verifying, "dropped_unconnected", 3);
    let trusting = site.server(&[], "");
    assert!(arrives(&site, &trusting, &stranger.certificate("peer", &["x.example.com"]), None));
}

#[test]
fn the_server_proves_who_it_is_to_a_next_hop_that_asks() {
    let site = Site::new();
    let server = site.server(&[], "");
    let peer = site.maker.certificate("peer", &["127.0.0.1"]);
    assert!(arrives(&site, &server, &peer, Some(&site.maker.certificate)));
    assert!(!arrives(&site, &server, &peer, Some(&Maker::new("Other").certificate)));
}

#[test]
fn a_handshake_that_does_not_end_is_ended() {
    let site = Site::new();
    let server = site.server(&[], "tcp_connect_timeout=1");
    let silent = TcpStream::connect(server.address()).unwrap();
    let mut slow = TcpStream::connect(server.address()).unwrap();
    // The beginning of a Client Hello of 512 bytes.
    slow.write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc]).unwrap();
    assert_eq!(read_to_end(&silent), b"");
    assert_eq!(read_to_end(&slow), b"");
    wait_for(&server, "connections_unproven", 2);
    assert_answers(&mut site.open(&server), &server);
}

#[test]
fn what_is_no_tls_is_refused_with_an_alert() {
    let site = Site::new();
    let server = site.server(&[], "");
    let mut wire = site.open(&server);
    for garbage in [&b"OPTIONS sip:x SIP/2.0\r\nContent-Length: 0\r\n\r\n"[..], &[0; 5_000]] {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        // It may be closed before all is sent.
        let _ = stream.write_all(garbage);
        let answer = read_to_end(&stream);
        assert!(answer.is_empty() || answer[0] == 0x15, "{answer:?}");
    }
    wait_for(&server, "connections_unproven", 2);
    assert_answers(&mut wire, &server);
}

#[test]
fn certificates_are_renewed_under_open_connections() {
    let site = Site::new();
    let server = site.server(&[], "");
    let mut old = site.open(&server);
    assert_eq!(old.certificate(), site.own.der);
    for (name, by_command) in [("second", false), ("third", true)] {
        let renewed = site.maker.certificate(name, &["proxy.example.com"]);
        site.put("cert.pem", "key.pem", &renewed);
        if by_command {
            assert!(server.ctl(&["tls.reload"]).contains("reloaded: "));
        } else {
            assert!(server.reload_file().starts_with("reloaded: "));
        }
        let mut new = site.open(&server);
        assert_eq!(new.certificate(), renewed.der);
        assert_answers(&mut new, &server);
        assert_answers(&mut old, &server);
    }
    let last = site.open(&server).certificate();
    site.put("cert.pem", "key.pem", &site.own);
    site.folder.write("key.pem", "no key");
    let told = server.reload_file();
    assert!(told.contains("there is no private key") && told.contains("not reloaded"), "{told}");
    let mut new = site.open(&server);
    assert_eq!(new.certificate(), last, "the old one stays");
    assert_answers(&mut new, &server);
    assert_answers(&mut old, &server);
}

#[test]
fn the_second_connection_of_a_client_is_resumed_whichever_worker_has_it() {
    let site = Site::new();
    let server = site.server(&[], "");
    let config = site.client();
    let open = || {
        let mut wire = SecureWire::open(server.address(), "proxy.example.com", &config).unwrap();
        // The ticket comes with the first answer, if not before.
        assert_answers(&mut wire, &server);
        wire.is_resumed()
    };
    assert!(!open());
    assert!((0..6).all(|_| open()));
}

#[test]
fn connections_and_certificates_are_listed() {
    let site = Site::new();
    let server = site.server(&[], "");
    let mut wire = site.open(&server);
    assert_answers(&mut wire, &server);
    let list = server.ctl(&["tls.list"]);
    assert!(list.contains(&wire.address().to_string()), "{list}");
    assert!(list.contains("TLSv1.3 TLS_AES_256_GCM_SHA384"), "{list}");
    let info = server.ctl(&["tls.info"]);
    assert!(info.contains("opened_connections: 1"), "{info}");
    assert!(info.contains("cert.pem: first by Authority until "), "{info}");
}

#[test]
fn a_script_can_ask_who_the_peer_is() {
    let site = Site::new();
    let module = site.module(&[("verify_certificate", "1")]);
    let script = format!(
        r#"{module}
loadmodule "sl.so"
loadmodule "textops.so"
loadmodule "pv.so"
route {{
    $var(peer) = $tls_peer_subject_cn + " by " + $tls_peer_issuer_cn + ", ";
    $var(tls) = $tls_version + ", " + $tls_cipher_bits + ", " + $tls_peer_server_name;
    append_to_reply("X-Peer: $var(peer)$tls_peer_verified, $var(tls), $tls_peer_notAfter\r\n");
    if (is_peer_verified()) sl_send_reply("200", "Welcome"); else sl_send_reply("403", "Who?");
}}
"#
    );
    let server = Server::start_for(&["tls"], &script);
    let friend = site.maker.certificate("client", &["client.example.com"]);
    for (own, code, expected) in [
        (
            Some(&friend),
            200,
            "client by Authority, 1, TLSv1.3, 256, proxy.example.com, Jan  1 00:00:00 4096 GMT",
        ),
        (None, 403, "by , 0, TLSv1.3, 256, proxy.example.com, <null>"),
    ] {
        let config = client_config(&site.maker.certificate, own);
        let mut wire = SecureWire::open(server.address(), "proxy.example.com", &config).unwrap();
        wire.send(wire.request("OPTIONS", &format!("sip:{}", server.address())));
        let answer = wire.receive();
        assert_eq!((answer.status(), answer.value("X-Peer")), (code, expected));
    }
}

#[test]
fn a_server_without_a_usable_certificate_does_not_start() {
    let site = Site::new();
    site.put("cert.pem", "other-key.pem", &site.maker.certificate("other", &["a.example.com"]));
    let address: SocketAddr = support::free_address();
    for (module, expected) in [
        (site.module(&[]), "certificate and private key do not belong together"),
        (String::new(), "modparam(\"tls\", \"certificate\", \"cert.pem\")"),
    ] {
        let config = site.folder.write("script.cfg", &format!("{module}route {{ exit; }}"));
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_viaduct"));
        command.args(["run", "--listen", &format!("tls:{address}"), "--config"]).arg(config);
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(expected), "{told}");
    }
}
