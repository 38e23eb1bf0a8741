//! What the language has beside functions, variables and modules, for people: its lines and
//! statements, the words of its conditions, transformations and global parameters.

use super::globals;

/// One thing of the language.
#[derive(Clone, Copy, Debug)]
pub struct LanguageEntry {
    /// How it is written.
    pub form: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// An example, which compiles where [`LanguagePart::kind`] says.
    pub example: &'static str,
}

/// A part of the language.
#[derive(Clone, Copy, Debug)]
pub struct LanguagePart {
    /// Its name.
    pub title: &'static str,
    /// Where its examples stand.
    pub kind: ExampleKind,
    /// What belongs to it.
    pub entries: &'static [LanguageEntry],
}

/// Where an example stands in a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExampleKind {
    /// Behind `=`, in a route block.
    Expression,
    /// Outside of the route blocks.
    File,
    /// In a route block.
    Statement,
}

/// A global parameter.
#[derive(Clone, Copy, Debug)]
pub struct GlobalEntry {
    /// Its name.
    pub name: &'static str,
    /// What its value is.
    pub value: &'static str,
    /// What it does, or why it does nothing.
    pub doc: &'static str,
    /// Whether it does something.
    pub effective: bool,
}

/// All global parameters.
pub fn global_parameters() -> impl Iterator<Item = GlobalEntry> {
    globals::all()
}

/// All parts of the language, in the order in which they are told.
pub const LANGUAGE: &[LanguagePart] = &[
    LanguagePart { title: "The file", kind: ExampleKind::File, entries: FILE },
    LanguagePart {
        title: "Before anything else: the preprocessor",
        kind: ExampleKind::File,
        entries: PREPROCESSOR,
    },
    LanguagePart { title: "Route blocks", kind: ExampleKind::File, entries: BLOCKS },
    LanguagePart { title: "Statements", kind: ExampleKind::Statement, entries: STATEMENTS },
    LanguagePart { title: "Words of the message", kind: ExampleKind::Statement, entries: WORDS },
    LanguagePart { title: "Operators", kind: ExampleKind::Statement, entries: OPERATORS },
];

/// An entry.
const fn entry(form: &'static str, doc: &'static str, example: &'static str) -> LanguageEntry {
    LanguageEntry { form, doc, example }
}

/// What a file consists of.
const FILE: &[LanguageEntry] = &[
    entry(
        "#!KAMAILIO, #!OPENSER, #!SER",
        "In the first line: the dialect. It decides whether `xlog` takes `$` or `%`, and what \
         unit timers have. Without it, the likeliest is taken and named in a note.",
        "#!OPENSER\ndebug=2",
    ),
    entry(
        "# ..., // ..., /* ... */",
        "Comments; also between arguments.",
        "# to the end of the line\ndebug=2 /* here */",
    ),
    entry(
        "name = value",
        "Sets a global parameter.",
        "listen=udp:127.0.0.1:5060\nalias=\"example.com\"",
    ),
    entry(
        "group.name = value desc \"text\"",
        "A global parameter of the script's own, read by `$sel(cfg_get.group.name)`.",
        "pstn.gw_ip = \"192.0.2.20\" desc \"the gateway\"",
    ),
    entry(
        "loadmodule \"name.so\"",
        "Makes the functions of a module known. Modules are built in: a path before the name is \
         ignored.",
        "loadmodule \"/usr/lib/kamailio/modules/sl.so\"",
    ),
    entry(
        "modparam(\"module|module\", \"name\", value)",
        "Sets a parameter of loaded modules.",
        "loadmodule \"usrloc.so\"\nmodparam(\"usrloc\", \"use_domain\", 1)",
    ),
    entry(
        "\"text\", 'text'",
        "A text, also over several lines. Between double quotes `\\n`, `\\r`, `\\t`, `\\a`, `\\\\` \
         and `\\\"` stand for one byte, as do `\\x41` and, with two or three digits, `\\101`: its \
         number in base 16 or 8. Between single quotes all is as written.",
        "server_header=\"Server: \\x56iaduct\"",
    ),
    entry("flags name:number, ...", "Gives names to message flags.", "flags FLT_ACC:1, FLT_NAT:5;"),
];

