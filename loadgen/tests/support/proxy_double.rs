//! A stateless proxy in the test's own process that loses and delays what the test says
//! (RFC 3261 §16.11). It stays in the route of dialogs, so that all of a call passes it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use viaduct::sip::compose::{self, Reply, ViaStamp};
use viaduct::sip::rewrite::EditList;
use viaduct::sip::{
    HeaderName, Items, Message, MessageIndex, NameAddr, Rport, Uri, Via, host_ip, parse,
};
use viaload::clock::Clock;
use viaload::moment::Moment;

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is passed on.
    Pass,
    /// It is lost.
    Lose,
    /// It is passed on later.
    Delay(Duration),
}

/// A message that is to be passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Passing {
    /// The method, of a response that of its request.
    pub(crate) method: String,
    /// The code of a response.
    pub(crate) status: Option<u16>,
    /// The call.
    pub(crate) call_id: String,
    /// Since the first message.
    pub(crate) at: Duration,
}

impl Passing {
    /// Whether it is a request with this method.
    pub(crate) fn is_request(&self, method: &str) -> bool {
        self.status.is_none() && self.method == method
    }
}

/// The running proxy.
pub(crate) struct ProxyDouble {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// How often the proxy looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(50);

impl ProxyDouble {
    /// Starts one at a free address; `decide` is asked about each message.
    pub(crate) fn start(decide: impl FnMut(&Passing) -> Fate + Send + 'static) -> Self {
        let socket = UdpSocket::bind((super::address::own_ip(), 0)).expect("a free port");
        let address = socket.local_addr().expect("the address of a bound socket");
        let options = socket2::SockRef::from(&socket);
        options.set_recv_buffer_size(4 * 1024 * 1024).expect("a buffer");
        let stop = Arc::new(AtomicBool::new(false));
        let proxy = Proxy {
            socket,
            address,
            decide: Box::new(decide),
            clock: Clock::start(),
            first: None,
            delayed: BinaryHeap::new(),
            delayed_count: 0,
            index: MessageIndex::default(),
        };
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || proxy.work(&stopped));
        Self { address, stop, thread: Some(thread) }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for ProxyDouble {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().is_none_or(|thread| thread.join().is_ok());
        assert!(ended || std::thread::panicking(), "the proxy's thread panicked");
    }
}

/// What is sent later: when, its number, where to, what.
type Delayed = Reverse<(Moment, u64, SocketAddr, Vec<u8>)>;

/// What the thread has.
struct Proxy {
    socket: UdpSocket,
    address: SocketAddr,
    decide: Box<dyn FnMut(&Passing) -> Fate + Send>,
    clock: Clock,
    first: Option<Moment>,
    delayed: BinaryHeap<Delayed>,
    delayed_count: u64,
    index: MessageIndex,
}

impl Proxy {
    /// Passes messages on until told to stop.
    fn work(mut self, stop: &AtomicBool) {
        let mut bytes = vec![0; 65_536];
        while !stop.load(Ordering::Relaxed) {
            self.send_due();
            let due = self.delayed.peek().map(|Reverse((due, ..))| due.since(self.clock.now()));
            let wait = due.unwrap_or(LOOK).clamp(Duration::from_micros(100), LOOK);
            self.socket.set_read_timeout(Some(wait)).expect("a timeout");
            if let Ok((length, source)) = self.socket.recv_from(&mut bytes) {
                self.pass(&bytes[..length], source);
            }
        }
    }

    /// Sends what has been delayed long enough.
    fn send_due(&mut self) {
        let now = self.clock.now();
        while self.delayed.peek().is_some_and(|Reverse((due, ..))| *due <= now) {
            let Some(Reverse((_, _, destination, bytes))) = self.delayed.pop() else { return };
            self.send(&bytes, destination);
        }
    }

    /// Sends a message; one that cannot be sent is lost, as is usual with UDP.
    fn send(&self, bytes: &[u8], destination: SocketAddr) {
        let _ = self.socket.send_to(bytes, destination);
    }

    /// Passes one message on, or does with it what the test says. What is no message is dropped.
    fn pass(&mut self, bytes: &[u8], source: SocketAddr) {
        let now = self.clock.now();
        if parse(bytes, &mut self.index).is_err() {
            return;
        }
        let message = Message::new(bytes, &self.index);
        let first = *self.first.get_or_insert(now);
        let Some(passing) = describe(&message, now.since(first)) else { return };
        let Some((text, destination)) = rewrite(&message, source, self.address) else { return };
        if destination == self.address {
            if let Some(text) = answer(&message, source) {
                self.send(&text, source);
            }
            return;
        }
        match (self.decide)(&passing) {
            Fate::Pass => self.send(&text, destination),
            Fate::Lose => {}
            Fate::Delay(span) => {
                self.delayed_count += 1;
                self.delayed.push(Reverse((now + span, self.delayed_count, destination, text)));
            }
        }
    }
}

/// What the test is told of a message.
fn describe(message: &Message<'_>, at: Duration) -> Option<Passing> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(Passing {
        method: text(message.cseq().ok()?.method),
        status: message.status(),
        call_id: text(message.value(HeaderName::CallId)?),
        at,
    })
}

