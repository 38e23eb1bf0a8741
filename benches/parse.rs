//! What parsing and validating an ordinary message costs.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use viaduct::sip::{self, HeaderName, Message, MessageIndex, NameAddr, Uri};

/// An INVITE as a softphone behind a proxy sends it: 800 bytes with its session description.
const INVITE: &[u8] = b"INVITE sip:bob@biloxi.example.com SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK74bf9a3c1d0e.1;rport\r\n\
    Via: SIP/2.0/UDP 192.0.2.101:5062;branch=z9hG4bK-524287-1---8d;received=192.0.2.101\
    ;rport=5062\r\n\
    Max-Forwards: 69\r\n\
    Record-Route: <sip:192.0.2.10;lr>\r\n\
    Contact: <sip:alice@192.0.2.101:5062;transport=udp>\r\n\
    To: \"Bob\" <sip:bob@biloxi.example.com>\r\n\
    From: \"Alice\" <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n\
    Call-ID: 3848276298220188511@atlanta.example.com\r\n\
    CSeq: 314159 INVITE\r\n\
    Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, INFO\r\n\
    Content-Type: application/sdp\r\n\
    Supported: replaces\r\n\
    User-Agent: Softphone 1.0\r\n\
    Subject: Hello\r\n\
    Content-Length: 132\r\n\
    \r\n\
    v=0\r\n\
    o=alice 2890844526 2890844526 IN IP4 192.0.2.101\r\n\
    s=-\r\n\
    c=IN IP4 192.0.2.101\r\n\
    t=0 0\r\n\
    m=audio 49172 RTP/AVP 0 8 101\r\n\
    a=ptime:20\r\n";

/// The response to it: 450 bytes.
const RESPONSE: &[u8] = b"SIP/2.0 200 OK\r\n\
    Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK74bf9a3c1d0e.1;received=192.0.2.10\r\n\
    Via: SIP/2.0/UDP 192.0.2.101:5062;branch=z9hG4bK-524287-1---8d;rport=5062\r\n\
    Record-Route: <sip:192.0.2.10;lr>\r\n\
    To: <sip:bob@biloxi.example.com>;tag=314159a\r\n\
    From: <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n\
    Call-ID: 3848276298220188511@atlanta.example.com\r\n\
    CSeq: 314159 INVITE\r\n\
    Contact: <sip:bob@192.0.2.4>\r\n\
    Server: Deskphone 7.12\r\n\
    Content-Length: 0\r\n\
    \r\n";

/// Parsing alone, and parsing with validation.
fn messages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    for (name, bytes) in [("invite_800B", INVITE), ("response_450B", RESPONSE)] {
        let mut index = MessageIndex::default();
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| sip::parse(black_box(bytes), &mut index));
        });
        let message = Message::new(bytes, &index);
        group.bench_function(format!("{name}/validate"), |bencher| {
            bencher.iter(|| black_box(&message).validate_request());
        });
    }
    group.finish();
}

/// The values that a proxy looks at.
fn values(criterion: &mut Criterion) {
    let mut index = MessageIndex::default();
    let _ = sip::parse(INVITE, &mut index);
    let message = Message::new(INVITE, &index);
    let from = message.value(HeaderName::From).unwrap_or_default();
    let mut group = criterion.benchmark_group("parse");
    group.bench_function("via", |bencher| bencher.iter(|| black_box(&message).top_via()));
    group.bench_function("from", |bencher| bencher.iter(|| NameAddr::parse(black_box(from))));
    for (name, uri) in [
        ("uri_short", &b"sip:bob@biloxi.example.com"[..]),
        ("uri_typical", b"sip:+12025550144@198.51.100.7:5062;transport=udp;user=phone"),
    ] {
        group.bench_function(name, |bencher| bencher.iter(|| Uri::parse(black_box(uri))));
    }
    group.finish();
}

const _: () = assert!(INVITE.len() == 800 && RESPONSE.len() == 450);

criterion_group!(benches, messages, values);
criterion_main!(benches);
