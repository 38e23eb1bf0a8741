//! `viaduct ctl`: asks a running server, and shows what it says.

use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crossbeam_channel::after;

use crate::server::{Format, ServerError};

/// What to ask whom.
#[derive(Clone, Debug)]
pub struct CtlOptions {
    /// The server's socket.
    pub socket: PathBuf,
    /// How the answer is written.
    pub format: Format,
    /// The command with its words.
    pub words: Vec<String>,
    /// Time between two rounds of `moni`.
    pub interval: Duration,
    /// Rounds of `moni`; none: until it is interrupted.
    pub count: Option<u64>,
}

/// How long the server may say nothing: a reload takes a moment.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// What `moni` shows.
const MONITORED: &[&str] = &["uptime", "sl_stats", "ul_stats", "get_statistics"];

/// Asks a running server, and writes its answer to standard output.
///
/// # Errors
///
/// When there is no server, or it refuses.
pub fn ctl(options: &CtlOptions) -> Result<(), ServerError> {
    match show(options) {
        // Who reads the output has read enough.
        Err(ServerError::System { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => {
            Ok(())
        }
        result => result,
    }
}

/// Asks as often as is wanted.
fn show(options: &CtlOptions) -> Result<(), ServerError> {
    let mut out = io::stdout().lock();
    if options.words != ["moni"] {
        return ask(options, &options.words, &mut out);
    }
    let clears = out.is_terminal() && matches!(options.format, Format::Human);
    let mut round = 0;
    loop {
        if clears {
            out.write_all(b"\x1b[H\x1b[2J").map_err(unwritable)?;
        }
        for command in MONITORED {
            ask(options, &[(*command).to_owned()], &mut out)?;
        }
        out.flush().map_err(unwritable)?;
        round += 1;
        if options.count.is_some_and(|count| round >= count) {
            return Ok(());
        }
        // Nothing is sent to it: the time is what is waited for.
        let _ = after(options.interval).recv();
    }
}

/// Asks one thing.
fn ask(options: &CtlOptions, words: &[String], out: &mut impl Write) -> Result<(), ServerError> {
    let mut request = String::from(match options.format {
        Format::Human => "text\n",
        Format::Json => "json\n",
    });
    for word in words {
        if word.is_empty() || word.contains('\n') {
            return Err(refused(400, "a word is empty or has a line break"));
        }
        request.push_str(word);
        request.push('\n');
    }
    request.push('\n');
    let answer = converse(&options.socket, request.as_bytes(), out);
    let (code, reason) = answer
        .map_err(|source| ServerError::Unanswered { path: options.socket.clone(), source })??;
    if code >= 300 { Err(refused(code, &reason)) } else { Ok(()) }
}

/// Sends a request and writes the answer as it comes; its code and reason. What fails on the
/// outside is no matter of the server.
fn converse(
    path: &Path,
    request: &[u8],
    out: &mut impl Write,
) -> io::Result<Result<(u16, String), ServerError>> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    stream.set_write_timeout(Some(SILENCE_MAX))?;
    stream.write_all(request)?;
    let mut stream = BufReader::new(stream);
    let status = read_line(&mut stream)?;
    let (code, reason) = status.split_once(' ').unwrap_or((&status, ""));
    let code = code.parse().map_err(|_| io::Error::other("this is no answer"))?;
    let mut piece = Vec::new();
    loop {
        let length: usize = read_line(&mut stream)?
            .parse()
            .map_err(|_| io::Error::other("the answer is broken off"))?;
        if length == 0 {
            return Ok(Ok((code, reason.to_owned())));
        }
        piece.clear();
        let count = (&mut stream).take(length as u64).read_to_end(&mut piece)?;
        if count < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Err(error) = out.write_all(&piece) {
            return Ok(Err(unwritable(error)));
        }
    }
}

/// Reads a line, without its end.
fn read_line(stream: &mut impl BufRead) -> io::Result<String> {
    const LINE_BYTES_MAX: u64 = 64 << 10;
    let mut line = String::new();
    stream.take(LINE_BYTES_MAX).read_line(&mut line)?;
    match line.strip_suffix('\n') {
        Some(line) => Ok(line.to_owned()),
        None => Err(io::Error::other("the answer is broken off")),
    }
}

/// The server does not do it.
fn refused(code: u16, reason: &str) -> ServerError {
    ServerError::Refused { code, reason: reason.to_owned() }
}

/// Standard output takes nothing.
fn unwritable(source: io::Error) -> ServerError {
    ServerError::System { what: "cannot write the answer", source }
}