/// The message as it goes on, and where to.
fn rewrite(
    message: &Message<'_>,
    source: SocketAddr,
    own: SocketAddr,
) -> Option<(Vec<u8>, SocketAddr)> {
    let mut edits = EditList::default();
    let destination = if message.status().is_some() {
        rewrite_response(message, own, &mut edits)
    } else {
        rewrite_request(message, source, own, &mut edits)
    }?;
    let mut text = Vec::new();
    edits.write_to(message.bytes(), &mut text);
    Some((text, destination))
}

/// RFC 3261 §16.6: own Route off, own Via and Record-Route on.
fn rewrite_request(
    message: &Message<'_>,
    source: SocketAddr,
    own: SocketAddr,
    edits: &mut EditList,
) -> Option<SocketAddr> {
    let via = message.top_via().ok()?;
    let via_text = Items::new(message.value(HeaderName::Via)?).next()?;
    let via_start = message.offset_of(via_text);
    ViaStamp::new(&via, source, false).changes(|piece, text| {
        let at =
            if piece.is_empty() { via_start + via_text.len() } else { message.offset_of(piece) };
        edits.replace(at, piece.len(), text);
    });
    // The same for all that belongs to one transaction (RFC 3261 §16.11).
    let branch = String::from_utf8_lossy(via.branch()?).into_owned();
    let mut lines = format!("Via: SIP/2.0/UDP {own};branch=z9hG4bKdouble.{branch}\r\n");
    let starts_dialog = NameAddr::parse(message.value(HeaderName::To)?).ok()?.tag().is_none();
    if starts_dialog {
        lines += &format!("Record-Route: <sip:{own};lr>\r\n");
    }
    edits.insert(message.headers_start(), lines.as_bytes());
    let mut routes = message.items(HeaderName::Route).peekable();
    if routes.peek().is_some_and(|route| address_of(route) == Some(own)) {
        remove_first(message, HeaderName::Route, edits)?;
        routes.next();
    }
    match routes.next() {
        Some(route) => address_of(route),
        None => address_of(message.request_uri()),
    }
}

/// RFC 3261 §16.7: own Via off.
fn rewrite_response(
    message: &Message<'_>,
    own: SocketAddr,
    edits: &mut EditList,
) -> Option<SocketAddr> {
    let mut vias = message.items(HeaderName::Via);
    let top = Via::parse(vias.next()?).ok()?;
    if SocketAddr::new(host_ip(top.host)?, top.port?) != own {
        return None;
    }
    remove_first(message, HeaderName::Via, edits)?;
    let next = Via::parse(vias.next()?).ok()?;
    let ip = next.received().or_else(|| host_ip(next.host))?;
    let port = match next.rport() {
        Rport::Filled(port) => port,
        _ => next.port.unwrap_or(5_060),
    };
    Some(SocketAddr::new(ip, port))
}

/// A 200 to a request for the proxy itself, such as a probe.
fn answer(request: &Message<'_>, source: SocketAddr) -> Option<Vec<u8>> {
    let via = request.top_via().ok()?;
    let stamp = ViaStamp::new(&via, source, true);
    let mut text = Vec::new();
    let said = Reply {
        code: 200,
        reason: b"OK",
        to_tag: Some(*b"the-proxy-double"),
        headers: &[],
        last_headers: &[],
        body: b"",
    };
    compose::reply(&mut text, *request, &stamp, said).then_some(text)
}

/// Removes the first value of a header field, with its line if it is alone there.
fn remove_first(message: &Message<'_>, name: HeaderName, edits: &mut EditList) -> Option<()> {
    let header = message.header(name)?;
    let mut items = Items::new(header.value);
    let first = message.offset_of(items.next()?);
    match items.next() {
        Some(second) => edits.remove(first, message.offset_of(second) - first),
        None => edits.remove(message.offset_of(header.line), header.line.len()),
    };
    Some(())
}

/// The address in a URI, with or without angle brackets; its host must be a number.
fn address_of(text: &[u8]) -> Option<SocketAddr> {
    let uri = Uri::parse(NameAddr::parse(text).ok()?.uri).ok()?;
    Some(SocketAddr::new(host_ip(uri.host)?, uri.port.unwrap_or_else(|| uri.default_port())))
}