/// What happens before the script is parsed.
const PREPROCESSOR: &[LanguageEntry] = &[
    entry(
        "#!define NAME [value]",
        "From here on the name stands for the value. `#!trydef` does nothing if it is defined \
         already, `#!redefine` replaces it, `#!undef` forgets it. `!!` may stand for `#!` \
         everywhere.",
        "#!define PORT 5062\nport=PORT",
    ),
    entry(
        "#!ifdef NAME, #!ifndef NAME, #!else, #!endif",
        "Reads lines only if a name is defined or is not.",
        "#!ifdef WITH_DEBUG\ndebug=4\n#!else\ndebug=2\n#!endif",
    ),
    entry(
        "#!ifexp expression",
        "Reads lines only if an expression of defined names is true.",
        "#!define LEVEL 3\n#!ifexp LEVEL > 2\ndebug=LEVEL\n#!endif",
    ),
    entry(
        "#!subst \"/regex/text/flags\"",
        "Replaces within the strings that follow. `#!substdef` also defines the name.",
        "#!subst \"/DOMAIN/example.com/\"\nalias=\"DOMAIN\"",
    ),
    entry(
        "#!defenv NAME",
        "Defines a name by a variable of the environment; `#!defenvs` as a string, \
         `#!trydefenv` only if there is one.",
        "#!trydefenv HOME",
    ),
    entry(
        "include_file \"file\", import_file \"file\"",
        "Reads another file here; `import_file` goes on if there is none. A name without a path \
         is looked for beside this file.",
        "import_file \"local.cfg\"",
    ),
];

/// Route blocks.
const BLOCKS: &[LanguageEntry] = &[
    entry(
        "request_route { ... }, route { ... }",
        "Runs for each request. What it neither answers nor forwards is dropped.",
        "route { exit; }",
    ),
    entry(
        "route[name] { ... }",
        "Runs when it is called by `route(name)`; its name may be a number.",
        "route { route(RELAY); }\nroute[RELAY] { forward(); }",
    ),
    entry(
        "onreply_route { ... }, reply_route { ... }",
        "Runs for each response that answers something which went through here; the response is \
         then forwarded, unless the script says `drop`.",
        "route { forward(); }\nonreply_route { log(\"a response\"); }",
    ),
    entry(
        "onreply_route[name], failure_route[name], branch_route[name]",
        "Checked, but never run yet: they belong to transactions.",
        "route { exit; }\nfailure_route[busy] { exit; }",
    ),
    entry(
        "onsend_route, event_route[name]",
        "Checked, but never run: a warning says so, unless they are empty.",
        "route { exit; }\nonsend_route { }\nevent_route[core:worker-one-init] { }",
    ),
];

/// Statements.
const STATEMENTS: &[LanguageEntry] = &[
    entry(
        "if (condition) statement [else statement]",
        "Runs one of two statements. A call is true if its code is above 0.",
        "if (uri==myself) { exit; } else if (method==\"ACK\") exit; else { drop; }",
    ),
    entry(
        "while (condition) statement",
        "Repeats a statement, at most `max_while_loops` times.",
        "while ($var(i) < 3) { $var(i) = $var(i) + 1; }",
    ),
    entry(
        "switch (value) { case value: ... case /regex/: ... default: ... }",
        "Goes on behind the first label that fits, and through those that follow until `break`.",
        "switch ($rU) { case \"100\": exit; case /^9/: strip(1); break; default: drop; }",
    ),
    entry(
        "route(name)",
        "Runs a route block and comes back. Its code is what the block returns, 1 if it just \
         ends.",
        "if (route(1)) exit;",
    ),
    entry("return [number]", "Leaves the route block. `return 0` ends the script.", "return -1;"),
    entry(
        "break",
        "Leaves a `while` or `switch`, or else the route block.",
        "if (src_ip==myself) break;",
    ),
    entry("exit", "Ends the script.", "exit;"),
    entry("drop", "Ends the script; a response is not forwarded.", "drop;"),
    entry(
        "$variable = value",
        "Assigns; also `+=`, `-=`, `*=`, `/=`, `%=`, `|=`, `&=`, `^=`, `<<=`, `>>=`. `$null` \
         takes the value away.",
        "$var(count) = 1 + 2; $ru = \"sip:\" + $rU + \"@example.com\";",
    ),
    entry("{ ... }", "Several statements as one; a `;` behind it does nothing.", "{ exit; };"),
];

