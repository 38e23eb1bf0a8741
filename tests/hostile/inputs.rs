//! Datagrams that somebody might send to hurt the server.

/// Places in a message that something can be put into: the text around them.
const PLACES: &[(&str, &str)] = &[
    ("OPTIONS sip:", "@192.0.2.1 SIP/2.0\r\n"),
    ("OPTIONS sip:a@192.0.2.1;x=", " SIP/2.0\r\n"),
    ("Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1;x=", "\r\n"),
    ("Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1,", "\r\n"),
    ("From: <sip:a@b>;tag=1;x=", "\r\n"),
    ("From: \"a\" <sip:", "@b>;tag=1\r\n"),
    ("To: ", "<sip:bob@192.0.2.1>\r\n"),
    ("To: <sip:bob@192.0.2.1>;x=", "\r\n"),
    ("Call-ID: ", "1\r\n"),
    ("CSeq: ", "1 OPTIONS\r\n"),
    ("CSeq: 1 ", "OPTIONS\r\n"),
    ("Max-Forwards: ", "70\r\n"),
    ("Contact: ", "<sip:a@198.51.100.7>\r\n"),
    ("Contact: <sip:a@198.51.100.7;x=", ">\r\n"),
    ("Contact: <sip:a@198.51.100.7?x=", ">\r\n"),
    ("Contact: <sip:a@198.51.100.7>;x=", "\r\n"),
    ("Route: ", "<sip:192.0.2.1;lr>\r\n"),
    ("Route: <sip:192.0.2.1;lr>,", "\r\n"),
    ("Route: <sip:192.0.2.1;lr;x=", ">\r\n"),
    ("Record-Route: ", "<sip:c@d;lr>\r\n"),
    ("Path: ", "<sip:c@d;lr>\r\n"),
    ("Supported: ", "path\r\n"),
    ("Require: ", "x\r\n"),
    ("Proxy-Require: ", "\r\n"),
    ("Expires: ", "60\r\n"),
    ("Subject: ", "x\r\n"),
    ("Content-Length: ", "0\r\n"),
    ("X-", ": y\r\n"),
    ("User-Agent: ", "\r\n"),
    ("", "X: y\r\n"),
];

/// What is put there, again and again.
const FILLERS: &[&str] = &[
    ",",
    ";",
    ";a",
    ";a=\"",
    "\"",
    "\\",
    "\"\"",
    "<",
    "><",
    "<\"",
    "(",
    "[",
    "a",
    "0",
    " ",
    "\r\n ",
    "\r",
    "\0",
    "\u{e9}",
    "%41",
    "%",
    "?",
    "&a",
    "=",
    ":",
    "@",
    "sip:a@b,",
    "<sip:192.0.2.1;lr>,",
    "<sip:192.0.2.1;lr;r2=on>,",
    "<sip:a@b;lr>,",
    "SIP/2.0/UDP a,",
    "X: y\r\n",
    "Route: <sip:192.0.2.1;lr>\r\n",
    "v: SIP/2.0/UDP a\r\n",
];

