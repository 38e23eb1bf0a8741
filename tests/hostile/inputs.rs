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
    let mut messages = with_many_vias(length);
    messages.extend(with_many_contacts(length));
    messages.extend(with_many_routes(length));
    messages.extend([
        named("255 header fields", with("INVITE", &"X: y\r\n".repeat(255 - 6))),
        named("256 header fields", with("INVITE", &"X: y\r\n".repeat(256 - 6))),
        named("line breaks", b"\r\n".repeat(length / 2)),
        named("line feeds in front", [b"\n".repeat(length - 400), with("INVITE", "")].concat()),
        named("zeros", vec![0; length]),
        named("spaces", vec![b' '; length]),
    ]);
    messages
}

/// A message with its name.
fn named(name: &str, bytes: Vec<u8>) -> (String, Vec<u8>) {
    (name.to_owned(), bytes)
}

/// A request with more lines.
fn with(method: &str, more: &str) -> Vec<u8> {
    changed(method, |head| head + more)
}

/// A request whose head is changed.
fn changed(method: &str, change: impl FnOnce(String) -> String) -> Vec<u8> {
    (change(lines(method).concat()) + "\r\n").into_bytes()
}

/// As many of `text` as make about `length` bytes.
fn fill(text: &str, length: usize) -> String {
    text.repeat(length.saturating_sub(400) / text.len())
}

/// Vias that look like loops, with something long to hash for each.
fn with_many_vias(length: usize) -> Vec<(String, Vec<u8>)> {
    const OWN: &str = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK0123456789abcdef.01234567.0";
    let looping = "Via: SIP/2.0/UDP a;branch=z9hG4bK0123456789abcdef.01234567.0\r\n".repeat(98);
    let length = length.saturating_sub(looping.len());
    let route = format!("{looping}Route: <sip:a@b;x={}>\r\n", fill("a", length));
    let tag = format!("{};tag=1", fill(";a", length));
    let call_id = format!("Call-ID: {}", fill("c", length));
    let status = "SIP/2.0 200 OK";
    let vias = format!("Via: {OWN}\r\nVia: {}\r\n", fill("SIP/2.0/UDP a,", length));
    vec![
        named("fake loops, long Route", with("INVITE", &route)),
        named("fake loops, long From", {
            changed("INVITE", |head| head.replace(";tag=1", &tag) + &looping)
        }),
        named("fake loops, long Call-ID", {
            changed("INVITE", |head| head.replace("Call-ID: 1", &call_id) + &looping)
        }),
        named("a response with many Vias", {
            changed("INVITE", |head| {
                head.replace("INVITE sip:bob@192.0.2.1 SIP/2.0", status) + &vias
            })
        }),
    ]
}

/// Contacts that have to be compared with each other.
fn with_many_contacts(length: usize) -> Vec<(String, Vec<u8>)> {
    let hundred = |pattern: &str| -> String {
        let contacts = (0..100).map(|number| pattern.replace('#', &number.to_string()));
        format!("Contact: {}\r\n", contacts.collect::<String>())
    };
    let params: String = (0..31).map(|n| format!(";%61%62%63p{n:02}=x")).collect();
    let reversed: String = (0..31).rev().map(|n| format!(";%41%42%43p{n:02}=x")).collect();
    let long = "a".repeat((length / 100).clamp(40, 400) - 30);
    let few = hundred(&format!("<sip:a@a{};z=#>,", ";%61a=x;%62b=x"));
    let others = hundred(&format!("<sip:a@a{};z=a#>,", ";%42b=x;%41a=x"));
    let many: String = (0..length / 20).map(|n| format!("<sip:a@b:{n}>,")).collect();
    vec![
        named("100 contacts", with("REGISTER", &hundred(&format!("<sip:#@a;x={long}>,")))),
        named("contacts of many parts", {
            with("REGISTER", &hundred(&format!("<sip:%61@a{params};z=#>,")))
        }),
        named("contacts of many other parts", {
            with("REGISTER", &hundred(&format!("<sip:a@a{reversed};z=a#>,")))
        }),
        named("contacts of few parts", with("REGISTER", &few)),
        named("contacts of few other parts", {
            changed("REGISTER", |head| head.replace("CSeq: 1", "CSeq: 2") + &others)
        }),
        named("many contacts", with("REGISTER", &format!("Contact: {many}\r\n"))),
    ]
}

/// Long ways.
fn with_many_routes(length: usize) -> Vec<(String, Vec<u8>)> {
    let in_dialog = |head: String| head.replace("To: <sip:bob@192.0.2.1>", "To: <sip:b@h>;tag=2");
    let strict = format!("Route: {}<sip:c@d>\r\n", fill("<sip:a@b;lr>,", length));
    let own = format!("Route: {}\r\n", fill("<sip:192.0.2.1;lr;r2=on>,", length));
    let separate = "Route: <sip:192.0.2.1;lr>\r\n".repeat(200);
    vec![
        named("a strict router's long Route", {
            changed("BYE", |head| {
                in_dialog(head).replace("sip:bob@192.0.2.1 ", "sip:192.0.2.1;lr ") + &strict
            })
        }),
        named("a long way through ourselves", changed("BYE", |head| in_dialog(head) + &own)),
        named("200 lines of Route", changed("BYE", |head| in_dialog(head) + &separate)),
    ]
}
