//! A message and changes to its lines: what is made of it in place is what is written anew, and
//! it parses again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use viaduct::limits::{HEADROOM_BYTES, TAILROOM_BYTES};
use viaduct::sip::rewrite::EditList;
use viaduct::sip::{self, Message, MessageIndex};

fuzz_target!(|bytes: &[u8]| {
    // The first line says what to change: three bytes for each edit.
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return };
    let (orders, bytes) = (&bytes[..end], &bytes[end + 1..]);
    let mut index = MessageIndex::default();
    if sip::parse(bytes, &mut index).is_err() {
        return;
    }
    let message = Message::new(bytes, &index);
    let lines: Vec<_> = message.all_headers().collect();
    let mut edits = EditList::default();
    for order in orders.chunks_exact(3) {
        edit(&mut edits, message, &lines, order);
    }
    let mut anew = Vec::new();
    edits.write_to(message.text(), &mut anew);
    assert_eq!(anew.len() as isize, message.end() as isize + edits.growth_from(0));
    in_place(&edits, message.text(), &anew);
    let mut new_index = MessageIndex::default();
    let fits = sip::parse(&anew, &mut new_index);
    let rest = Message::new(&anew, &new_index);
    let lengths = lines.iter().any(|line| line.name == sip::HeaderName::ContentLength);
    assert!(fits.is_ok() || lengths || rest.all_headers().count() == 255, "{fits:?}");
    assert_eq!(rest.start_line(), message.start_line());
});

/// Adds one edit of whole lines or whole values.
fn edit(edits: &mut EditList, message: Message<'_>, lines: &[sip::Header<'_>], order: &[u8]) {
    let text = [&b"X-Added: "[..], &b"y".repeat(usize::from(order[2])), b"\r\n"].concat();
    let line = lines.get(usize::from(order[1]) % lines.len().max(1));
    match (order[0] % 6, line) {
        (0, _) => edits.insert(message.headers_end(), &text),
        (1, _) => edits.insert_before(message.headers_start(), &[&text]),
        (2, Some(line)) => edits.insert(message.offset_of(line.line), &text),
        (3, Some(line)) => edits.remove(message.offset_of(line.line), line.line.len()),
        (4, Some(line)) => edits.replace(message.offset_of(line.line), line.line.len(), &text),
        // An insertion into a line that is gone moves behind it.
        (5, Some(line))
            if line.name != sip::HeaderName::ContentLength && !line.value.is_empty() =>
        {
            let value = b"z".repeat(usize::from(order[2]));
            edits.replace(message.offset_of(line.value), line.value.len(), &value)
        }
        _ => true,
    };
}

/// Checks that the edits, made in a slot, give the same bytes.
fn in_place(edits: &EditList, message: &[u8], anew: &[u8]) {
    let mut buffer = vec![b'-'; HEADROOM_BYTES];
    buffer.extend_from_slice(message);
    buffer.resize(buffer.len() + TAILROOM_BYTES, b'-');
    match edits.apply(&mut buffer, HEADROOM_BYTES..HEADROOM_BYTES + message.len()) {
        Some(range) => assert_eq!(&buffer[range], anew),
        None => assert!(anew.len() > message.len() + TAILROOM_BYTES.min(HEADROOM_BYTES)),
    }
}
