//! The messages that the benches and the allocation test work on: sizes as they are in the field.

/// Everything that arrives comes from here.
pub(crate) const PHONE: &str = "198.51.100.7:5060";

/// What a gateway answers from.
pub(crate) const GATEWAY: &str = "203.0.113.9:5060";

/// An SDP body of an ordinary phone.
const SDP: &str = "v=0\r\no=alice 2890844526 2890844526 IN IP4 198.51.100.7\r\ns=-\r\n\
    c=IN IP4 198.51.100.7\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0 8 97\r\na=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:8 PCMA/8000\r\na=rtpmap:97 iLBC/8000\r\na=ptime:20\r\na=sendrecv\r\n";

/// An INVITE of about 800 bytes to a user of the server.
pub(crate) fn invite(user: &str) -> Vec<u8> {
    format!(
        "INVITE sip:{user}@192.0.2.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK776asdhds8f7s6;rport\r\n\
         Max-Forwards: 70\r\n\
         To: \"Bob\" <sip:{user}@192.0.2.1>\r\n\
         From: \"Alice\" <sip:alice@192.0.2.1>;tag=1928301774\r\n\
         Call-ID: a84b4c76e66710e7a2d34f@198.51.100.7\r\n\
         CSeq: 314159 INVITE\r\n\
         Contact: <sip:alice@198.51.100.7:5060;transport=udp>\r\n\
         Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, INFO\r\n\
         User-Agent: Field Phone 4.2\r\n\
         Supported: replaces, timer\r\n\
         Content-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{SDP}",
        SDP.len()
    )
    .into_bytes()
}

/// A REGISTER of that user, the same dialog each time.
pub(crate) fn register(user: &str, cseq: u32) -> Vec<u8> {
    format!(
        "REGISTER sip:192.0.2.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bKnashds7-{cseq}\r\n\
         Max-Forwards: 70\r\n\
         To: <sip:{user}@192.0.2.1>\r\n\
         From: <sip:{user}@192.0.2.1>;tag=456248\r\n\
         Call-ID: 843817637684230@998sdasdh09\r\n\
         CSeq: {cseq} REGISTER\r\n\
         Contact: <sip:{user}@203.0.113.9:5060>\r\n\
         Expires: 3600\r\n\
         User-Agent: Field Phone 4.2\r\n\
         Content-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

/// A later request of the dialog that the INVITE of [`invite`] to Bob began, from the caller: its
/// route set is the server.
pub(crate) fn within_dialog(method: &str, cseq: u32) -> Vec<u8> {
    format!(
        "{method} sip:bob@203.0.113.9:5060 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK776asdhds8f7s7;rport\r\n\
         Max-Forwards: 70\r\n\
         Route: <sip:192.0.2.1;lr;ftag=1928301774>\r\n\
         To: \"Bob\" <sip:bob@192.0.2.1>;tag=8321234356\r\n\
         From: \"Alice\" <sip:alice@192.0.2.1>;tag=1928301774\r\n\
         Call-ID: a84b4c76e66710e7a2d34f@198.51.100.7\r\n\
         CSeq: {cseq} {method}\r\n\
         User-Agent: Field Phone 4.2\r\n\
         Content-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

/// The messages of a call to Bob, each with who sends it: INVITE, 100, 180, 200, ACK, BYE, 200.
/// `forward` has the server forward a request: what the callee gets.
pub(crate) fn call(
    mut forward: impl FnMut(&'static str, &[u8]) -> Vec<u8>,
) -> [(&'static str, Vec<u8>); 7] {
    let (invite, bye) = (invite("bob"), within_dialog("BYE", 314_160));
    let (invited, ended) = (forward(PHONE, &invite), forward(PHONE, &bye));
    [
        (PHONE, invite),
        (GATEWAY, answer(&invited, "100 Trying", "")),
        (GATEWAY, ringing(&invited)),
        (GATEWAY, answer(&invited, "200 OK", SDP)),
        (PHONE, within_dialog("ACK", 314_159)),
        (PHONE, bye),
        (GATEWAY, answer(&ended, "200 OK", "")),
    ]
}

/// The provisional answer to an INVITE that the server forwarded.
pub(crate) fn ringing(forwarded: &[u8]) -> Vec<u8> {
    answer(forwarded, "180 Ringing", "")
}

/// The answer to a request that the server forwarded, with this body if it has one.
fn answer(forwarded: &[u8], status: &str, body: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(forwarded);
    let repeated = ["Via:", "Record-Route:", "From:", "To:", "Call-ID:", "CSeq:"];
    let mut answer = format!("SIP/2.0 {status}\r\n");
    for line in text.lines().filter(|line| repeated.iter().any(|name| line.starts_with(name))) {
        answer.push_str(line);
        let is_new = line.starts_with("To:") && !line.contains(";tag=");
        answer.push_str(if is_new { ";tag=8321234356\r\n" } else { "\r\n" });
    }
    answer.push_str("Contact: <sip:bob@203.0.113.9:5060>\r\n");
    if !body.is_empty() {
        answer.push_str("Content-Type: application/sdp\r\n");
    }
    answer.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    answer.into_bytes()
}
