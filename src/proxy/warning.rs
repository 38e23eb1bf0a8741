//! The noisy Warning header field of SER: replies made here tell whoever looks for a fault where
//! their request came from, and what became of its Request-URI (`sip_warning`).

use std::io::Write;

use crate::limits::WARNING_URI_BYTES_MAX;
use crate::mem::Arrival;
use crate::script::Settings;
use crate::sip::{HeaderName, Message};

/// The header line for the reply that is being made.
#[derive(Debug)]
pub(super) struct Warning {
    /// The number of the process, as SER tells it.
    process: u32,
    /// The line with its break.
    line: Vec<u8>,
    /// Whether the line is that of the next reply.
    is_noted: bool,
}

impl Warning {
    /// None, if replies are to have no such line.
    pub(super) fn new(settings: &Settings, process: u32) -> Option<Self> {
        settings.warns().then(|| Self { process, line: Vec::new(), is_noted: false })
    }

    /// Notes the line for the next reply, to `request`, whose Request-URI the script has made
    /// `uri`.
    pub(super) fn note(&mut self, request: Message<'_>, uri: &[u8], arrival: &Arrival) {
        self.compose(request, uri, arrival);
        self.is_noted = true;
    }

    /// Whether the line of this reply was noted. Asked once for each reply, also one that is not
    /// made then.
    pub(super) fn take_note(&mut self) -> bool {
        std::mem::take(&mut self.is_noted)
    }

    /// The line; where it was not noted, the Request-URI is told as it came.
    pub(super) fn line(
        &mut self,
        request: Message<'_>,
        arrival: &Arrival,
        is_noted: bool,
    ) -> &[u8] {
        if !is_noted {
            self.compose(request, request.request_uri(), arrival);
        }
        &self.line
    }

    /// Composes the line.
    fn compose(&mut self, request: Message<'_>, uri: &[u8], arrival: &Arrival) {
        let Self { process, line, .. } = self;
        let source = arrival.source;
        line.clear();
        // A vector takes all that is written to it.
        let _ = write!(
            line,
            "Warning: 392 {} \"Noisy feedback tells:  pid={process} req_src_ip={} req_src_port={}",
            arrival.local,
            source.ip(),
            source.port(),
        );
        push_uri(line, " in_uri=", request.request_uri());
        push_uri(line, " out_uri=", uri);
        let vias = request.items(HeaderName::Via).count();
        let _ = write!(line, " via_cnt=={vias}\"\r\n");
    }
}

/// Appends a URI within a quoted string (RFC 3261 §25.1); none that would make the reply long.
fn push_uri(line: &mut Vec<u8>, name: &str, uri: &[u8]) {
    if uri.len() > WARNING_URI_BYTES_MAX {
        return;
    }
    line.extend_from_slice(name.as_bytes());
    for byte in uri {
        match byte {
            b'"' | b'\\' => line.extend_from_slice(&[b'\\', *byte]),
            byte if byte.is_ascii_control() => line.push(b'?'),
            byte => line.push(*byte),
        }
    }
}
