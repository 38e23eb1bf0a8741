//! Transformations: `{s.len}`, `{uri.host}`, `{param.value,name}` ... behind a pseudo-variable.

mod document;
mod list;
mod notation;
mod text;
mod uri;
mod value;

use super::scope::{Fault, Scope};
use super::value::parse_int;
use super::variable::Variable;
use super::{Execution, PatternFlags, Substitution, Value};

use document::{JsonPath, UrlPart};
use list::ListPart;
use notation::Notation;
use text::TextPart;
pub use text::core_hash;
use uri::{NamePart, UriPart};
use value::{SocketPart, ValuePart};

/// A text in base 64 with the alphabet for URLs, without padding (RFC 4648 §5).
#[must_use]
pub fn encode_base64_url<'m>(execution: &Execution<'m>, text: &[u8]) -> &'m [u8] {
    BASE64_URL.encode(execution, text)
}

/// What a text is in base 64 with the alphabet for URLs; empty if it is malformed.
#[must_use]
pub fn decode_base64_url<'m>(execution: &Execution<'m>, text: &[u8]) -> &'m [u8] {
    BASE64_URL.decode(execution, text)
}

/// Base 64 as it may stand in a URI.
const BASE64_URL: Notation = Notation::Base64 { url: true, trimmed: true };

/// One compiled transformation.
#[derive(Clone, Debug)]
pub(super) enum Transform {
    /// `{json.parse,path}`.
    Json(JsonPath),
    /// `{line.at,n}` and its kin.
    Line(LinePart),
    /// `{nameaddr.uri}`, `{tobody.user}` and their kin.
    Name(NamePart),
    /// `{param.value,name}` and its kin.
    Param(ListPart, u8),
    /// `{sock.host}` and its kin.
    Socket(SocketPart),
    /// `{re.subst,/regex/replacement/flags}`.
    Subst(Box<Substitution>),
    /// `{s.len}` and its kin.
    Text(TextPart),
    /// `{uri.host}` and its kin.
    Uri(UriPart),
    /// `{url.path}` and its kin.
    Url(UrlPart),
    /// `{val.n0}`, `{sql.val}` and their kin.
    Value(ValuePart),
}

/// The transformations of lines.
#[derive(Clone, Debug)]
pub(super) enum LinePart {
    /// The line of that number, from 0; from the back if negative.
    At(Parameter),
    /// How many there are.
    Count,
    /// The first one that starts with a text.
    StartingWith(Parameter),
}

/// A parameter of a transformation.
#[derive(Clone, Debug)]
pub(super) enum Parameter {
    /// As written.
    Fixed(Box<[u8]>),
    /// A number as written.
    Int(i64),
    /// The value of a variable.
    Variable(Box<Variable>),
}

impl Transform {
    /// Reads what is between the braces.
    pub(super) fn parse(inner: &[u8], scope: &mut Scope<'_>) -> Result<Self, Fault> {
        let name_end = memchr::memchr(b',', inner).unwrap_or(inner.len());
        let name = String::from_utf8_lossy(&inner[..name_end]).trim().to_owned();
        let whole = 0..inner.len() + 2;
        if name == "re.subst" {
            let text = inner.get(name_end + 1..).unwrap_or_default();
            let bad = |message: String| Fault::new("E0415", message, whole.clone());
            let flags = PatternFlags { ignore_case: false, newline_sensitive: false };
            let substitution = Substitution::parse(text, flags, scope).map_err(bad)?;
            return Ok(Self::Subst(Box::new(substitution)));
        }
        let mut parameters = Parameters { text: inner, at: name_end };
        let found = Self::find(&name, &mut parameters, scope)?;
        let Some(transform) = found else { return Err(unknown(&name, whole)) };
        if parameters.at < inner.len() {
            let message = format!("`{{{name}}}` does not have so many parameters");
            return Err(Fault::new("E0415", message, whole));
        }
        Ok(transform)
    }

    /// The transformation of that name with its parameters read.
    fn find(
        name: &str,
        parameters: &mut Parameters<'_>,
        scope: &mut Scope<'_>,
    ) -> Result<Option<Self>, Fault> {
        let Some((class, member)) = name.split_once('.') else { return Ok(None) };
        Ok(match (class, member) {
            ("s", _) => TextPart::find(member, parameters, scope)?.map(Self::Text),
            ("uri", _) => UriPart::find(member, parameters, scope)?.map(Self::Uri),
            ("nameaddr" | "tobody", _) => NamePart::find(class, member).map(Self::Name),
            ("param", _) => ListPart::find(member, parameters, scope)?
                .map(|(part, separator)| Self::Param(part, separator)),
            ("json", "parse") => Some(Self::Json(JsonPath::read(parameters, scope)?)),
            ("url", _) => UrlPart::find(member).map(Self::Url),
            ("line", "count") => Some(Self::Line(LinePart::Count)),
            ("line", "sw") => Some(Self::Line(LinePart::StartingWith(parameters.required(scope)?))),
            ("sock" | "urialias", _) => SocketPart::find(class, member).map(Self::Socket),
            ("val" | "sql", _) => ValuePart::find(class, member).map(Self::Value),
            ("line", "at") => Some(Self::Line(LinePart::At(parameters.required(scope)?))),
            _ => None,
        })
    }

