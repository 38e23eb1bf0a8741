//! The parameters of `registrar`.

use std::borrow::Cow;
use std::sync::Arc;

use super::super::table::{
    accepted_number, accepted_text, avp_name, number, number_setting, text_setting,
};
use crate::limits::{BINDING_BYTES_MAX, CONTACT_COUNT_MAX};
use crate::location::{PathMode, RegistrarConfig};
use crate::script::ast::GlobalValue;
use crate::script::{ModuleConfig, SettingSpec};

/// Says of a parameter that expiry is what the phone asked for.
const NO_RANGE: &str = "Not heeded: a binding ends when its phone was told.";

/// Says of a parameter that its kind of variable has no say here.
const NO_AVP: &str = "Not heeded: the registrar reads and writes no such attribute.";

/// Says of a parameter that it is about RFC 5626 or RFC 5627.
const NO_OUTBOUND: &str = "Changes nothing: GRUU and outbound are not supported.";

/// The parameters.
pub(super) const SETTINGS: &[SettingSpec] = &[
    number_setting("default_expires", "Seconds of a contact that asks for none."),
    number_setting(
        "min_expires",
        "Fewest seconds of a contact: one that asks for fewer, but not for 0, gets these. 0: no \
         minimum.",
    ),
    number_setting(
        "min_expires_mode",
        "1: a contact that asks for fewer than min_expires is answered 423 with this number in \
         Min-Expires (RFC 3261 §10.3); an hour or more is never too brief. 0: it is raised.",
    ),
    number_setting("max_expires", "Most seconds of a contact; more are lowered. 0: no maximum."),
    number_setting(
        "max_contacts",
        "Most contacts of a user; a REGISTER for more is answered 503. 0: as many as can be.",
    ),
    number_setting("contact_max_size", "Most bytes of a Contact URI; longer ones are refused."),
    number_setting("default_q", "q of a contact that has none, in thousandths. -1: none."),
    number_setting(
        "append_branches",
        "1: lookup makes branches of all contacts but the best one. 0: it forgets them.",
    ),
    number_setting("case_sensitive", "1: Bob and bob are different users. 0: they are one."),
    text_setting("realm_prefix", "Taken off the front of the domain of a user."),
    text_setting(
        "received_param",
        "Name of the Contact parameter that tells, in the answer, the stored source address. \
         Empty: it is not told.",
    ),
    number_setting("use_path", "1: Path is stored, and used by lookup (RFC 3327). 0: it is not."),
    number_setting(
        "path_mode",
        "With use_path, 0: the path is not told in the answer. 1: it is told to who supports it. \
         2: who does not support it is answered 420.",
    ),
    number_setting("retry_after", "Seconds of the Retry-After in a 503. 0: none."),
    accepted_number("default_expires_range", NO_RANGE),
    accepted_number("expires_range", NO_RANGE),
    accepted_number("expires_max_deviation", NO_RANGE),
    text_setting(
        "received_avp",
        "The attribute, `$avp(name)`, with the URI that requests to the contacts of a REGISTER \
         are sent to instead of the Contact URI. If it is set when `save` is called, it is \
         stored; `lookup` makes it `$du`.",
    ),
    accepted_text("aor_avp", NO_AVP),
    accepted_text("reg_callid_avp", NO_AVP),
    accepted_text("mcontact_avp", NO_AVP),
    accepted_text("attr_avp", NO_AVP),
    text_setting(
        "xavp_cfg",
        "Name of the attribute whose members say what holds for one message: `max_contacts` and \
         `q` for `save`, `match_callid`, `match_received` and `match_contact` for `registered`.",
    ),
    text_setting(
        "xavp_rcd",
        "Name of the attribute in which `registered` and `lookup` tell the contact that they \
         found: `ruid`, `contact`, `expires`, `received`.",
    ),
    accepted_number("xavp_rcd_mask", "Changes nothing: all is told that there is."),
    accepted_number("gruu_enabled", NO_OUTBOUND),
    accepted_number("disable_gruu", NO_OUTBOUND),
    accepted_text("gruu_secret", NO_OUTBOUND),
    accepted_number("outbound_mode", "Not heeded: outbound is not supported."),
    accepted_number("regid_mode", "Not heeded: outbound is not supported."),
    accepted_number("flow_timer", NO_OUTBOUND),
    accepted_number("path_use_received", "Not heeded: the path itself is used."),
    accepted_number("path_check_local", "Not heeded: each server has tables of its own."),
    accepted_number("sock_flag", "Not heeded: a REGISTER came in where it came in."),
    accepted_text("sock_hdr_name", "Not heeded: a REGISTER came in where it came in."),
    accepted_number("method_filtering", "Not heeded: lookup returns all contacts."),
    accepted_number("lookup_filter_mode", "Not heeded: lookup returns all contacts."),
    accepted_number("sock_mode", "Not heeded: a REGISTER came in where it came in."),
    accepted_number("use_expired_contacts", "Not heeded: expired contacts are out of use."),
    accepted_number("nat_flag", "Changes nothing: a stored source address says as much."),
    accepted_number("tcp_persistent_flag", "Changes nothing: connections have their own time."),
    number_setting("desc_time_order", "As the parameter of that name of usrloc."),
    accepted_number("use_domain", "Changes nothing: it is a parameter of usrloc."),
    accepted_number("save_nat_flag", "Changes nothing: a stored source address says as much."),
    accepted_number("load_nat_flag", "Changes nothing: a stored source address says as much."),
    accepted_text("event_callback", "Not heeded: there are no event routes of contacts."),
];

