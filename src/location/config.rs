//! What the parameters of `usrloc` and `registrar` say.

use std::borrow::Cow;

use super::AorRules;
use crate::limits::{BINDING_BYTES_MAX, CONTACT_COUNT_MAX};

/// The parameters of `usrloc` that change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsrlocConfig {
    /// Whether users of several domains are told apart (`use_domain`).
    pub use_domain: bool,
    /// Seconds in which all tables are to be swept once (`timer_interval`).
    pub timer_interval_seconds: u32,
    /// Whether of several contacts of a user the newest comes first (`desc_time_order`).
    pub newest_first: bool,
}

impl Default for UsrlocConfig {
    fn default() -> Self {
        Self { use_domain: false, timer_interval_seconds: 60, newest_first: false }
    }
}

/// The parameters of `registrar` that change anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrarConfig {
    /// Seconds of a binding for which none are asked.
    pub default_expires: u32,
    /// Fewest seconds of a binding; fewer are raised.
    pub min_expires: u32,
    /// Whether fewer seconds than that are refused instead (`min_expires_mode`).
    pub refuses_brief: bool,
    /// Whether of several contacts of a user the newest comes first (`desc_time_order`).
    pub newest_first: bool,
    /// Most seconds of a binding; more are lowered. 0: no maximum.
    pub max_expires: u32,
    /// Most bindings of an address-of-record.
    pub contact_count_max: usize,
    /// Most bytes of a Contact URI.
    pub contact_bytes_max: usize,
    /// `q` (thousandths) of a contact that has none.
    pub default_q: Option<u16>,
    /// Whether `lookup` makes branches of the other contacts.
    pub append_branches: bool,
    /// Whether `Bob` and `bob` are different users.
    pub case_sensitive: bool,
    /// Taken off the front of the domain of an address-of-record.
    pub realm_prefix: Cow<'static, [u8]>,
    /// Name of the parameter that tells a stored source address in the answer; empty: none.
    pub received_param: Cow<'static, [u8]>,
    /// The attribute with the URI to store as what requests are sent to; empty: none is.
    pub received_avp: Cow<'static, [u8]>,
    /// Whether Path is looked at (RFC 3327), and how it is answered: `path_mode`.
    pub path: Option<PathMode>,
    /// Seconds of the Retry-After in a 503; 0: none.
    pub retry_after: u32,
    /// Name of the attribute that says what holds for one message; empty: none.
    pub xavp_cfg: Cow<'static, [u8]>,
    /// Name of the attribute that a contact is told in; empty: none.
    pub xavp_rcd: Cow<'static, [u8]>,
}

/// How a REGISTER with Path is answered (RFC 3327 §5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathMode {
    /// The path is stored and not told.
    Off,
    /// The path is stored, and told to who says `Supported: path`.
    Lazy,
    /// Who does not say `Supported: path` is refused.
    Strict,
}

impl Default for RegistrarConfig {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl RegistrarConfig {
    /// What holds where the script says nothing.
    pub const DEFAULT: Self = Self {
        default_expires: 3_600,
        min_expires: 60,
        refuses_brief: false,
        newest_first: false,
        max_expires: 0,
        contact_count_max: CONTACT_COUNT_MAX,
        contact_bytes_max: BINDING_BYTES_MAX,
        default_q: None,
        append_branches: true,
        case_sensitive: false,
        realm_prefix: Cow::Borrowed(b""),
        received_param: Cow::Borrowed(b"received"),
        received_avp: Cow::Borrowed(b""),
        path: None,
        retry_after: 0,
        xavp_cfg: Cow::Borrowed(b""),
        xavp_rcd: Cow::Borrowed(b""),
    };

    /// How addresses-of-record become keys.
    #[must_use]
    pub fn aor_rules(&self, usrloc: &UsrlocConfig) -> AorRules<'_> {
        AorRules {
            use_domain: usrloc.use_domain,
            case_sensitive: self.case_sensitive,
            realm_prefix: &self.realm_prefix,
        }
    }
}