/// The header fields of a request that nothing is wrong with, without its last line break.
fn lines(method: &str) -> Vec<String> {
    [
        &format!("{method} sip:bob@192.0.2.1 SIP/2.0\r\n"),
        "Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1\r\n",
        "From: <sip:a@b>;tag=1\r\n",
        "To: <sip:bob@192.0.2.1>\r\n",
        "Call-ID: 1\r\n",
        &format!("CSeq: 1 {method}\r\n"),
        "Max-Forwards: 70\r\n",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// Everything at every place, each message of about `length` bytes; with a name.
pub(crate) fn filled(method: &str, length: usize) -> impl Iterator<Item = (String, Vec<u8>)> {
    let pairs = PLACES.iter().flat_map(|place| FILLERS.iter().map(move |filler| (place, filler)));
    pairs.map(move |((before, after), filler)| {
        let mut lines = lines(method);
        let (before, after) = (before.replace("OPTIONS", method), after.replace("OPTIONS", method));
        let name = |line: &str| line.split([' ', ':']).next().unwrap_or_default().to_owned();
        let rest: usize = lines.iter().map(String::len).sum();
        let count = length.saturating_sub(rest + 100) / filler.len();
        let line = format!("{before}{}{after}", filler.repeat(count));
        match lines.iter().position(|line| name(line) == name(&before)) {
            Some(position) => lines[position] = line,
            None => lines.push(line),
        }
        lines.push("\r\n".to_owned());
        (format!("{method} {before:?} {filler:?}"), lines.concat().into_bytes())
    })
}

/// Messages that need more than one thing repeated; each of about `length` bytes.
pub(crate) fn composed(length: usize) -> Vec<(String, Vec<u8>)> {
    let head = |method: &str| lines(method).concat();
    let with = |method: &str, more: &str| format!("{}{more}\r\n", head(method)).into_bytes();
    let fill = |text: &str, less: usize| text.repeat((length - less - 400) / text.len());
    let looping = "Via: SIP/2.0/UDP a;branch=z9hG4bK0123456789abcdef.01234567.0\r\n".repeat(98);
    let own_via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK0123456789abcdef.01234567.0";
    let contacts = |text: &str| (0..100).map(|n| text.replace('#', &n.to_string())).collect();
    let contacts = |text: &str| -> String { contacts(text) };
    let params: String = (0..31).map(|n| format!(";%61%62%63p{n:02}=x")).collect();
    let reversed: String = (0..31).rev().map(|n| format!(";%41%42%43p{n:02}=x")).collect();
    let named = |name: &str, bytes: Vec<u8>| (name.to_owned(), bytes);
    vec![
        named("many fake loops, long Route", {
            with("INVITE", &format!("{looping}Route: <sip:a@b;x={}>\r\n", fill("a", 6_500)))
        }),
        named("many fake loops, long From", {
            let text = head("INVITE").replace(";tag=1", &format!("{};tag=1", fill(";a", 6_500)));
            format!("{text}{looping}\r\n").into_bytes()
        }),
        named("many fake loops, long Call-ID", {
            let text =
                head("INVITE").replace("Call-ID: 1", &format!("Call-ID: {}", fill("c", 6_500)));
            format!("{text}{looping}\r\n").into_bytes()
        }),
        named("a response with many Vias", {
            let text = head("INVITE").replace("INVITE sip:bob@192.0.2.1 SIP/2.0", "SIP/2.0 200 OK");
            format!("{text}Via: {own_via}\r\nVia: {}\r\n\r\n", fill("SIP/2.0/UDP a,", 0))
                .into_bytes()
        }),
        named(
            "100 contacts",
            with("REGISTER", &{
                let long = fill("a", 4_000).len() / 100;
                let contacts = contacts(&format!("<sip:#@a;x={}>,", "a".repeat(long.min(400))));
                format!("Contact: {contacts}\r\n")
            }),
        ),
        named(
            "100 contacts that are compared part by part",
            with("REGISTER", &{
                format!("Contact: {}\r\n", contacts(&format!("<sip:#%61@a{params}>,")))
            }),
        ),
        named(
            "100 contacts that differ in the last part",
            with("REGISTER", &{
                format!("Contact: {}\r\n", contacts(&format!("<sip:%61@a{params};z=#>,")))
            }),
        ),
        named("100 contacts that differ from those before", {
            let lines = format!("Contact: {}\r\n", contacts(&format!("<sip:a@a{reversed};z=a#>,")));
            let text = String::from_utf8_lossy(&with("REGISTER", &lines)).into_owned();
            text.replace("CSeq: 1", "CSeq: 2").into_bytes()
        }),
        named(
            "many contacts",
            with("REGISTER", &{
                format!(
                    "Contact: {}\r\n",
                    (0..)
                        .map(|n| format!("<sip:a@b:{n}>,"))
                        .scan(0, |sum, text| {
                            *sum += text.len();
                            (*sum < length - 400).then_some(text)
                        })
                        .collect::<String>()
                )
            }),
        ),
        named("255 header fields", with("INVITE", &"X: y\r\n".repeat(255 - 6))),
        named("256 header fields", with("INVITE", &"X: y\r\n".repeat(256 - 6))),
        named(
            "200 Routes in lines of their own",
            with("BYE", &"Route: <sip:192.0.2.1;lr>\r\n".repeat(200)),
        ),
        named("a strict router's long Route", {
            let text = head("BYE").replace("sip:bob@192.0.2.1 ", "sip:192.0.2.1;lr ");
            let text = text.replace("To: <sip:bob@192.0.2.1>", "To: <sip:bob@192.0.2.1>;tag=2");
            format!("{text}Route: {}<sip:c@d>\r\n\r\n", fill("<sip:a@b;lr>,", 0)).into_bytes()
        }),
        named("a long way through ourselves", {
            let text =
                head("BYE").replace("To: <sip:bob@192.0.2.1>", "To: <sip:bob@192.0.2.1>;tag=2");
            format!("{text}Route: {}\r\n\r\n", fill("<sip:192.0.2.1;lr;r2=on>,", 0)).into_bytes()
        }),
        named("line breaks", b"\r\n".repeat(length / 2)),
        named(
            "line feeds before a message",
            [b"\n".repeat(length - 400), with("INVITE", "")].concat(),
        ),
        named("zeros", vec![0; length]),
        named("spaces", vec![b' '; length]),
    ]
}
