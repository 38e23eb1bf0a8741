//! The scripts that several flows run. They load the same in SER-family servers.

use std::net::SocketAddr;

/// The modules of a stateless proxy and registrar, written back-to-back as stock files do.
pub(crate) const MODULES: &str = r#"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
modparam("rr", "enable_full_lr", 1)
"#;

/// Start of every main route: the probes by which tests find out that everything before them
/// has been worked through.
pub(crate) const PROBE: &str = r#"
    if (method=="OPTIONS" && uri=~"^sip:probe@") {
        xlog("L_ERR", "probe $ci\n");
        if (uri==myself) { sl_send_reply("200", "OK"); } else { forward(); }
        exit;
    }
"#;

/// Notes a request that the script sees.
pub(crate) const NOTE_REQUEST: &str = r#"xlog("L_ERR", "seen $rm from $si:$sp\n");"#;
/// Notes every reply but those to probes.
pub(crate) const NOTE_REPLIES: &str =
    r#"onreply_route { if (!($rm=="OPTIONS")) { xlog("L_ERR", "seen $rs $rm from $si:$sp\n"); } }"#;

/// A stateless proxy without a registrar: goes where Route or the Request-URI say.
pub(crate) fn plain() -> String {
    route(
        r#"
    if (loose_route()) { forward(); exit; }
    if (!forward()) { sl_reply_error(); }
"#,
    )
}

/// Modules and a main route that starts with the probes.
pub(crate) fn route(statements: &str) -> String {
    format!("{MODULES}route {{{PROBE}{statements}}}\n")
}

/// The sample script of PrimiSIP: REGISTER saved, in-dialog requests loose-routed, the first
/// INVITE record-routed, 100 and the 200 to CANCEL sent here and passed on as well, calls to
/// registered users or to a block of numbers at `gateway`, all else refused with 500.
pub(crate) fn primisip(gateway: SocketAddr) -> String {
    let statements = r#"
    NOTE_REQUEST
    if (method=="REGISTER") {
        save("location");
    }
    if (loose_route()) {
        xlog("L_NOTICE", "Loose Route du=$du\n");
        forward();
        return;
    }
    if (method=="INVITE") {
        record_route();
    }
    if (method=~"(^INVITE$|^CANCEL$|^ACK$)") {
        if (method=="INVITE") {
            sl_send_reply("100", "Giving a try");
        }
        if (method=="CANCEL") {
            sl_send_reply("200", "Cancelling");
        }
        if (lookup("location")) {
            forward();
        } else if ($rU=~"^\+41215509.{3}") {
            rewritehostport("GATEWAY");
            forward();
        } else {
            sl_reply_error();
        }
    }
"#;
    let statements = statements.replace("NOTE_REQUEST", NOTE_REQUEST);
    route(&statements.replace("GATEWAY", &gateway.to_string())) + NOTE_REPLIES
}
