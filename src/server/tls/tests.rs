//! Tests of what is read for TLS.

use std::fs;

use super::super::load::{finish, parse};
use super::*;
use crate::script::render;
use crate::transport::tls::testing::Maker;

/// A folder with certificates, removed at its end.
struct Place {
    folder: PathBuf,
}

impl Place {
    /// A folder with an authority, `ca.pem`, that made `cert.pem` and `other.pem` with `key.pem`
    /// and `other-key.pem`.
    fn new(name: &str) -> Self {
        let folder = format!("viaduct-{}-tls-{name}", std::process::id());
        let place = Self { folder: std::env::temp_dir().join(folder) };
        fs::create_dir_all(&place.folder).unwrap();
        let maker = Maker::new("A");
        let made = maker.certificate("one", &["one.example.com"]);
        let other = maker.certificate("two", &["two.example.com"]);
        for (file, text) in [
            ("ca.pem", &maker.certificate),
            ("one.pem", &made.certificate),
            ("one-key.pem", &made.key),
            ("two.pem", &other.certificate),
            ("two-key.pem", &other.key),
        ] {
            place.write(file, text);
        }
        place
    }

    /// Writes a file.
    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    /// What becomes of a script, to which a listener of TLS is given by the command line, and of a
    /// file with profiles: the contexts, and what is told.
    fn read(&self, script: &str, profiles: &str) -> (TlsContexts, Loaded) {
        self.write("tls.cfg", profiles);
        self.write("script.cfg", &format!("{script}\nroute {{ exit; }}\n"));
        let (source, mut loaded) = self.source();
        let contexts = source.read(&mut loaded);
        (contexts, loaded)
    }

    /// What `script.cfg` says, with a listener of TLS that the command line gives.
    fn source(&self) -> (TlsSource, Loaded) {
        let path = self.folder.join("script.cfg");
        let parsed = parse(Some(&path)).unwrap();
        let address = "192.0.2.1:5061".parse().unwrap();
        let listen = [Endpoint { transport: Transport::Tls, address }];
        (TlsSource::of(Some(&path), &listen, &parsed), finish(parsed))
    }

    /// As [`Self::read`] with the module and this file; nothing may be wrong.
    fn profiles(&self, profiles: &str) -> TlsContexts {
        let (contexts, loaded) = self.read(MODULE, profiles);
        assert!(loaded.program.is_some(), "{}", render(&loaded.diagnostics, &loaded.map));
        contexts
    }

