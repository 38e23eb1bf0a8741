//! A phone: a UDP socket, what came to it, and how it writes messages.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

use super::draft::Draft;
use super::message::Message;
use super::{PATIENCE, Server};

/// An offer or answer as a phone would send it.
pub(crate) const SDP: &str = "v=0\r\no=308 8000 8000 IN IP4 127.0.0.1\r\ns=SIP Call\r\n\
    c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 5004 RTP/AVP 4 18\r\na=sendrecv\r\n\
    a=rtpmap:4 G723/8000\r\na=rtpmap:18 G729/8000\r\na=ptime:60\r\n";

/// A phone.
#[derive(Debug)]
pub(crate) struct Phone {
    socket: UdpSocket,
    user: String,
    /// What came and was not expected yet.
    inbox: RefCell<Vec<Message>>,
    sent_count: Cell<usize>,
    received_count: Cell<usize>,
}

impl Phone {
    /// A phone on 127.0.0.1.
    pub(crate) fn new(user: &str) -> Self {
        Self::at(user, IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    /// A phone on an address.
    pub(crate) fn at(user: &str, ip: IpAddr) -> Self {
        let socket = UdpSocket::bind((ip, 0)).expect("a free port");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Self {
            socket,
            user: user.into(),
            inbox: RefCell::default(),
            sent_count: Cell::default(),
            received_count: Cell::default(),
        }
    }

    /// Its address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("the address of a bound socket")
    }

    /// Its direct URI.
    pub(crate) fn uri(&self) -> String {
        format!("sip:{}@{}", self.user, self.address())
    }

    /// Its public URI at a server.
    pub(crate) fn aor(&self, server: SocketAddr) -> String {
        format!("sip:{}@{server}", self.user)
    }

    /// The tag that it puts into From and, when called, into To.
    pub(crate) fn tag(&self) -> String {
        format!("{}-{}", self.user.trim_start_matches('+'), self.address().port())
    }

    /// How many messages it has sent.
    pub(crate) fn sent_count(&self) -> usize {
        self.sent_count.get()
    }

    /// How many messages came to it.
    pub(crate) fn received_count(&self) -> usize {
        self.received_count.get()
    }

    /// A new request outside of any dialog.
    pub(crate) fn request(&self, method: &str, uri: &str) -> Draft {
        let number = unique();
        let draft = Draft::new(format!("{method} {uri} SIP/2.0"))
            .add("Via", self.new_via())
            .add("From", format!("<sip:{}@example.com>;tag={}", self.user, self.tag()))
            .add("To", format!("<{}>", uri.split(';').next().unwrap_or(uri)))
            .add("Call-ID", format!("{number:08x}@{}", self.address()))
            .add("CSeq", format!("{} {method}", 100 + number))
            .add("User-Agent", "Bench Phone 1.0")
            .add("Max-Forwards", "70")
            .add("X-Unknown", "left  alone, \"whatever\" it;is");
        match method {
            "ACK" | "BYE" | "CANCEL" | "REGISTER" => draft,
            _ => draft.add("Contact", format!("<{}>", self.uri())),
        }
    }

    /// Registers its direct URI at the server.
    pub(crate) fn register(&self, server: &Server) -> Message {
        let aor = self.aor(server.address());
        let draft = self
            .request("REGISTER", &format!("sip:{}", server.address()))
            .set("From", format!("<{aor}>;tag={}", self.tag()))
            .set("To", format!("<{aor}>"))
            .add("Contact", format!("<{}>", self.uri()))
            .add("Expires", "3600");
        let answer = self.ask(&draft, server.address());
        assert_eq!(answer.status(), 200, "answer to REGISTER: {}", answer.start);
        answer
    }

    /// An INVITE with an offer.
    pub(crate) fn invite(&self, uri: &str) -> Draft {
        self.request("INVITE", uri).body("application/sdp", SDP)
    }

    /// A Via of its own with a fresh branch.
    pub(crate) fn new_via(&self) -> String {
        format!(
            "SIP/2.0/UDP {};branch=z9hG4bK{:x}.{:x}",
            self.address(),
            std::process::id(),
            unique()
        )
    }

    /// The CANCEL of an INVITE that was sent (RFC 3261 §9.1).
    pub(crate) fn cancel(&self, invite: &Message) -> Draft {
        Self::same_hop(invite, "CANCEL").copy(invite, "To")
    }

    /// The ACK to a response of 300 or above (RFC 3261 §17.1.1.3).
    pub(crate) fn ack_failure(&self, invite: &Message, response: &Message) -> Draft {
        Self::same_hop(invite, "ACK").copy(response, "To")
    }

    /// A request that belongs to the transaction of `invite`, without To.
    fn same_hop(invite: &Message, method: &str) -> Draft {
        let number = invite.value("CSeq").split(' ').next().unwrap_or_default();
        Draft::new(format!("{method} {} SIP/2.0", invite.uri()))
            .add("Via", invite.via().text)
            .copy(invite, "Route")
            .add("CSeq", format!("{number} {method}"))
            .copy(invite, "From")
            .copy(invite, "Call-ID")
            .add("Max-Forwards", "70")
    }

    /// A response to a request: its Vias, Record-Routes, From, To, Call-ID and CSeq
    /// (RFC 3261 §8.2.6), and from 101 on our tag.
    pub(crate) fn response(&self, request: &Message, code: u16, reason: &str) -> Draft {
        let mut to = request.value("To").to_owned();
        if code > 100 && request.tag_of_to().is_none() {
            to += &format!(";tag={}", self.tag());
        }
        Draft::new(format!("SIP/2.0 {code} {reason}"))
            .copy(request, "Via")
            .copy(request, "Record-Route")
            .copy(request, "From")
            .add("To", to)
            .copy(request, "Call-ID")
            .copy(request, "CSeq")
            .add("Contact", format!("<{}>", self.uri()))
            .add("User-Agent", "Bench Phone 1.0")
    }

    /// Sends a message; returns it as it left.
    pub(crate) fn send(&self, draft: &Draft, to: SocketAddr) -> Message {
        self.send_bytes(&draft.bytes(), to)
    }

    /// Sends bytes.
    pub(crate) fn send_bytes(&self, bytes: &[u8], to: SocketAddr) -> Message {
        self.socket.send_to(bytes, to).expect("a datagram sent");
        self.sent_count.set(self.sent_count.get() + 1);
        Message::parse(bytes, self.address())
    }

    /// Sends a response where the topmost Via says; returns it as it left.
    pub(crate) fn respond(&self, draft: &Draft) -> Message {
        let to = Message::parse(&draft.bytes(), self.address()).via().reply_address();
        self.send(draft, to)
    }

    /// Answers a request and returns the response as it left.
    pub(crate) fn answer(&self, request: &Message, code: u16, reason: &str) -> Message {
        self.respond(&self.response(request, code, reason))
    }

    /// Sends a request and waits for the first final response.
    pub(crate) fn ask(&self, draft: &Draft, to: SocketAddr) -> Message {
        let sent = self.send(draft, to);
        self.expect("a final response", |got| {
            got.status() >= 200
                && got.value("Call-ID") == sent.value("Call-ID")
                && got.value("CSeq") == sent.value("CSeq")
        })
    }

    /// The first message that is so, among those that came and those that will come.
    pub(crate) fn expect(&self, what: &str, is: impl Fn(&Message) -> bool) -> Message {
        loop {
            let known = self.inbox.borrow().iter().position(&is);
            if let Some(position) = known {
                return self.inbox.borrow_mut().remove(position);
            }
            if let Err(error) = self.receive() {
                panic!("{} waits for {what}: {error}; came: {:#?}", self.user, self.unexpected());
            }
        }
    }

    /// The next request with that method.
    pub(crate) fn expect_request(&self, method: &str) -> Message {
        self.expect(method, |got| got.is_request() && got.method() == method)
    }

    /// The next response with that status to that method.
    pub(crate) fn expect_response(&self, code: u16, method: &str) -> Message {
        let what = format!("{code} to {method}");
        self.expect(&what, |got| got.status() == code && got.method() == method)
    }

    /// The next response with that reason phrase to that method.
    pub(crate) fn expect_reason(&self, code: u16, reason: &str, method: &str) -> Message {
        self.expect(&format!("{code} {reason} to {method}"), |got| {
            got.status() == code && got.reason() == reason && got.method() == method
        })
    }

    /// Fails if a message came that no test step expected.
    pub(crate) fn assert_inbox_empty(&self) {
        assert!(self.inbox.borrow().is_empty(), "{} also got {:#?}", self.user, self.unexpected());
    }

    /// Fails if anything comes before the server's answer to a probe.
    pub(crate) fn assert_nothing_before_probe(&self, server: &Server) {
        let probe = self.request("OPTIONS", &format!("sip:probe@{}", server.address()));
        let answer = self.ask(&probe, server.address());
        assert_eq!(answer.status(), 200, "answer to the probe");
        server.process().wait_for_log(&format!("probe {}", answer.value("Call-ID")));
        self.discount_probe();
        self.assert_inbox_empty();
    }

    /// Takes the two messages of a probe out of the counts.
    pub(super) fn discount_probe(&self) {
        self.sent_count.set(self.sent_count.get() - 1);
        self.received_count.set(self.received_count.get() - 1);
    }

    /// Waits for one datagram, for a bounded time.
    fn receive(&self) -> io::Result<()> {
        let mut buffer = vec![0; 65_535];
        let (length, source) = loop {
            match self.socket.recv_from(&mut buffer) {
                // A machine that was suspended says so, signal or not.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        self.received_count.set(self.received_count.get() + 1);
        self.inbox.borrow_mut().push(Message::parse(&buffer[..length], source));
        Ok(())
    }

    /// The start lines of what nobody asked for.
    fn unexpected(&self) -> Vec<String> {
        let inbox = self.inbox.borrow();
        inbox.iter().map(|got| String::from_utf8_lossy(&got.raw).into_owned()).collect()
    }
}

/// Sends a probe from one phone through the server to another and its answer back. Whatever
/// either has sent on this way before is then worked through and logged; nothing of it may be
/// left.
pub(crate) fn barrier(from: &Phone, to: &Phone, server: &Server) {
    let probe = from.request("OPTIONS", &format!("sip:probe@{}", to.address()));
    let sent = from.send(&probe, server.address());
    let is_probe = |got: &Message| got.value("Call-ID") == sent.value("Call-ID");
    let arrived = to.expect("the probe", is_probe);
    to.answer(&arrived, 200, "OK");
    from.expect("the answer to the probe", is_probe);
    server.process().wait_for_log(&format!("probe {}", sent.value("Call-ID")));
    from.discount_probe();
    to.discount_probe();
    from.assert_inbox_empty();
    to.assert_inbox_empty();
}

/// A number that nobody else in this process has.
fn unique() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