/// Seconds that a parameter may say: ten years.
const SECONDS_MAX: i64 = 315_360_000;

/// Reads the module parameters.
pub(super) fn configure(values: &[(&str, GlobalValue)]) -> Result<ModuleConfig, (usize, String)> {
    let mut config = RegistrarConfig::default();
    let (mut use_path, mut path_mode) = (false, PathMode::Strict);
    for (position, (name, value)) in values.iter().enumerate() {
        let misfit = |text| (position, text);
        let seconds = || number(name, value, 0, SECONDS_MAX).map_err(misfit);
        let is_on = || number(name, value, 0, 1).map(|on: u8| on == 1).map_err(misfit);
        let count = |most: usize| {
            let most_int = i64::try_from(most).unwrap_or(i64::MAX);
            let count: usize = number(name, value, 0, most_int).map_err(misfit)?;
            Ok(if count == 0 { most } else { count })
        };
        match *name {
            "default_expires" => config.default_expires = seconds()?,
            "min_expires" => config.min_expires = seconds()?,
            "max_expires" => config.max_expires = seconds()?,
            "retry_after" => config.retry_after = seconds()?,
            "max_contacts" => config.contact_count_max = count(CONTACT_COUNT_MAX)?,
            "contact_max_size" => config.contact_bytes_max = count(BINDING_BYTES_MAX)?,
            "default_q" => {
                let q: i16 = number(name, value, -1, 1_000).map_err(misfit)?;
                config.default_q = u16::try_from(q).ok();
            }
            "append_branches" => config.append_branches = is_on()?,
            "min_expires_mode" => config.refuses_brief = is_on()?,
            "desc_time_order" => config.newest_first = is_on()?,
            "case_sensitive" => config.case_sensitive = is_on()?,
            "use_path" => use_path = is_on()?,
            "path_mode" => {
                path_mode = match number(name, value, 0, 2).map_err(misfit)? {
                    0_u8 => PathMode::Off,
                    1 => PathMode::Lazy,
                    _ => PathMode::Strict,
                }
            }
            "realm_prefix" => config.realm_prefix = bytes(value),
            "received_avp" => {
                let fault = || (position, "received_avp must be `$avp(name)`".to_owned());
                config.received_avp = avp_name(value).ok_or_else(fault)?.into_vec().into();
            }
            "received_param" => config.received_param = bytes(value),
            "xavp_cfg" => config.xavp_cfg = bytes(value),
            "xavp_rcd" => config.xavp_rcd = bytes(value),
            _ => {}
        }
    }
    config.path = use_path.then_some(path_mode);
    Ok(Arc::new(config))
}

/// The text that a parameter was set to.
fn bytes(value: &GlobalValue) -> Cow<'static, [u8]> {
    Cow::Owned(match value {
        GlobalValue::Text(text) => text.clone(),
        GlobalValue::Word(word) => word.as_bytes().to_vec(),
        GlobalValue::Int(number) => number.to_string().into_bytes(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(values: &[(&str, GlobalValue)]) -> RegistrarConfig {
        configure(values).unwrap().downcast_ref::<RegistrarConfig>().unwrap().clone()
    }

    #[test]
    fn parameters_are_read() {
        let int = GlobalValue::Int;
        assert_eq!(config(&[]), RegistrarConfig::DEFAULT);
        let zero = config(&[("max_contacts", int(0)), ("default_q", int(-1))]);
        assert_eq!(zero, RegistrarConfig::DEFAULT);
        let read = config(&[
            ("default_q", int(500)),
            ("max_contacts", int(3)),
            ("path_mode", int(1)),
            ("use_path", int(1)),
            ("realm_prefix", GlobalValue::Text(b"sip.".to_vec())),
        ]);
        assert_eq!((read.default_q, read.contact_count_max), (Some(500), 3));
        assert_eq!(read.path, Some(PathMode::Lazy));
        assert_eq!(&*read.realm_prefix, b"sip.");
        assert_eq!(config(&[("path_mode", int(1))]).path, None);
    }

    #[test]
    fn values_out_of_range_are_told() {
        for (name, number, text) in [
            ("max_contacts", 101, "max_contacts must be a number from 0 to 100"),
            ("default_q", 1_001, "default_q must be a number from -1 to 1000"),
            ("path_mode", 3, "path_mode must be a number from 0 to 2"),
            ("min_expires", -1, "min_expires must be a number from 0 to 315360000"),
        ] {
            let told = configure(&[(name, GlobalValue::Int(number))]).unwrap_err();
            assert_eq!(told, (0, text.to_owned()));
        }
    }

    #[test]
    fn parameters_are_named_once() {
        for (position, setting) in SETTINGS.iter().enumerate() {
            let mut earlier = SETTINGS[..position].iter();
            assert!(earlier.all(|other| other.name != setting.name), "{}", setting.name);
        }
    }
}