    /// What becomes of `value`. `$null` stays `$null`, but for those that are about it.
    pub(super) fn apply<'m>(&'m self, execution: &Execution<'m>, value: Value<'m>) -> Value<'m> {
        match self {
            Self::Value(part) => return part.apply(execution, value),
            _ if value == Value::Null => return Value::Null,
            _ => {}
        }
        let text = execution.text(value);
        match self {
            Self::Json(path) => path.apply(execution, text),
            Self::Line(part) => part.apply(execution, text),
            Self::Name(part) => part.apply(execution, text),
            Self::Param(part, separator) => part.apply(execution, text, *separator),
            Self::Socket(part) => part.apply(execution, text),
            Self::Subst(substitution) => substitute(substitution, execution, text),
            Self::Text(part) => part.apply(execution, text),
            Self::Uri(part) => part.apply(execution, text),
            Self::Url(part) => Value::Text(part.of(text)),
            Self::Value(part) => part.apply(execution, value),
        }
    }
}

impl LinePart {
    /// What becomes of `text`.
    fn apply<'m>(&'m self, execution: &Execution<'m>, text: &'m [u8]) -> Value<'m> {
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let lines = || text.split(|byte| *byte == b'\n');
        match self {
            Self::Count => Value::Int(count(lines())),
            Self::At(number) => {
                let line = pick(lines(), number.int(execution));
                Value::Text(line.map_or(&[], |line| line.strip_suffix(b"\r").unwrap_or(line)))
            }
            Self::StartingWith(start) => {
                let start = start.text(execution);
                let line = lines().find(|line| line.starts_with(start));
                Value::Text(line.map_or(&[], |line| line.strip_suffix(b"\r").unwrap_or(line)))
            }
        }
    }
}

impl Parameter {
    /// All that is left of the parameters as one, commas and all.
    fn rest(parameters: &mut Parameters<'_>, scope: &mut Scope<'_>) -> Result<Self, Fault> {
        if parameters.text.get(parameters.at + 1) == Some(&b'$') {
            return parameters.required(scope);
        }
        let length = parameters.text.len();
        let missing = || Fault::new("E0415", "a parameter is missing", 0..length + 2);
        parameters.rest().map(|text| Self::Fixed(text.into())).ok_or_else(missing)
    }

    /// The present number.
    fn int<'m>(&'m self, execution: &Execution<'m>) -> i64 {
        match self {
            Self::Fixed(text) => parse_int(text).unwrap_or(0),
            Self::Int(number) => *number,
            Self::Variable(variable) => variable.read(execution).to_int(),
        }
    }

    /// The present text.
    fn text<'m>(&'m self, execution: &Execution<'m>) -> &'m [u8] {
        match self {
            Self::Fixed(text) => text,
            Self::Int(number) => execution.show_int(*number),
            Self::Variable(variable) => execution.text(variable.read(execution)),
        }
    }
}

/// The parameters of a transformation that are still to be read; each starts with a comma.
#[derive(Debug)]
pub(super) struct Parameters<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Parameters<'t> {
    /// The next one, if there is one.
    fn optional(&mut self, scope: &mut Scope<'_>) -> Result<Option<Parameter>, Fault> {
        if self.at >= self.text.len() {
            return Ok(None);
        }
        let start = self.past_blanks(self.at + 1);
        let rest = &self.text[start..];
        if rest.first() == Some(&b'$') {
            let (variable, length) =
                Variable::parse(rest, scope).map_err(|fault| fault.moved_by(start))?;
            self.at = self.past_blanks(start + length);
            return Ok(Some(Parameter::Variable(Box::new(variable))));
        }
        let length = memchr::memchr(b',', rest).unwrap_or(rest.len());
        self.at = start + length;
        let text = &rest[..length];
        Ok(Some(match parse_int(text.trim_ascii_end()) {
            Some(number) if text.first() != Some(&b'+') => Parameter::Int(number),
            _ => Parameter::Fixed(text.into()),
        }))
    }

    /// Where the blanks end that begin at `at`, if there are any: those before a parameter are not
    /// part of it, nor those behind a variable. Behind a text they are.
    fn past_blanks(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        at + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
    }

    /// The next one.
    fn required(&mut self, scope: &mut Scope<'_>) -> Result<Parameter, Fault> {
        let length = self.text.len();
        self.optional(scope)?
            .ok_or_else(|| Fault::new("E0415", "a parameter is missing", 0..length + 2))
    }

    /// The next one, which is a number or a variable.
    fn number(&mut self, scope: &mut Scope<'_>) -> Result<Parameter, Fault> {
        let length = self.text.len();
        match self.required(scope)? {
            Parameter::Fixed(_) => {
                Err(Fault::new("E0415", "this parameter must be a number", 0..length + 2))
            }
            parameter => Ok(parameter),
        }
    }

    /// All that is left, taken as it is.
    fn rest(&mut self) -> Option<&'t [u8]> {
        let rest = self.text.get(self.at + 1..)?;
        self.at = self.text.len();
        Some(rest)
    }

    /// A separator, if one is given: a single byte, a comma among them, or `\t` and the like.
    fn separator(&mut self, default: u8) -> u8 {
        match self.rest() {
            Some([b'\\', b't', ..]) => b'\t',
            Some([b'\\', b'n', ..]) => b'\n',
            Some([b'\\', b's', ..]) => b' ',
            Some([byte, ..]) => *byte,
            _ => default,
        }
    }
}

