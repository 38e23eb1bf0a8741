//! How functions and pseudo-variables differ from those of the same name in SER and Kamailio, for
//! people. What is not named here does the same, as far as is known; what is missing altogether
//! is in `missing`.

/// How something compares with what has the same name elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compatibility {
    /// It does something else: what.
    Differs(&'static str),
    /// There is no such thing elsewhere: where it comes from.
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

/// The functions that are not the same.
const FUNCTIONS: &[Line] = &[
    differs("core", "setbflag", "Only the first branch has flags."),
    differs("core", "resetbflag", "Only the first branch has flags."),
    differs("core", "isbflagset", "Only the first branch has flags."),
    differs(
        "core",
        "forward",
        "Host names have addresses only (no SRV and NAPTR records). Max-Forwards is counted \
         down here if the script has not done so. The branch of our Via is a keyed hash, and \
         responses that do not fit are dropped.",
    ),
    differs("core", "force_tcp_alias", "There is only UDP, so that nothing is changed."),
    differs(
        "core",
        "force_send_socket",
        "An address that is not listened to makes it FALSE when it is called; Kamailio refuses \
         the script.",
    ),
    differs("pv", "typeof", "The types are `int`, `str` and `null`: there are no XAVPs."),
    ("primisip", "print", Compatibility::Own("Of PrimiSIP.")),
    ("primisip", "print_locations", Compatibility::Own("Of PrimiSIP.")),
    ("primisip", "save", Compatibility::Own("Of PrimiSIP.")),
    differs("sl", "sl_send_reply", "`send_reply` is stateless too, as there are no transactions."),
    differs(
        "registrar",
        "save",
        "Contacts are kept in memory only. One that asks for less than `min_expires` is refused \
         with 423 (RFC 3261 §10.3); Kamailio raises it.",
    ),
    differs("registrar", "save_memory", "Contacts are always kept in memory only."),
    differs(
        "registrar",
        "lookup",
        "Contacts are not chosen by the methods they allow: the code is -1 if there is none, \
         never -2.",
    ),
    differs("registrar", "registered", "The third and fourth parameter are not there."),
    differs(
        "registrar",
        "unregister",
        "Always removes all contacts: the third parameter, a contact, is not there.",
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
    differs("kex", "set_reply_no_connect", "There is only UDP, so that nothing is changed."),
];

/// The pseudo-variables that are not the same.
const VARIABLES: &[Line] = &[
    differs("pv", "bF", "Only the first branch has flags."),
    differs("pv", "bf", "Only the first branch has flags."),
    differs("pv", "sel", "Only `cfg_get` can be selected."),
    differs("pv", "snd", "The keys are `ip` and `port`."),
    differs("pv", "Tf", "In UTC, not in local time."),
    ("pv", "headers", Compatibility::Own("Of PrimiSIP.")),
    ("pv", "method", Compatibility::Own("Of PrimiSIP.")),
    ("pv", "mline", Compatibility::Own("Of PrimiSIP.")),
    ("pv", "sendhdr", Compatibility::Own("Of PrimiSIP.")),
    ("primisip", "location", Compatibility::Own("Of PrimiSIP.")),
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