/// Bare words of conditions and arguments.
const WORDS: &[LanguageEntry] = &[
    entry(
        "method",
        "The method; of a response that of its request.",
        "if (method==\"INVITE\") exit;",
    ),
    entry("uri", "The Request-URI as rewritten so far.", "if (uri=~\"^sip:9\") exit;"),
    entry(
        "from_uri, to_uri",
        "The URIs in From and To.",
        "if (from_uri=~\"@example\\.com\") exit;",
    ),
    entry("status", "The status code of a response, as text.", "if (status=~\"^18\") exit;"),
    entry(
        "src_ip, dst_ip",
        "Where the message came from, and the address that it came to: compared with an \
         address, a network or `myself`.",
        "if (src_ip==192.0.2.0/24) exit;",
    ),
    entry("src_port, dst_port", "The ports of both.", "if (src_port==5060) exit;"),
    entry(
        "proto, af",
        "Transport and address family of the message.",
        "if (proto==UDP && af==INET) exit;",
    ),
    entry(
        "msg:len",
        "The length of the message in bytes; `max_len` stands for 4096.",
        "if (msg:len >= 4096) exit;",
    ),
    entry(
        "myself",
        "This server: its listen addresses, and `alias` names.",
        "if (!uri==myself) exit;",
    ),
    entry(
        "retcode, $rc",
        "What the last function or route block gave back.",
        "if (retcode < 0) exit;",
    ),
    entry(
        "uri:host, uri:port",
        "Host and port of the Request-URI, as arguments of `forward`.",
        "forward(uri:host, uri:port);",
    ),
];

/// Operators, loosest first.
const OPERATORS: &[LanguageEntry] = &[
    entry("||, or", "True if one of both is.", "if (method==\"ACK\" || method==\"BYE\") exit;"),
    entry("&&, and", "True if both are.", "if (method==\"ACK\" and uri==myself) exit;"),
    entry(
        "!, not",
        "True if what follows is not: `!uri==myself` means not (uri==myself).",
        "if (not uri==myself) exit;",
    ),
    entry(
        "==, !=, eq, ne",
        "Equal or not. A number equals a text that is this number.",
        "if ($rU != \"100\") exit;",
    ),
    entry(
        "=~, !~",
        "Matches a POSIX extended regular expression or not, without regard to case.",
        "if ($ru =~ \"^sip:[0-9]+@\") exit;",
    ),
    entry("<, <=, >, >=", "Compares numbers.", "if ($ml > 1300) exit;"),
    entry(
        "+, -, *, /, %, mod",
        "Calculates. `+` puts texts together if the left side is one.",
        "$var(x) = $ml mod 10;",
    ),
    entry("|, ^, &, ~, <<, >>", "Calculates with bits.", "if ($mf & 1) exit;"),
    entry("(int), (str)", "Makes a number or a text of a value.", "$var(x) = (int)$rU;"),
    entry(
        "defined, strlen(...), strempty(...)",
        "Whether a variable has a value; how long a text is; whether it is empty.",
        "if (defined $tt && strlen($tt) > 8) exit;",
    ),
];

