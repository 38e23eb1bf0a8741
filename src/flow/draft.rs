//! Messages as they are sent: what a flow says, and the header fields that it leaves out.

use super::parse::{Block, Peer};
use super::seen::{Seen, is_same_name};
use super::template::Variables;
use crate::protocol::Endpoint;

/// What a peer has sent and received so far.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// What it sent last, and to which address of the server.
    pub(super) last: Option<(Vec<u8>, Endpoint)>,
    /// Topmost Via and number of the CSeq of its last INVITE, which its CANCEL and ACK have too.
    invite: Option<(Vec<u8>, Vec<u8>)>,
    /// The requests that it got, and the address of the server that each came from.
    requests: Vec<(Seen, Endpoint)>,
}

impl History {
    /// Notes what the peer has got.
    pub(super) fn received(&mut self, message: &[u8], server: Endpoint) {
        let seen = Seen::of(message);
        if seen.is_request() {
            self.requests.push((seen, server));
        }
    }

    /// Notes what the peer has sent.
    pub(super) fn sent(&mut self, message: Vec<u8>, server: Endpoint) {
        let seen = Seen::of(&message);
        if seen.is_request() && seen.method() == b"INVITE" {
            let number = seen.value("CSeq").split(|byte| *byte == b' ').next();
            self.invite = Some((seen.value("Via").to_vec(), number.unwrap_or_default().to_vec()));
        }
        self.last = Some((message, server));
    }
}

/// What a message is made from beside what the flow says.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) peer: &'a Peer,
    /// The address of the server that a request goes to.
    pub(super) server: Endpoint,
    pub(super) history: &'a History,
    pub(super) variables: &'a Variables,
    /// How many messages were sent in this case before.
    pub(super) sent_count: usize,
}

/// The bytes of a message, and the address of the server that it goes to; what is missing if it
/// cannot be made.
pub(super) fn compose(block: &Block, context: &Context<'_>) -> Result<(Vec<u8>, Endpoint), String> {
    let start = block.start.fill(context.variables);
    let lines = block.fields.iter().filter_map(|field| {
        Some((field.name.as_str(), field.value.as_ref()?.fill(context.variables)))
    });
    let lines: Vec<(&str, Vec<u8>)> = lines.collect();
    let named = |name: &str| {
        let mut all = block.fields.iter();
        all.any(|field| is_same_name(field.name.as_bytes(), name.as_bytes()))
    };
    let (usual, server) = if start.starts_with(b"SIP/2.0 ") {
        answered(&start, &lines, context)?
    } else {
        (requested(&start, context), context.server)
    };
    let body = block.body.as_ref().map(|body| {
        let lines = body.iter().map(|line| [line.fill(context.variables), b"\r\n".to_vec()]);
        lines.flatten().flatten().collect::<Vec<u8>>()
    });
    let body = body.unwrap_or_default();
    let mut message = start;
    let mut put = |name: &str, value: &[u8]| {
        for part in [b"\r\n", name.as_bytes(), b": ", value] {
            message.extend_from_slice(part);
        }
    };
    usual.iter().filter(|(name, _)| !named(name)).for_each(|(name, value)| put(name, value));
    lines.iter().for_each(|(name, value)| put(name, value));
    if !named("Content-Length") {
        put("Content-Length", body.len().to_string().as_bytes());
    }
    message.extend_from_slice(b"\r\n\r\n");
    message.extend_from_slice(&body);
    Ok((message, server))
}

/// Header fields with their names.
type Fields = Vec<(&'static str, Vec<u8>)>;

/// What every request has (RFC 3261 §8.1.1).
fn requested(start: &[u8], context: &Context<'_>) -> Fields {
    let Context { peer, history, sent_count, .. } = context;
    let mut words = start.split(|byte| *byte == b' ');
    let method = words.next().unwrap_or_default();
    let uri = words.next().unwrap_or_default();
    let own = format!("<sip:{}@{}>", peer.name, show_host(context.server));
    let follows = method == b"CANCEL" || method == b"ACK";
    let (via, number) = match &history.invite {
        Some((via, number)) if follows => (via.clone(), number.clone()),
        _ => {
            let via = format!(
                "SIP/2.0/{} {};branch=z9hG4bK-{sent_count}",
                peer.address.transport.in_via(),
                peer.address.address
            );
            (via.into_bytes(), (sent_count + 1).to_string().into_bytes())
        }
    };
    let to =
        if method == b"REGISTER" { own.clone().into_bytes() } else { [b"<", uri, b">"].concat() };
    vec![
        ("Via", via),
        ("Max-Forwards", b"70".to_vec()),
        ("From", format!("{own};tag={}", peer.name).into_bytes()),
        ("To", to),
        ("Call-ID", b"call@flow.invalid".to_vec()),
        ("CSeq", [&number, &b" "[..], method].concat()),
    ]
}

/// What every response has, taken over from the request (RFC 3261 §8.2.6.2).
fn answered(
    start: &[u8],
    lines: &[(&str, Vec<u8>)],
    context: &Context<'_>,
) -> Result<(Fields, Endpoint), String> {
    let Context { peer, history, .. } = context;
    let wanted = lines.iter().find(|(name, _)| name.eq_ignore_ascii_case("CSeq"));
    let wanted = wanted.and_then(|(_, value)| value.split(|byte| *byte == b' ').next_back());
    let is_wanted = |(request, _): &&(Seen, Endpoint)| match wanted {
        Some(method) => request.method() == method,
        None => request.method() != b"ACK",
    };
    let Some((request, server)) = history.requests.iter().rev().find(is_wanted) else {
        return Err(format!("`{}` has got no request that it could answer", peer.name));
    };
    let mut fields = Vec::new();
    for name in ["Via", "Record-Route", "From", "To", "Call-ID", "CSeq"] {
        fields.extend(request.named(name).map(|field| (name, field.value.clone())));
    }
    let has_tag = memchr::memmem::find(request.value("To"), b";tag=").is_some();
    for (_, value) in fields.iter_mut().filter(|(name, _)| *name == "To") {
        if !has_tag && !start.starts_with(b"SIP/2.0 100") {
            value.extend_from_slice(format!(";tag={}", peer.name).as_bytes());
        }
    }
    Ok((fields, *server))
}

/// The host of an address, and its port if that is not the usual one.
fn show_host(Endpoint { address, .. }: Endpoint) -> String {
    match (address.port(), address.ip()) {
        (5_060, std::net::IpAddr::V6(ip)) => format!("[{ip}]"),
        (5_060, ip) => ip.to_string(),
        _ => address.to_string(),
    }
}
