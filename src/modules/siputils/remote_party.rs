//! Remote-Party-ID of an attribute: who calls, as a peer is to be told.

use super::super::table::{function, required_text, text, verdict};
use super::{Config, is_e164};
use crate::modules::textops::lines;
use crate::script::{Execution, FALSE, FunctionSpec, ReturnCode};
use crate::sip::{NameAddr, Uri};

/// The functions.
pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    function(
        "append_rpid_hf",
        &[],
        "Adds a Remote-Party-ID header field with the value of the attribute that `rpid_avp` \
         names, between `rpid_prefix` and `rpid_suffix`. False if the attribute has no value.",
        "append_rpid_hf();",
        |execution, _| {
            let (prefix, suffix) = config(execution).map_or(DEFAULT_AFFIXES, |config| {
                (&*config.rpid_prefix, config.rpid_suffix.as_deref().unwrap_or(RPID_SUFFIX))
            });
            append(execution, prefix, suffix)
        },
    ),
    function(
        "append_rpid_hf",
        &[required_text("prefix"), required_text("suffix")],
        "The same, between these texts.",
        r#"append_rpid_hf("<", ">;party=calling");"#,
        |execution, arguments| append(execution, text(arguments, 0), text(arguments, 1)),
    ),
    function(
        "is_rpid_user_e164",
        &[],
        "Whether the user of the URI in the attribute that `rpid_avp` names is a telephone number \
         such as +41215509000.",
        "if (is_rpid_user_e164()) append_rpid_hf();",
        |execution, _| verdict(user(execution).is_some_and(is_e164)),
    ),
];

/// What stands behind the value if `rpid_suffix` is not set.
const RPID_SUFFIX: &[u8] = b";party=calling;id-type=subscriber;screen=yes";

/// What stands around it if nothing is set.
const DEFAULT_AFFIXES: (&[u8], &[u8]) = (b"", RPID_SUFFIX);

/// What the parameters say.
fn config<'m>(execution: &Execution<'m>) -> Option<&'m Config> {
    execution.program.config()
}

/// The value of the attribute; `None` if it has none.
fn party<'m>(execution: &Execution<'m>) -> Option<&'m [u8]> {
    let name = config(execution).map_or(&b"rpid"[..], |config| &config.rpid_avp);
    let party = execution.text(execution.avp(name, 0));
    (!party.is_empty()).then_some(party)
}

/// The user of the URI in it.
fn user<'m>(execution: &Execution<'m>) -> Option<&'m [u8]> {
    let party = party(execution)?;
    let uri = NameAddr::parse(party).map_or(party, |address| address.uri);
    Uri::parse(uri).ok()?.user
}

/// Adds the header field.
fn append<'m>(execution: &mut Execution<'m>, prefix: &'m [u8], suffix: &'m [u8]) -> ReturnCode {
    let Some(party) = party(execution) else { return FALSE };
    let parts = [b"Remote-Party-ID: ", prefix, party, suffix];
    let Some(line) = lines(execution, &parts) else { return FALSE };
    let at = execution.transit.message.headers_end();
    verdict(execution.transit.edits.insert(at, line))
}
