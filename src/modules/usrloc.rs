//! `usrloc`: The user location tables.

use std::sync::Arc;

use super::table::{accepted_number, accepted_text, number, number_setting};
use crate::location::UsrlocConfig;
use crate::script::ast::GlobalValue;
use crate::script::{ModuleConfig, ModuleSpec, SettingSpec};

/// The module.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    settings: SETTINGS,
    fixed: &[("use_domain", "0")],
    configure: Some(configure),
    knows_defaults: true,
    ..ModuleSpec::new("usrloc", "The user location tables.")
};

/// Says of a parameter that there is no database.
const NO_DATABASE: &str = "Changes nothing: the tables are kept in memory only.";

/// Says of a parameter that it names a column.
const NO_COLUMN: &str = "Changes nothing: there is no database that has columns.";

/// Says of a parameter that it is about OPTIONS sent to contacts.
const NO_PROBES: &str = "Changes nothing: contacts are not probed.";

/// The parameters.
const SETTINGS: &[SettingSpec] = &[
    number_setting(
        "use_domain",
        "1: users of several domains are told apart. 0: by their names alone.",
    ),
    number_setting(
        "timer_interval",
        "Seconds in which the tables are swept once for expired contacts, a few at a time. A \
         contact is out of use as soon as it has expired, swept or not.",
    ),
    accepted_number("db_mode", "Not heeded: the tables are kept in memory only, as with 0."),
    accepted_text("db_url", NO_DATABASE),
    accepted_number("db_load", NO_DATABASE),
    accepted_number("db_insert_update", NO_DATABASE),
    accepted_number("db_update_as_insert", NO_DATABASE),
    accepted_number("db_check_update", NO_DATABASE),
    accepted_number("db_ops_ruid", NO_DATABASE),
    accepted_number("db_raw_fetch_type", NO_DATABASE),
    accepted_number("db_insert_null", NO_DATABASE),
    accepted_number("db_timer_clean", NO_DATABASE),
    accepted_number("fetch_rows", NO_DATABASE),
    accepted_number("timer_procs", NO_DATABASE),
    accepted_text("user_column", NO_COLUMN),
    accepted_text("domain_column", NO_COLUMN),
    accepted_text("contact_column", NO_COLUMN),
    accepted_text("expires_column", NO_COLUMN),
    accepted_text("q_column", NO_COLUMN),
    accepted_text("callid_column", NO_COLUMN),
    accepted_text("cseq_column", NO_COLUMN),
    accepted_text("method_column", NO_COLUMN),
    accepted_text("methods_column", NO_COLUMN),
    accepted_text("flags_column", NO_COLUMN),
    accepted_text("cflags_column", NO_COLUMN),
    accepted_text("state_column", NO_COLUMN),
    accepted_text("replicate_column", NO_COLUMN),
    accepted_text("user_agent_column", NO_COLUMN),
    accepted_text("received_column", NO_COLUMN),
    accepted_text("socket_column", NO_COLUMN),
    accepted_text("path_column", NO_COLUMN),
    accepted_text("ruid_column", NO_COLUMN),
    accepted_text("instance_column", NO_COLUMN),
    accepted_text("server_id_column", NO_COLUMN),
    accepted_text("connection_id_column", NO_COLUMN),
    accepted_text("keepalive_column", NO_COLUMN),
    accepted_text("partition_column", NO_COLUMN),
    accepted_text("last_modified_column", NO_COLUMN),
    accepted_text("uid_column", NO_COLUMN),
    number_setting(
        "desc_time_order",
        "0: of the contacts of a user the one with the highest q comes first, of those with the \
         same q the oldest. 1: the newest comes first, whatever its q.",
    ),
    accepted_number(
        "matching_mode",
        "Not heeded: contacts are the same if their URIs are (RFC 3261 §19.1.4).",
    ),
    accepted_number(
        "cseq_delay",
        "Changes nothing: a retransmitted REGISTER is known by its Call-ID and CSeq.",
    ),
    accepted_number("hash_size", "Changes nothing: tables grow as they need."),
    accepted_text("preload", "Changes nothing: tables come to be when they are first used."),
    accepted_number("nat_bflag", "Changes nothing: a stored source address says as much."),
    accepted_text("xavp_contact", "Not heeded: contacts have no XAVPs."),
    accepted_number("handle_lost_tcp", "Not heeded: contacts do not end with connections."),
    accepted_number("close_expired_tcp", "Not heeded: connections do not end with contacts."),
    accepted_number("expires_type", "Changes nothing: expiry is kept in memory."),
    accepted_number("skip_remote_socket", "Changes nothing: there are no remote sockets."),
    accepted_number("server_id_filter", NO_DATABASE),
    accepted_number("rm_expired_delay", "Changes nothing: see timer_interval."),
    accepted_number("reg_avp_flag", "Not heeded: contacts have no AVPs."),
    accepted_text("reg_avp_table", "Not heeded: contacts have no AVPs."),
    accepted_number("db_clean_tcp", NO_DATABASE),
    accepted_number("load_rank", NO_DATABASE),
    accepted_text("version_table", NO_DATABASE),
    accepted_text("reg_id_column", NO_COLUMN),
    accepted_number("ka_mode", "Not heeded: contacts are not probed."),
    accepted_text("ka_domain", NO_PROBES),
    accepted_number("ka_filter", NO_PROBES),
    accepted_text("ka_from", NO_PROBES),
    accepted_number("ka_loglevel", NO_PROBES),
    accepted_text("ka_logmsg", NO_PROBES),
    accepted_text("ka_method", NO_PROBES),
    accepted_number("ka_timeout", NO_PROBES),
];

/// Reads the module parameters.
fn configure(values: &[(&str, GlobalValue)]) -> Result<ModuleConfig, (usize, String)> {
    let mut config = UsrlocConfig::default();
    for (position, (name, value)) in values.iter().enumerate() {
        let number =
            |least, most| number(name, value, least, most).map_err(|text| (position, text));
        match *name {
            "use_domain" => config.use_domain = number(0, 1)? == 1,
            "desc_time_order" => config.newest_first = number(0, 1)? == 1,
            "timer_interval" => config.timer_interval_seconds = number(1, 86_400)?,
            _ => {}
        }
    }
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_and_checked() {
        let values = [("use_domain", 1), ("timer_interval", 5), ("desc_time_order", 1)];
        let values = values.map(|(name, value)| (name, GlobalValue::Int(value)));
        let config = configure(&values).unwrap();
        let expected =
            UsrlocConfig { use_domain: true, timer_interval_seconds: 5, newest_first: true };
        assert_eq!(config.downcast_ref::<UsrlocConfig>(), Some(&expected));
        let (position, text) =
            configure(&[values[0].clone(), ("timer_interval", GlobalValue::Int(0))]).unwrap_err();
        assert_eq!((position, &*text), (1, "timer_interval must be a number from 1 to 86400"));
    }

    #[test]
    fn parameters_are_named_once() {
        for (position, setting) in SETTINGS.iter().enumerate() {
            let mut earlier = SETTINGS[..position].iter();
            assert!(earlier.all(|other| other.name != setting.name), "{}", setting.name);
        }
    }
}
