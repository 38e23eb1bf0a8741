//! How functions and pseudo-variables differ from those of the same name in Kamailio 5.6, for
//! people. What is not named here does the same, as far as is known; what is missing altogether
//! is in `missing`.

/// How something compares with what has the same name elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compatibility {
    /// It does something else: what.
    Differs(&'static str),
    /// Kamailio 5.6 has no such thing: who has it.
    Own(&'static str),
    /// No difference is known.
    Same,
}

/// How the function of that module compares.
#[must_use]
pub fn function_compatibility(module: &str, name: &str) -> Compatibility {
    find(FUNCTIONS, module, name)
}

/// How the pseudo-variable of that module compares.
#[must_use]
pub fn variable_compatibility(module: &str, name: &str) -> Compatibility {
    find(VARIABLES, module, name)
}

/// A line of a table: module, name, how it compares.
type Line = (&'static str, &'static str, Compatibility);

/// What a table says.
fn find(table: &[Line], module: &str, name: &str) -> Compatibility {
    let line = table.iter().find(|(of, called, _)| *of == module && *called == name);
    line.map_or(Compatibility::Same, |line| line.2)
}

/// A function or variable that does something else.
const fn differs(module: &'static str, name: &'static str, how: &'static str) -> Line {
    (module, name, Compatibility::Differs(how))
}

/// A function or variable that Kamailio 5.6 does not have.
const fn own(module: &'static str, name: &'static str, whose: &'static str) -> Line {
    (module, name, Compatibility::Own(whose))
}

/// What is said of functions whose text Kamailio takes as it is.
const REPLACES: &str = "Variables in the text are replaced; Kamailio takes it as it is.";

/// The functions that are not the same.
const FUNCTIONS: &[Line] = &[
    own("core", "len_gt", "Of SER."),
    own("core", "send", "Of SER."),
    own("siputils", "contact_param_check", "Of later ones."),
    differs(
        "rr",
        "loose_route",
        "True also if our Route was the only one of a request outside a dialog; Kamailio gives \
         back -3 then.",
    ),
    differs("cfgutils", "abort", "The run of the script ends; Kamailio itself ends."),
    differs("cfgutils", "pkg_status", "There are no memory pools, so that nothing is written."),
    differs("kex", "setdebug", "Holds until the script is loaded again, too."),
    differs("corex", "send_udp", NOT_TO_US),
    differs("corex", "send_data", NOT_TO_US),
    differs("corex", "sendx", NOT_TO_US),
    differs(
        "corex",
        "via_add_xavp_params",
        "What the attribute has when this is called counts; Kamailio looks at it when the request \
         is sent.",
    ),
    differs(
        "corex",
        "via_use_xavp_fields",
        "What the attribute has when this is called counts. It has an effect on `forward()`, too, \
         which it has not in Kamailio.",
    ),
    differs("sl", "send_reply_mode", "Stateless whatever the mode, as there are no transactions."),
    differs(
        "registrar",
        "reg_send_reply",
        "False if `save` has kept no answer; Kamailio sends a 200 then.",
    ),
    own("registrar", "save_noreply", "Of SER and OpenSER."),
    own("textops", "subst_v", "Of later ones."),
    differs("textops", "replace", REPLACES),
    differs("textops", "replace_all", REPLACES),
    differs("textops", "replace_hdrs", REPLACES),
    differs("textops", "replace_body", REPLACES),
    differs("textops", "replace_body_all", REPLACES),
    differs("textops", "replace_body_atonce", REPLACES),
    differs("textops", "search_append", REPLACES),
    differs("textops", "search_append_body", REPLACES),
    differs("textops", "append_urihf", REPLACES),
    differs("textops", "is_method", "With regard to case, which Kamailio leaves out of account."),
    differs("textopsx", "remove_body", "Content-Type goes, too; Kamailio leaves it."),
    differs("maxfwd", "mf_process_maxfwd_header", "Counts once; in Kamailio each call counts."),
    differs(
        "textops",
        "filter_body",
        "Header fields of the part that stand behind its Content-Type are not left in the body.",
    ),
    differs("textops", "get_body_part_raw", "The delimiter behind the part is not in the result."),
    differs(
        "textops",
        "remove_body_part",
        "What stands before the first part stays; Kamailio removes it.",
    ),
    differs(
        "textops",
        "append_body_part",
        "False if the content would end the part; what stands before the first part stays.",
    ),
    differs(
        "textops",
        "append_body_part_hex",
        "False if the content would end the part; what stands before the first part stays.",
    ),
    differs(
        "textops",
        "set_body_multipart",
        "The body ends with the closing delimiter, and Content-Type names the new boundary also if \
         the body was multipart before; Kamailio leaves out the one and keeps the old other.",
    ),
    own("textops", "str_any_in", "Of later ones."),
    own("textops", "str_all_in", "Of later ones."),
    differs("cfgutils", "sleep", NO_WAITING),
    differs("cfgutils", "usleep", NO_WAITING),
    differs(
        "cfgutils",
        "lock",
        "The run waits, not the process, and gives up after four seconds. A lock ends with its \
         run, and may be taken again by the run that has it.",
    ),
    differs("cfgutils", "trylock", "A lock ends with its run."),
    differs("cfgutils", "unlock", "Only the run that has a lock can give it back."),
    differs("cfgutils", "rand_event", "The probability may be given in the call."),
    differs(
        "core",
        "forward",
        "Names are looked up when a request goes to them; Kamailio looks those in the script up \
         when it starts. The weights of SRV records always count, and one server is used for \
         all of a transaction; NAPTR records are not asked for. Max-Forwards is counted down \
         here if the script has not done so. What has a `sips:` Request-URI goes by TLS, or not at \
         all. The branch of our Via is a keyed hash, and \
         responses that do not fit are dropped.",
    ),
    differs("core", "force_tcp_alias", NO_ALIAS),
    differs(
        "core",
        "force_send_socket",
        "An address that is not listened to makes it false when it is called; Kamailio refuses \
         the script.",
    ),
    differs(
        "siputils",
        "sip_p_charging_vector",
        "The new value is the same for all requests of a call; Kamailio counts.",
    ),
    differs(
        "textopsx",
        "msg_apply_changes",
        "False, and nothing changes, if the message would be malformed then; Kamailio drops it.",
    ),
    differs(
        "textopsx",
        "msg_set_buffer",
        "False, and nothing changes, if the text is no message; Kamailio drops it.",
    ),
    differs(
        "rr",
        "record_route",
        "Of a request to a `sips:` URI, our URI is a `sips:` one on the sides that are TLS; \
         Kamailio writes it on both.",
    ),
    differs("pv", "typeof", "The types are `int`, `str` and `null`; Kamailio also has `xavp`."),
    own("primisip", "print", "Of PrimiSIP."),
    own("primisip", "print_locations", "Of PrimiSIP."),
    own("primisip", "save", "Of PrimiSIP."),
    differs("sl", "sl_send_reply", "`send_reply` is stateless too, as there are no transactions."),
    differs(
        "registrar",
        "save",
        "Contacts are kept in memory only. Where domains do not count, URIs without user are \
         still told apart by theirs; in Kamailio they are all the same.",
    ),
    own("registrar", "save_memory", "Of SER and OpenSER."),
    differs(
        "registrar",
        "lookup",
        "A contact whose q changes goes to its place, the highest first; in Kamailio it is put \
         where the lowest comes first. Contacts are not chosen by the methods they allow: the \
         code is -1 if there is none, never -2. For a `sips:` Request-URI only `sips:` contacts \
         are found.",
    ),
    differs(
        "registrar",
        "registered",
        "The match action 1 does nothing: no attributes are stored with a contact.",
    ),
    differs(
        "textops",
        "append_hf",
        "A text that is no header line is refused, so that values of variables cannot end the \
         header.",
    ),
    differs(
        "textops",
        "insert_hf",
        "A text that is no header line is refused, so that values of variables cannot end the \
         header.",
    ),
    differs(
        "sanity",
        "sanity_check",
        "The checks 1, 8 and 16 hold for every message before the script runs; 2048 and 8192 \
         (credentials) are accepted and check nothing.",
    ),
    differs("exec", "exec_avp", A_WORD),
    differs("exec", "exec_cmd", A_WORD),
    differs("exec", "exec_dset", A_WORD),
    differs("exec", "exec_msg", A_WORD),
    differs(
        "kex",
        "set_reply_no_connect",
        "Changes nothing: a response whose connection is gone goes by a new one to the address in \
         Via (RFC 3261 §18.2.2).",
    ),
];

/// How functions differ that send by themselves.
const NOT_TO_US: &str = "False if it would go to this server, as nothing would end that.";

/// How the function differs that makes an alias of a connection.
const NO_ALIAS: &str = "Changes nothing: requests to the very address that a connection came from \
                        go by it, others do not.";

/// How functions differ that let a run wait.
const NO_WAITING: &str = "The run waits, not the process: other messages are worked on meanwhile.";

/// What the functions of `exec` do otherwise.
const A_WORD: &str = "A variable in the command becomes a word of it, or a part of one; Kamailio \
                      gives its value to the shell as text of the command.";

/// How variables differ that are kept.
const LEFT_BEHIND: &str = "Starts anew with each message; in Kamailio it has what the process left \
                           in it.";

/// How the transport of a URI differs.
const SECURE_TRANSPORT: &str = "`TLS` of a `sips:` URI without a transport; Kamailio has `UDP`.";

/// The pseudo-variables that are not the same.
const VARIABLES: &[Line] = &[
    differs("pv", "af", "Kamailio 5.6 refuses it without something in parentheses."),
    differs("pv", "ds", "Has the Request-URI also if it was not changed."),
    differs("pv", "hfl", "Splits every header field; Kamailio those that it knows to be lists."),
    own("pv", "oz", "Of later ones."),
    differs("pv", "oP", SECURE_TRANSPORT),
    differs("pv", "rP", SECURE_TRANSPORT),
    differs("pv", "dP", SECURE_TRANSPORT),
    differs("pv", "rcv", "Tells about the message at hand; Kamailio only in some event routes."),
    differs("pv", "sel", "Not all selects are there; those that are not are errors of the script."),
    differs(
        "pv",
        "snd",
        "Tells about `$du` or else `$ru`, whenever it is read; Kamailio only in `onsend_route`.",
    ),
    differs(
        "pv",
        "sndfrom",
        "Known whenever it is read; Kamailio knows it only in `onsend_route`.",
    ),
    differs("pv", "sndto", "As `$snd`."),
    differs("pv", "var", LEFT_BEHIND),
    differs("pv", "vn", LEFT_BEHIND),
    own("pv", "headers", "Of PrimiSIP."),
    own("pv", "method", "Of PrimiSIP."),
    own("pv", "mline", "Of PrimiSIP."),
    own("pv", "sendhdr", "Of PrimiSIP."),
    own("primisip", "location", "Of PrimiSIP."),
];

#[cfg(test)]
mod tests {
    use super::super::REGISTRY;
    use super::*;

    #[test]
    fn what_differs_is_there() {
        for (module, name, _) in FUNCTIONS {
            let mut all = REGISTRY.functions();
            assert!(all.any(|(of, it)| of.name == *module && it.name == *name), "{module}.{name}");
        }
        for (module, name, _) in VARIABLES {
            let mut all = REGISTRY.variables();
            assert!(all.any(|(of, it)| of.name == *module && it.name == *name), "{module}.${name}");
        }
    }

    #[test]
    fn differences_are_told_in_sentences_and_once() {
        for table in [FUNCTIONS, VARIABLES] {
            for (position, (module, name, how)) in table.iter().enumerate() {
                let mut earlier = table[..position].iter();
                assert!(earlier.all(|(of, it, _)| (of, it) != (module, name)), "{module}.{name}");
                let (Compatibility::Differs(text) | Compatibility::Own(text)) = how else {
                    continue;
                };
                assert!(text.ends_with('.'), "{module}.{name}: {text}");
            }
        }
    }
}