    /// What is told of a script and a file: numbers and places, and the whole.
    fn told(&self, script: &str, profiles: &str) -> (Vec<String>, String) {
        let (_, loaded) = self.read(script, profiles);
        let place = |diagnostic: &Diagnostic| {
            let place = loaded.map.place(diagnostic.primary.0).unwrap();
            let file = place.file.file_name().unwrap().to_str().unwrap().to_owned();
            format!("{} {file}:{}:{}", diagnostic.code.0, place.line, place.column)
        };
        let list = loaded.diagnostics.iter().map(place).collect();
        (list, render(&loaded.diagnostics, &loaded.map))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A script with a file of profiles.
const MODULE: &str =
    "#!KAMAILIO\nloadmodule \"tls.so\"\nmodparam(\"tls\", \"config\", \"tls.cfg\")";

/// The files of the contexts' certificates.
fn files(contexts: &TlsContexts) -> Vec<&str> {
    contexts.certificates().iter().map(|(file, _)| file.as_str()).collect()
}

#[test]
fn parameters_of_the_module_are_enough() {
    let place = Place::new("module");
    let script = "#!KAMAILIO\nloadmodule \"tls.so\"\n\
        modparam(\"tls\", \"certificate\", \"one.pem\")\n\
        modparam(\"tls\", \"private_key\", \"one-key.pem\")\n\
        modparam(\"tls\", \"ca_list\", \"ca.pem\")\nmodparam(\"tls\", \"verify_certificate\", 1)";
    let (contexts, loaded) = place.read(script, "");
    assert_eq!(render(&loaded.diagnostics, &loaded.map), "");
    assert_eq!(files(&contexts), ["one.pem"]);
    let address = "192.0.2.1:5061".parse().unwrap();
    assert!(contexts.server(address).is_some() && contexts.client(address).is_some());
}

#[test]
fn the_core_parameters_of_openser_are_enough() {
    let place = Place::new("openser");
    let script = "#!OPENSER\ntls_certificate=\"one.pem\"\n\
        tls_private_key=\"one-key.pem\"\ntls_ca_list=\"ca.pem\"\ntls_verify_client=1\n\
        tls_require_client_certificate=yes\ntls_method=\"TLSv1.2\"";
    let (contexts, loaded) = place.read(script, "");
    assert_eq!(render(&loaded.diagnostics, &loaded.map), "");
    assert_eq!(files(&contexts), ["one.pem"]);
    let (told, text) = place.told(&script.replace("TLSv1.2", "TLSv1"), "");
    assert_eq!(told, ["E0504 script.cfg:7:12"]);
    assert!(text.contains("write `TLSv1.2+`"), "{text}");
}

#[test]
fn sections_are_for_their_addresses_and_the_default_fills_them() {
    let place = Place::new("sections");
    let contexts = place.profiles(
        "[server:default]\ncertificate=one.pem\nprivate_key=one-key.pem\n\
         [server:192.0.2.1:5061]\nserver_name=two.example.com\n\
         certificate=two.pem\nprivate_key=two-key.pem\n[client:192.0.2.9:5061]\n",
    );
    assert_eq!(files(&contexts), ["one.pem", "two.pem"]);
    let both = ["192.0.2.1:5061", "192.0.2.2:5061"].map(|text| text.parse().unwrap());
    assert!(both.iter().all(|address| contexts.server(*address).is_some()));
    assert!(both.iter().all(|address| contexts.client(*address).is_some()));
    // Certificates by name alone, for all listeners.
    let contexts = place.profiles(
        "[server:any]\nserver_name=one.example.com\ncertificate=one.pem\n\
         private_key=one-key.pem\n",
    );
    assert!(contexts.server(both[0]).is_some());
}

#[test]
fn a_key_may_be_in_the_file_of_the_certificate_and_cert_pem_needs_no_name() {
    let place = Place::new("default");
    let read = |name| fs::read_to_string(place.folder.join(name)).unwrap();
    place.write("cert.pem", &format!("{}{}", read("one.pem"), read("one-key.pem")));
    assert_eq!(files(&place.profiles("")), ["cert.pem"]);
    assert_eq!(files(&place.profiles("[server:default]\ncertificate=cert.pem")), ["cert.pem"]);
}

#[test]
fn what_is_wrong_with_files_is_told_where_they_are_named() {
    let place = Place::new("wrong");
    let good = "[server:default]\ncertificate=one.pem\nprivate_key=one-key.pem\n";
    for (profiles, expected, words) in [
        (&good.replace("one.pem", "gone.pem"), "E0505 tls.cfg:2:13", "No such file"),
        (&good.replace("one-key", "two-key"), "E0505 tls.cfg:2:13", "do not belong together"),
        (&good.replace("one-key", "ca"), "E0505 tls.cfg:3:13", "there is no private key"),
        (&good.replace("one.pem", "one-key.pem"), "E0505 tls.cfg:2:13", "there is no certificate"),
        (&format!("{good}cipher_list=HIGH\n"), "W0504 tls.cfg:4:13", "ECDHE-RSA-AES128"),
        (&format!("{good}method=SSLv23\n"), "N0502 tls.cfg:4:8", "TLS 1.2 and 1.3"),
        (&format!("{good}method=TLSv1\n"), "E0503 tls.cfg:4:8", "TLSv1.2+"),
        (&format!("{good}verify_certificate=yes\n"), "W0505 tls.cfg:4:20", "ca_list"),
        (
            &format!("{good}crl=ca.pem\nca_list=ca.pem\nverify_certificate=on\n"),
            "E0505 tls.cfg:4:5",
            "revoked",
        ),
        (&format!("{good}[server:any]\n"), "E0503 tls.cfg:4:1", "server_name"),
        (&format!("{good}[client:any]\n"), "W0503 tls.cfg:4:1", "192.0.2.1:5061"),
    ] {
        let (told, text) = place.told(MODULE, profiles);
        assert_eq!(told, [expected], "{text}");
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn tls_without_a_certificate_says_what_to_write() {
    let place = Place::new("missing");
    for script in ["", "enable_tls=yes", "loadmodule \"tls.so\""] {
        let (_, loaded) = place.read(script, "");
        let text = render(&loaded.diagnostics, &loaded.map);
        assert!(text.contains("error[E0502]") && loaded.program.is_none(), "{script}: {text}");
        assert!(text.contains("modparam(\"tls\", \"certificate\", \"cert.pem\")"), "{text}");
    }
    let gone = MODULE.replace("tls.cfg", "gone.cfg");
    let (told, text) = place.told(&gone, "");
    assert_eq!(told, ["E0505 script.cfg:3:27"], "{text}");
}

#[test]
fn a_check_needs_no_certificates() {
    let place = Place::new("check");
    place.write("tls.cfg", "[server:default]\ncertificate=gone.pem\nmethod=TLSv1.1\n");
    place.write("script.cfg", &format!("{MODULE}\nroute {{ exit; }}\n"));
    let (source, mut loaded) = place.source();
    source.check(&mut loaded);
    let told: Vec<_> = loaded.diagnostics.iter().map(|it| it.code.0).collect();
    assert_eq!(told, ["E0503"], "the profile is looked at, not its files");
}

#[test]
fn what_is_read_again_takes_the_place_of_the_old_if_it_is_good() {
    let place = Place::new("again");
    let profiles = "[server:default]\ncertificate=one.pem\nprivate_key=one-key.pem\n";
    place.write("tls.cfg", profiles);
    place.write("script.cfg", &format!("{MODULE}\nroute {{ exit; }}\n"));
    let (source, mut loaded) = place.source();
    let contexts = source.clone().read(&mut loaded);
    let store = TlsStore::new(source, loaded.map, contexts);
    let followed = store.contexts();
    place.write("tls.cfg", &profiles.replace("one", "two"));
    let (diagnostics, map, is_good) = store.read_again();
    assert!(is_good, "{}", render(&diagnostics, &map));
    assert_eq!(files(&followed.load()), ["two.pem"]);
    place.write("two-key.pem", "");
    let (diagnostics, map, is_good) = store.read_again();
    assert!(!is_good);
    let text = render(&diagnostics, &map);
    assert!(text.contains("tls.cfg:3:13") && text.contains("no private key"), "{text}");
    assert_eq!(files(&followed.load()), ["two.pem"], "the old ones stay");
}

#[test]
fn certificates_that_end_are_warned_of_in_time() {
    let facts = |not_before_seconds, not_after_seconds| {
        let subject = "a".to_owned();
        CertificateFacts { subject, not_before_seconds, not_after_seconds, ..Default::default() }
    };
    let now = 1_764_000_000;
    let day = 86_400;
    for (facts, expected) in [
        (facts(0, now + 15 * day), None),
        (facts(0, now + 14 * day - 1), Some("certificate `f` (a) expires soon: 2025-12-08")),
        (facts(0, now), Some("certificate `f` (a) has expired: 2025-11-24")),
        (facts(now + 1, now + 99 * day), Some("certificate `f` (a) does not hold yet")),
    ] {
        let contexts = TlsContexts::new(Vec::new(), Vec::new(), vec![("f".to_owned(), facts)]);
        let warnings = expiry_warnings(&contexts, now);
        assert_eq!(warnings.len(), usize::from(expected.is_some()));
        if let Some(expected) = expected {
            assert!(warnings[0].starts_with(expected), "{warnings:?}");
        }
    }
}
