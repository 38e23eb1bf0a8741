//! The configuration that Kamailio comes with, with all that can be switched on in it: every
//! complaint is that something is not there yet, none is about the script.

use std::fs;

use super::told;

/// Where it is installed.
const STOCK: &str = "/etc/kamailio/kamailio.cfg";

/// What is switched on, one row after the other.
const FEATURES: &[&[&str]] = &[
    &[],
    &["MYSQL", "AUTH"],
    &["MYSQL", "AUTH", "IPAUTH", "USRLOCDB", "ALIASDB", "SPEEDDIAL", "MULTIDOMAIN"],
    &["MYSQL", "PRESENCE", "MSGREBUILD", "ACCDB"],
    &["NAT", "NATSIPPING"],
    &["NAT", "RTPENGINE"],
    &["PSTN", "VOICEMAIL", "BLOCK3XX", "BLOCK401407"],
    &["TLS", "JSONRPC", "ANTIFLOOD", "DEBUG"],
    &[
        "MYSQL",
        "AUTH",
        "IPAUTH",
        "USRLOCDB",
        "PRESENCE",
        "MSGREBUILD",
        "NAT",
        "NATSIPPING",
        "RTPENGINE",
        "PSTN",
        "ALIASDB",
        "SPEEDDIAL",
        "MULTIDOMAIN",
        "TLS",
        "JSONRPC",
        "ANTIFLOOD",
        "BLOCK3XX",
        "BLOCK401407",
        "VOICEMAIL",
        "ACCDB",
        "DEBUG",
    ],
];

/// The stock script, if Kamailio is installed.
#[expect(clippy::print_stderr, reason = "who reads the log learns what was not tested")]
fn installed() -> Option<String> {
    let text = fs::read_to_string(STOCK).ok();
    if text.is_none() {
        eprintln!("skipped: {STOCK} is not there");
    }
    text
}

/// The stock script with features on, lines numbered as in the file.
fn stock(text: &str, features: &[&str]) -> String {
    let defines: String =
        features.iter().map(|feature| format!("#!define WITH_{feature}\n")).collect();
    let (first, rest) = text.split_once('\n').unwrap();
    format!("{first}\n{defines}{rest}")
}

#[test]
fn each_complaint_about_the_stock_script_is_a_true_one() {
    let Some(text) = installed() else { return };
    for features in FEATURES {
        let (found, _) = told(&stock(&text, features));
        for diagnostic in found {
            // Not supported yet; a module, block or parameter that does nothing; no TLS listener.
            let is_true = ["E0403", "E0304", "N0302", "N0404", "N0405", "W0413", "W0414"]
                .contains(&diagnostic.code.0);
            assert!(is_true, "{features:?}: {diagnostic:#?}");
        }
    }
}

#[test]
fn what_is_said_to_be_missing_is_known_to_kamailio() {
    let Some(text) = installed() else { return };
    let everything = FEATURES.last().unwrap();
    let (found, _) = told(&stock(&text, everything));
    let missing = found.iter().filter(|found| found.code.0 == "E0403");
    for diagnostic in missing {
        let name = diagnostic.message.split('`').nth(1).unwrap().trim_start_matches('$');
        let module = diagnostic.message.split('`').nth(3).unwrap();
        let loads = format!("loadmodule \"{module}.so\"");
        assert!(text.contains(name) && text.contains(&loads), "{}", diagnostic.message);
    }
}
