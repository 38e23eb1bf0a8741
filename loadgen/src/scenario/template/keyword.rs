//! Keywords: what stands in brackets in a message.

use super::{Field, LastHeader};
use crate::scenario::Names;

/// Keywords of SIPp that there is nothing for here.
const UNSUPPORTED: [&str; 12] = [
    "remote_host",
    "server_ip",
    "rtpstream_audio_port",
    "rtpstream_video_port",
    "dynamic_id",
    "tdmmap",
    "users",
    "userid",
    "sipp_version",
    "file",
    "fill",
    "authentication",
];

/// The field that a keyword stands for; `at` is its place in the file.
pub(super) fn field(keyword: &str, at: usize, names: &mut Names<'_>) -> Result<Field, String> {
    if let Some(name) = keyword.strip_prefix('$') {
        return Ok(Field::Variable(names.read(name, at)));
    }
    if let Some(rest) = keyword.strip_prefix("field")
        && rest.starts_with(|first: char| first.is_ascii_digit())
    {
        return injected(rest, names);
    }
    let (name, plus) = split_plus(keyword);
    if let Some(field) = counted(name, plus.unwrap_or(0)) {
        return Ok(field);
    }
    if let Some(header) = keyword.strip_prefix("last_") {
        let whole_line = header.ends_with(':');
        let name = header.trim_end_matches(':').to_owned();
        return Ok(Field::Last(LastHeader { name, whole_line }));
    }
    match simple(name) {
        Some(_) if plus.is_some() => Err(format!("keyword [{name}] takes no + or -: [{keyword}]")),
        Some(field) => Ok(field),
        None => Err(refusal(keyword)),
    }
}

/// Why a keyword is refused.
fn refusal(keyword: &str) -> String {
    let name = keyword.split([' ', '+', '-']).next().unwrap_or(keyword);
    let of_srtp = name.starts_with("crypto") || name.starts_with("ueaescm");
    if of_srtp || UNSUPPORTED.contains(&name) {
        format!("keyword [{name}] is not supported")
    } else {
        format!("keyword [{name}] is unknown")
    }
}

/// A keyword and what is added to it: `cseq+1`.
fn split_plus(keyword: &str) -> (&str, Option<i32>) {
    let Some(sign) = keyword.find(['+', '-']) else { return (keyword, None) };
    let (name, number) = keyword.split_at(sign);
    match number.parse() {
        Ok(number) => (name, Some(number)),
        Err(_) => (keyword, None),
    }
}

/// Fields that something can be added to.
fn counted(name: &str, plus: i32) -> Option<Field> {
    Some(match name {
        "media_port" | "auto_media_port" => Field::MediaPort(plus),
        "cseq" => Field::Cseq(plus),
        "len" => Field::BodyLength(plus),
        "last_cseq_number" => Field::LastCseqNumber(plus),
        "branch" if plus <= 0 => Field::Branch(plus.unsigned_abs()),
        _ => return None,
    })
}

/// Fields that stand alone.
fn simple(name: &str) -> Option<Field> {
    Some(match name {
        "service" => Field::Service,
        "remote_ip" => Field::RemoteIp,
        "remote_port" => Field::RemotePort,
        "local_ip" => Field::LocalIp,
        "local_ip_type" | "media_ip_type" => Field::LocalIpType,
        "local_port" => Field::LocalPort,
        "transport" => Field::Transport,
        "media_ip" => Field::MediaIp,
        "call_id" => Field::CallId,
        "call_number" => Field::CallNumber,
        "branch" => Field::Branch(0),
        "msg_index" => Field::StepNumber,
        "pid" => Field::ProcessId,
        "peer_tag_param" => Field::PeerTagParam,
        "routes" => Field::Routes,
        "next_url" => Field::NextUrl,
        "timestamp" | "date" => Field::Timestamp,
        "clock_tick" => Field::ClockTick,
        "caller" => Field::Caller,
        "callee" => Field::Callee,
        "domain" => Field::Domain,
        "callee_uri" => Field::CalleeUri,
        "contact_uri" => Field::ContactUri,
        "program" => Field::Program,
        _ => return None,
    })
}

/// `[fieldN]`, `[fieldN file="x.csv"]`; `rest` is what follows `field`.
fn injected(rest: &str, names: &Names<'_>) -> Result<Field, String> {
    let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    let (column, parameters) = rest.split_at(digits);
    let column = column.parse().map_err(|_| format!("[field{column}] has too large a number"))?;
    let mut file = None;
    let mut parameters = parameters.trim();
    while !parameters.is_empty() {
        let (name, value) = parameters.split_once('=').unwrap_or((parameters, ""));
        let (value, behind) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => value.split_once(' ').unwrap_or((value, "")),
        };
        match name.trim() {
            "file" => file = Some(value),
            other => return Err(format!("{other}= in [field{column}] is not supported")),
        }
        parameters = behind.trim();
    }
    Ok(Field::Injected(names.injected(file, column)?, column))
}
