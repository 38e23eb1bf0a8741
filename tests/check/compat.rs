//! How much of a script is supported.

use std::path::Path;

use viaduct::modules::REGISTRY;
use viaduct::script::{Compat, Support, UseKind, compat, parse_text};

use super::NoFiles;

/// What a script uses.
fn of(script: &str) -> Compat {
    let parsed = parse_text(Path::new("kamailio.cfg"), script.as_bytes().to_vec(), &NoFiles);
    match parsed {
        Ok(parsed) => compat(&parsed.ast, &parsed.diagnostics, &REGISTRY),
        Err(rejected) => {
            compat(&rejected.ast.unwrap_or_default(), &rejected.diagnostics, &REGISTRY)
        }
    }
}

/// Names and states of what is used: `+` is there, `-` is not, `~` has no effect.
fn shown(script: &str, kind: UseKind) -> String {
    let uses = of(script).uses.into_iter().filter(|used| used.kind == kind);
    let marked = uses.map(|used| {
        let mark = match used.support {
            Support::Full => '+',
            Support::Idle(_) => '~',
            Support::Missing(_) => '-',
        };
        format!("{mark}{}", used.name)
    });
    marked.collect::<Vec<_>>().join(" ")
}

#[test]
fn modules_are_there_announced_or_unknown() {
    let script = "loadmodule \"sl.so\"\nloadmodule \"/usr/lib/db_oracle.so\"\n\
        loadmodule \"nonsense.so\"\nroute { exit; }";
    assert_eq!(shown(script, UseKind::Module), "+sl -db_oracle -nonsense");
}

#[test]
fn parameters_are_those_of_the_server_and_of_modules() {
    let script = "children=4\nmemlog=5\nlisten=sctp:192.0.2.1:5060\nlisten=udp:192.0.2.1\n\
        frobnicate=1\nmy.own=1\nloadmodule \"rr.so\"\n\
        modparam(\"rr\", \"append_fromtag\", 0)\nmodparam(\"rr\", \"nonsense\", 0)\n\
        modparam(\"db_oracle|nonsense\", \"timeout\", 0)\nroute { exit; }";
    assert_eq!(
        shown(script, UseKind::Parameter),
        "+children ~memlog -listen +listen -frobnicate +my.own +rr.append_fromtag -rr.nonsense \
         -db_oracle.timeout -nonsense.timeout"
    );
}

#[test]
fn functions_are_found_wherever_they_are_called() {
    let script = "route { if (!forward() && m_store(\"x\")) { while (frob()) { exit; } }\n\
        switch (strip(1)) { case 1: route(A); } $var(x) = seturi(\"sip:a@b\"); }\n\
        failure_route[A] { m_dump(); }";
    assert_eq!(shown(script, UseKind::Function), "+forward -m_store -frob +strip +seturi -m_dump");
}

#[test]
fn variables_are_found_in_texts_too() {
    let script = "route { $var(x) = $(rU{s.len}) + $nonsense; xlog(\"$ru and $sht(a=>b) for 5$\");\n\
        m_store(\"$fu $dollars\"); if (uri =~ \"^sip:$ru$\") exit;\n\
        $avp(s:x) = $(ru{s.frob}); }";
    assert_eq!(
        shown(script, UseKind::Variable),
        "+$var +$rU -$nonsense +$ru -$sht +$fu +$avp -$ru"
    );
}

#[test]
fn what_cannot_be_read_is_counted() {
    let found = of("route { strip(1) forward(); m_store(\"x\"; }");
    assert_eq!(found.unread, 2);
    assert!(!found.is_complete());
    assert!(of("route { forward(); }").is_complete());
}