/// How many there are.
fn count<T>(items: impl Iterator<Item = T>) -> i64 {
    i64::try_from(items.count()).unwrap_or(i64::MAX)
}

/// The item at `index`, from the back if negative.
fn pick<'m>(items: impl Iterator<Item = &'m [u8]> + Clone, index: i64) -> Option<&'m [u8]> {
    let index = if index < 0 { count(items.clone()) + index } else { index };
    let mut items = items;
    items.nth(usize::try_from(index).ok()?)
}

/// The fault of a name that no transformation has.
fn unknown(name: &str, span: std::ops::Range<usize>) -> Fault {
    let fault = Fault::new("E0415", format!("there is no transformation `{{{name}}}`"), span);
    let class = name.split('.').next().unwrap_or_default();
    match super::nearest(name, NAMES.iter().copied()) {
        None if CLASSES.contains(&class) => {
            let message = format!("the transformation `{{{name}}}` is not supported yet");
            Fault { code: "E0403", message, ..fault }
        }
        Some(similar) => fault.help(format!("did you mean `{{{similar}}}`?")),
        None => fault,
    }
}

/// Carries a substitution out; nothing changes if it does not match.
fn substitute<'m>(
    substitution: &'m Substitution,
    execution: &Execution<'m>,
    text: &'m [u8],
) -> Value<'m> {
    Value::Text(substitution.bind(execution).apply(text).unwrap_or(text))
}

/// Kinds of transformations of Kamailio of which none or not all are there.
const CLASSES: &[&str] =
    &["hdrbody", "json", "line", "msrpuri", "num", "s", "sql", "uri", "urialias", "val"];

/// All transformations, for suggestions and for listings.
pub(super) const NAMES: &[&str] = &[
    "json.parse",
    "line.at",
    "line.count",
    "line.sw",
    "nameaddr.len",
    "nameaddr.name",
    "nameaddr.params",
    "nameaddr.uri",
    "param.count",
    "param.in",
    "param.name",
    "param.value",
    "param.valueat",
    "re.subst",
    "s.after",
    "s.before",
    "s.corehash",
    "s.count",
    "s.decode.7bit",
    "s.decode.base58",
    "s.decode.base64",
    "s.decode.base64t",
    "s.decode.base64url",
    "s.decode.base64urlt",
    "s.decode.hexa",
    "s.encode.7bit",
    "s.encode.base58",
    "s.encode.base64",
    "s.encode.base64t",
    "s.encode.base64url",
    "s.encode.base64urlt",
    "s.encode.hexa",
    "s.escape.common",
    "s.escape.csv",
    "s.escape.param",
    "s.escape.user",
    "s.fmtlines",
    "s.fmtlinet",
    "s.ftime",
    "s.index",
    "s.int",
    "s.len",
    "s.ltrim",
    "s.md5",
    "s.numeric",
    "s.prefixes",
    "s.prefixes.quoted",
    "s.rafter",
    "s.rbefore",
    "s.replace",
    "s.rm",
    "s.rmws",
    "s.rtrim",
    "s.select",
    "s.sha256",
    "s.sha384",
    "s.sha512",
    "s.strip",
    "s.striptail",
    "s.stripto",
    "s.substr",
    "s.tolower",
    "s.toupper",
    "s.trim",
    "s.unbracket",
    "s.unescape.common",
    "s.unescape.param",
    "s.unescape.user",
    "s.unquote",
    "s.urldecode.param",
    "s.urlencode.param",
    "sock.host",
    "sock.port",
    "sock.proto",
    "sock.touri",
    "sql.val",
    "sql.val.int",
    "sql.val.str",
    "tobody.display",
    "tobody.host",
    "tobody.params",
    "tobody.tag",
    "tobody.uri",
    "tobody.user",
    "uri.domain",
    "uri.duri",
    "uri.headers",
    "uri.host",
    "uri.lr",
    "uri.maddr",
    "uri.method",
    "uri.param",
    "uri.params",
    "uri.passwd",
    "uri.port",
    "uri.r2",
    "uri.saor",
    "uri.scheme",
    "uri.suri",
    "uri.tosocket",
    "uri.transport",
    "uri.ttl",
    "uri.uparam",
    "uri.user",
    "urialias.decode",
    "urialias.encode",
    "url.path",
    "url.querystring",
    "val.json",
    "val.jsonqe",
    "val.n0",
    "val.ne",
];
