//! `kex`: Functions of the core that are no keywords. They can be called without `loadmodule`.

use super::table::{function, required_text, text, verdict};
use crate::script::{FunctionSpec, ModuleSpec, TRUE};

/// The module.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    built_in: true,
    functions: FUNCTIONS,
    ..ModuleSpec::new("kex", "Functions of the core that are no keywords.")
};

/// The functions.
const FUNCTIONS: &[FunctionSpec] = &[
    function(
        "is_myself",
        &[required_text("uri")],
        "Whether the host and port of a URI are this server.",
        r#"if (is_myself("$ru")) exit;"#,
        |execution, arguments| verdict(execution.is_myself(text(arguments, 0))),
    ),
    FunctionSpec {
        aliases: &["set_reply_close", "set_forward_no_connect", "set_forward_close"],
        ..function(
            "set_reply_no_connect",
            &[],
            "About connections; UDP has none, so that nothing is changed.",
            "set_reply_no_connect();",
            |_, _| TRUE,
        )
    },
];

#[cfg(test)]
mod tests {
    use crate::modules::testing::over;
    use crate::script::{FALSE, TRUE};

    #[test]
    fn own_addresses_are_known() {
        over("OPTIONS sip:a@b SIP/2.0\nTo: a\n\n", |trial| {
            for (uri, code) in [
                ("sip:a@192.0.2.1", TRUE),
                ("sip:192.0.2.1:5060;lr", TRUE),
                ("sip:192.0.2.1:5070", FALSE),
                ("192.0.2.1", FALSE),
            ] {
                assert_eq!(trial.run("is_myself", &[uri]), code, "{uri}");
            }
        });
    }
}
