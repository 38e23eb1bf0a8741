//! What one proxy may change on the way of a message, and nothing else.

use std::net::SocketAddr;

use super::message::{Line, Message};
use super::server::peer_is_kamailio;

/// What is expected of one hop of a request.
#[derive(Clone, Debug)]
pub(crate) struct RequestHop<'a> {
    sent: &'a Message,
    got: &'a Message,
    uri: String,
    record_route: Option<String>,
    routes: Vec<String>,
}

impl<'a> RequestHop<'a> {
    /// A hop that leaves Request-URI and Route as they are and adds no Record-Route.
    pub(crate) fn new(sent: &'a Message, got: &'a Message) -> Self {
        let routes = sent.items("Route");
        Self { sent, got, uri: sent.uri().into(), record_route: None, routes }
    }

    /// The Request-URI becomes this one.
    pub(crate) fn uri(mut self, uri: &str) -> Self {
        self.uri = uri.into();
        self
    }

    /// The proxy adds `<sip:proxy;lr=on;ftag=...>` on top of the Record-Routes.
    pub(crate) fn record_routed(mut self, proxy: SocketAddr) -> Self {
        self.record_route = Some(format!("<sip:{proxy};lr=on;ftag={}>", self.sent.tag_of_from()));
        self
    }

    /// The proxy takes its Route off.
    pub(crate) fn route_popped(mut self) -> Self {
        self.routes.remove(0);
        self
    }

    /// Checks the hop: one Via of the proxy on top, Max-Forwards one less, what was announced,
    /// and every other header line and the body byte for byte as they were.
    pub(crate) fn check(self, proxy: SocketAddr) {
        let Self { sent, got, uri, record_route, routes } = self;
        let what = &sent.start;
        assert_eq!(got.start, format!("{} {uri} SIP/2.0", sent.method()), "start line of {what}");
        let (own, below) = got.vias().split_first().map(|(a, b)| (a.clone(), b.to_vec())).unwrap();
        assert_eq!(below, sent.vias(), "the Vias below the proxy's in {what}");
        assert_eq!(own.sent_by, proxy.to_string(), "topmost Via of {what}");
        assert!(own.text.starts_with("SIP/2.0/UDP "), "topmost Via of {what}: {}", own.text);
        assert!(own.branch().starts_with("z9hG4bK") && own.branch().len() > 14, "{}", own.text);
        let mut record_routes = sent.items("Record-Route");
        record_routes.splice(0..0, record_route.clone());
        assert_eq!(got.items("Record-Route"), record_routes, "Record-Route of {what}");
        assert_eq!(got.items("Route"), routes, "Route of {what}");
        if !peer_is_kamailio() {
            // Kamailio leaves it to the script.
            let less = sent.max_forwards().map_or(70, |hops| hops - 1);
            assert_eq!(got.max_forwards(), Some(less), "Max-Forwards of {what}");
        }
        let may_change = ["route", "max-forwards"];
        let added = |name: &str| {
            usize::from(name == "via")
                + usize::from(name == "record-route" && record_route.is_some())
        };
        assert_eq!(
            rest(got, &may_change, added),
            rest(sent, &may_change, |_| 0),
            "header lines of {what} that are none of the proxy's business"
        );
        assert_eq!(got.body, sent.body, "body of {what}");
    }
}

/// Checks one hop of a response: the topmost Via is gone, and nothing else has changed.
pub(crate) fn assert_response_hop(sent: &Message, got: &Message) {
    let line = sent.all("Via").next().expect("a Via");
    let own = [&line.raw[..], b"\r\n"].concat();
    let at = sent.raw.windows(own.len()).position(|window| window == own).expect("the Via line");
    let expected = [&sent.raw[..at], &sent.raw[at + own.len()..]].concat();
    assert_eq!(
        String::from_utf8_lossy(&got.raw),
        String::from_utf8_lossy(&expected),
        "the response without its topmost Via"
    );
}

/// The header lines without those of some names, and without the first `skip(name)` of others.
fn rest<'a>(
    message: &'a Message,
    without: &[&str],
    skip: impl Fn(&str) -> usize,
) -> Vec<std::borrow::Cow<'a, str>> {
    let mut seen = Vec::new();
    let mut kept = |line: &&Line| {
        let earlier = seen.iter().filter(|name| **name == line.name).count();
        seen.push(line.name.clone());
        earlier >= skip(&line.name) && !without.contains(&line.name.as_str())
    };
    let lines = message.lines.iter().filter(|line| kept(line));
    lines.map(|line| String::from_utf8_lossy(&line.raw)).collect()
}