/// The transformations: `$(variable{transformation})`, several one behind the other.
pub const TRANSFORMATIONS: &[LanguageEntry] = &[
    entry("{s.len}", "How long it is.", "$(ru{s.len})"),
    entry("{s.int}", "The number that it is.", "$(rU{s.int})"),
    entry("{s.tolower}, {s.toupper}", "In lower or upper case.", "$(rd{s.tolower})"),
    entry(
        "{s.substr,offset,length}",
        "A part; length 0: all the rest. A negative offset counts from the end.",
        "$(rU{s.substr,0,3})",
    ),
    entry(
        "{s.strip,count}, {s.striptail,count}",
        "Without the first or last bytes.",
        "$(rU{s.strip,2})",
    ),
    entry(
        "{s.stripto,byte}",
        "From the first such byte on; empty if there is none.",
        "$(rU{s.stripto,-})",
    ),
    entry(
        "{s.select,index,separator}",
        "The field at that place, from 0; from the back if negative.",
        "$(rU{s.select,1,-})",
    ),
    entry(
        "{s.index,text[,from]}",
        "Where a text occurs first; -1 if it does not.",
        "$(ru{s.index,@})",
    ),
    entry(
        "{s.after,byte}, {s.rafter,byte}",
        "What stands behind the first or last such byte; empty if there is none.",
        "$(ru{s.after,@})",
    ),
    entry(
        "{s.before,byte}, {s.rbefore,byte}",
        "What stands before the first or last such byte; all of it if there is none.",
        "$(rU{s.before,-})",
    ),
    entry("{s.count,byte}", "How often a byte occurs.", "$(ru{s.count,.})"),
    entry(
        "{s.replace,old,new}, {s.rm,text}",
        "Each occurrence replaced or removed.",
        "$(rU{s.replace,-,.})",
    ),
    entry(
        "{s.trim}, {s.ltrim}, {s.rtrim}",
        "Without white space at both ends or one.",
        "$(hdr(Subject){s.trim})",
    ),
    entry("{s.rmws}", "Without white space, wherever it stands.", "$(rU{s.rmws})"),
    entry(
        "{s.unquote}, {s.unbracket}",
        "Without the quotes, or the brackets of any kind, around it.",
        "$(fn{s.unquote})",
    ),
    entry("{s.numeric}", "The digits in it.", "$(rU{s.numeric})"),
    entry(
        "{s.prefixes[,length]}, {s.prefixes.quoted[,length]}",
        "All its beginnings, up to a length, with commas between them; quoted: each in single \
         quotes.",
        "$(rU{s.prefixes,3})",
    ),
    entry(
        "{s.fmtlines,width,indent}, {s.fmtlinet,width,indent}",
        "In lines of so many bytes, so many blanks, or tabs, at the start of each but the first.",
        "$(hdr(X-Long){s.fmtlines,72,2})",
    ),
    entry(
        "{s.ftime,format}",
        "Seconds since 1970 as a date and time, in a format of `strftime`; in the time zone that \
         held then.",
        "$(Ts{s.ftime,%Y-%m-%d %H:%M:%S})",
    ),
    entry(
        "{s.md5}, {s.sha256}, {s.sha384}, {s.sha512}",
        "The sum of that algorithm in hexadecimal.",
        "$(ru{s.md5})",
    ),
    entry("{s.encode.hexa}, {s.decode.hexa}", "To and from hexadecimal.", "$(rU{s.encode.hexa})"),
    entry(
        "{s.encode.base64}, {s.decode.base64}",
        "To and from base64 (RFC 4648 §4).",
        "$(rU{s.encode.base64})",
    ),
    entry(
        "{s.encode.base64t}, {s.decode.base64t}",
        "The same without `=` at the end.",
        "$(rU{s.encode.base64t})",
    ),
    entry(
        "{s.encode.base64url}, {s.decode.base64url}, {s.encode.base64urlt}, \
         {s.decode.base64urlt}",
        "To and from base64 with the alphabet for URLs (RFC 4648 §5), with or without `=` at the \
         end.",
        "$(rU{s.encode.base64urlt})",
    ),
    entry(
        "{s.encode.base58}, {s.decode.base58}",
        "To and from base 58, which has no characters that look alike; of up to 1,024 bytes.",
        "$(rU{s.encode.base58})",
    ),
    entry(
        "{s.encode.7bit}, {s.decode.7bit}",
        "To and from seven bits a byte, packed as in short messages, in hexadecimal.",
        "$(rU{s.encode.7bit})",
    ),
    entry(
        "{s.corehash[,size]}",
        "The number that Kamailio hashes texts to; with a size, a power of two, one below it.",
        "$(ci{s.corehash,16})",
    ),
    entry(
        "{s.escape.common}, {s.unescape.common}",
        "With and without backslashes before quotes and backslashes.",
        "$(fn{s.escape.common})",
    ),
    entry(
        "{s.escape.user}, {s.unescape.user}",
        "With and without `%` escapes of the user part (RFC 3261 §25.1).",
        "$(rU{s.escape.user})",
    ),
    entry(
        "{s.escape.param}, {s.unescape.param}",
        "With and without `%` escapes of URI parameters.",
        "$(rU{s.escape.param})",
    ),
    entry(
        "{s.urlencode.param}, {s.urldecode.param}",
        "With and without `%` escapes of the query of a URL (RFC 3986 §2.1). `+` is decoded to a \
         blank.",
        "$(rU{s.urlencode.param})",
    ),
    entry(
        "{s.escape.csv}",
        "As a field of a line of CSV: in double quotes, those in it twice (RFC 4180).",
        "$(hdr(Subject){s.escape.csv})",
    ),
    entry(
        "{uri.user}, {uri.host}, {uri.domain}, {uri.port}, {uri.passwd}, {uri.scheme}",
        "A part of a URI.",
        "$(fu{uri.host})",
    ),
    entry(
        "{uri.params}, {uri.param,name}, {uri.headers}",
        "Parameters and headers of a URI.",
        "$(ru{uri.param,transport})",
    ),
    entry(
        "{uri.transport}, {uri.lr}, {uri.maddr}, {uri.method}, {uri.r2}, {uri.ttl}, {uri.uparam}",
        "The value of that parameter; `uparam` is `user`.",
        "$(ru{uri.transport})",
    ),
    entry(
        "{uri.saor}, {uri.duri}, {uri.suri}",
        "The URI with less: scheme, user and host; scheme, host, port and transport; or all of \
         these.",
        "$(ru{uri.saor})",
    ),
    entry("{uri.tosocket}", "Where the URI leads, as `proto:host:port`.", "$(ru{uri.tosocket})"),
    entry(
        "{sock.proto}, {sock.host}, {sock.port}, {sock.touri}",
        "A part of `proto:host:port`, or all of it as a URI.",
        "$(sas{sock.touri})",
    ),
    entry(
        "{urialias.encode}, {urialias.decode}",
        "From a URI to `host~port~transport`, as the parameter `alias` has it, and back.",
        "$(ct{nameaddr.uri}{uri.param,alias}{urialias.decode})",
    ),
    entry(
        "{nameaddr.name}, {nameaddr.uri}, {nameaddr.params}, {nameaddr.len}",
        "A part of an address with a display name, of a list of them of the first. The length is \
         that of name and URI.",
        "$(hdr(From){nameaddr.uri})",
    ),
    entry(
        "{tobody.uri}, {tobody.tag}, {tobody.user}, {tobody.host}, {tobody.display}, \
         {tobody.params}",
        "A part of the value of a header field like To.",
        "$(hdr(To){tobody.user})",
    ),
    entry(
        "{param.value,name[,separator]}, {param.valueat,index}, {param.name,index}, \
         {param.in,name}, {param.count}",
        "A list of `name=value`, with `;` or another separator between them.",
        "$(hdr(X-List){param.value,mode})",
    ),
    entry(
        "{json.parse,path}",
        "The value at a place of a JSON document, `a.b[0]`, a string without its quotes; empty if \
         there is none. A dot within a name is written `%2E`.",
        "$(rb{json.parse,caller.number})",
    ),
    entry(
        "{url.path}, {url.querystring}",
        "What stands before and behind the question mark of a URL.",
        "$(hdr(X-Url){url.path})",
    ),
    entry(
        "{line.at,index}, {line.sw,text}, {line.count}",
        "A line, from 0 or from the back if negative; the first that starts with a text; how many \
         there are.",
        "$(rb{line.at,0})",
    ),
    entry(
        "{re.subst,/regex/text/flags}",
        "What a substitution makes of it.",
        "$(rU{re.subst,/^00//})",
    ),
    entry("{val.n0}, {val.ne}", "0, or the empty text, if it is `$null`.", "$(avp(x){val.n0})"),
    entry(
        "{val.json}, {val.jsonqe}",
        "As the inside of a string of JSON, empty for `$null`; or with the quotes around it, \
         numbers as they are.",
        "$(avp(x){val.jsonqe})",
    ),
    entry(
        "{sql.val}, {sql.val.int}, {sql.val.str}",
        "As a value of SQL: a text in single quotes, with backslashes before what would end it. \
         `$null` is `NULL`, `0`, or `''`.",
        "$(avp(x){sql.val})",
    ),
];
