//! A message as a test sees it: header lines as they came, and the values that tests ask for.
//! Written apart from the server's own parser, so that the two check each other.

use std::net::SocketAddr;

/// One header field, folded lines included.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// The name in its long form and lower case.
    pub(crate) name: String,
    /// The value without folds and surrounding white space.
    pub(crate) value: String,
    /// The bytes without the last line break.
    pub(crate) raw: Vec<u8>,
}

/// A message that was sent or received.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) raw: Vec<u8>,
    /// Who sent it.
    pub(crate) source: SocketAddr,
    pub(crate) start: String,
    pub(crate) lines: Vec<Line>,
    pub(crate) body: Vec<u8>,
}

/// One value of Via.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Via {
    pub(crate) text: String,
    /// `host[:port]`.
    pub(crate) sent_by: String,
    params: String,
}

impl Via {
    /// Reads one value.
    fn parse(text: &str) -> Self {
        let (head, params) = text.split_once(';').unwrap_or((text, ""));
        let sent_by = head.split_whitespace().last().unwrap_or_default();
        Self { text: text.into(), sent_by: sent_by.into(), params: params.into() }
    }

    /// A parameter's value; empty if it has none.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        param(&self.params, name)
    }

    /// The branch.
    pub(crate) fn branch(&self) -> &str {
        self.param("branch").expect("a Via with a branch")
    }

    /// Where a response goes (RFC 3261 §18.2.2, RFC 3581 §4).
    pub(crate) fn reply_address(&self) -> SocketAddr {
        let (host, port) = split_host_port(&self.sent_by);
        let host = self.param("maddr").or_else(|| self.param("received")).unwrap_or(host);
        let rport = self.param("rport").filter(|port| !port.is_empty());
        let rport = rport.map(|port| port.parse().expect("a port"));
        let port = rport.or(port).unwrap_or(5060);
        let ip = host.trim_matches(['[', ']']).parse().expect("an address in Via");
        SocketAddr::new(ip, port)
    }
}

impl Message {
    /// Reads a message; takes whatever comes, as it must show what a server did wrong.
    pub(crate) fn parse(raw: &[u8], source: SocketAddr) -> Self {
        let end = raw.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = match end {
            Some(end) => (&raw[..end], &raw[end + 4..]),
            None => (raw, &raw[raw.len()..]),
        };
        let mut rows = split_lines(head).into_iter();
        let start = text(rows.next().unwrap_or_default());
        let mut lines: Vec<Vec<u8>> = Vec::new();
        for row in rows {
            match lines.last_mut() {
                Some(last) if row.starts_with(b" ") || row.starts_with(b"\t") => {
                    last.extend_from_slice(b"\r\n");
                    last.extend_from_slice(row);
                }
                _ => lines.push(row.to_vec()),
            }
        }
        let lines = lines.into_iter().map(line).collect();
        Self { raw: raw.to_vec(), source, start, lines, body: body.to_vec() }
    }

    /// Whether it is a request.
    pub(crate) fn is_request(&self) -> bool {
        !self.start.starts_with("SIP/2.0 ")
    }

    /// The method, of a response the one that it answers.
    pub(crate) fn method(&self) -> &str {
        if self.is_request() {
            self.start.split(' ').next().unwrap_or_default()
        } else {
            self.value("CSeq").split_whitespace().nth(1).unwrap_or_default()
        }
    }

    /// The Request-URI.
    pub(crate) fn uri(&self) -> &str {
        assert!(self.is_request(), "a response has no Request-URI: {}", self.start);
        self.start.split(' ').nth(1).unwrap_or_default()
    }

    /// The status code; 0 for a request.
    pub(crate) fn status(&self) -> u16 {
        let code = self.start.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3));
        code.and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    /// The reason phrase.
    pub(crate) fn reason(&self) -> &str {
        self.start.splitn(3, ' ').nth(2).unwrap_or_default()
    }

    /// The header fields of that name, in order.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &Line> {
        let name = long_name(name);
        self.lines.iter().filter(move |line| line.name == name)
    }

    /// The first value of that name; empty if there is none.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.all(name).next().map_or("", |line| line.value.as_str())
    }

    /// Whether there is a header field of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// The values of a header field that is a list, over all its lines.
    pub(crate) fn items(&self, name: &str) -> Vec<String> {
        self.all(name).flat_map(|line| split_commas(&line.value)).collect()
    }

    /// The Via stack, topmost first.
    pub(crate) fn vias(&self) -> Vec<Via> {
        self.items("Via").iter().map(|value| Via::parse(value)).collect()
    }

    /// The topmost Via.
    pub(crate) fn via(&self) -> Via {
        self.vias().into_iter().next().expect("a Via")
    }

    /// The sent-by of each Via, topmost first.
    pub(crate) fn sent_bys(&self) -> Vec<String> {
        self.vias().into_iter().map(|via| via.sent_by).collect()
    }

    /// The branch of the topmost Via.
    pub(crate) fn branch(&self) -> String {
        self.via().branch().into()
    }

    /// The tag of To, if it has one.
    pub(crate) fn tag_of_to(&self) -> Option<&str> {
        param(name_addr(self.value("To")).1, "tag")
    }

    /// The tag of From.
    pub(crate) fn tag_of_from(&self) -> &str {
        param(name_addr(self.value("From")).1, "tag").expect("a From tag")
    }

    /// The URIs of a header field made of name-addrs, such as Contact and Route.
    pub(crate) fn uris(&self, name: &str) -> Vec<String> {
        self.items(name).iter().map(|value| name_addr(value).0.to_owned()).collect()
    }

    /// Max-Forwards.
    pub(crate) fn max_forwards(&self) -> Option<u32> {
        self.all("Max-Forwards").next().map(|line| line.value.parse().expect("a number"))
    }
}

/// A name-addr or addr-spec as URI and the text of its header parameters.
pub(crate) fn name_addr(value: &str) -> (&str, &str) {
    match value.split_once('<') {
        Some((_, rest)) => rest.split_once('>').unwrap_or((rest, "")),
        None => value.split_once(';').unwrap_or((value, "")),
    }
}

/// A parameter's value out of `a=b;c`; empty if it has none.
pub(crate) fn param<'a>(params: &'a str, name: &str) -> Option<&'a str> {
    params.split(';').find_map(|one| {
        let (own, value) = one.split_once('=').unwrap_or((one, ""));
        own.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// The address that a SIP URI with a numeric host names.
pub(crate) fn uri_address(uri: &str) -> SocketAddr {
    let rest = uri.strip_prefix("sip:").expect("a SIP URI");
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let (host, port) = split_host_port(rest.split([';', '?']).next().unwrap_or_default());
    let ip = host.trim_matches(['[', ']']).parse().expect("a numeric host");
    SocketAddr::new(ip, port.unwrap_or(5060))
}

/// Host and port out of `host[:port]`.
fn split_host_port(text: &str) -> (&str, Option<u16>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
        _ => (text, None),
    }
}

/// The values of a comma-separated list; commas in quotes and angle brackets do not count.
fn split_commas(value: &str) -> Vec<String> {
    let (mut quoted, mut angled) = (false, false);
    let parts = value.split(|byte: char| {
        match byte {
            '"' => quoted = !quoted,
            '<' if !quoted => angled = true,
            '>' if !quoted => angled = false,
            _ => {}
        }
        byte == ',' && !quoted && !angled
    });
    parts.map(|part| part.trim().to_owned()).collect()
}

/// Splits at line breaks.
fn split_lines(head: &[u8]) -> Vec<&[u8]> {
    let rows = head.split(|byte| *byte == b'\n');
    rows.map(|row| row.strip_suffix(b"\r").unwrap_or(row)).collect()
}

/// A header line from its bytes.
fn line(raw: Vec<u8>) -> Line {
    let whole = text(&raw);
    let (name, value) = whole.split_once(':').unwrap_or((&whole, ""));
    let words: Vec<&str> = value.split("\r\n").map(str::trim).collect();
    Line { name: long_name(name.trim()), value: words.join(" ").trim().to_owned(), raw }
}

/// Bytes as text.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The long form of a header name, in lower case (RFC 3261 §7.3.3).
fn long_name(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let long = match name.as_str() {
        "c" => "content-type",
        "f" => "from",
        "i" => "call-id",
        "k" => "supported",
        "l" => "content-length",
        "m" => "contact",
        "s" => "subject",
        "t" => "to",
        "v" => "via",
        other => other,
    };
    long.to_owned()
}
