//! What SER and Kamailio have in modules that are ready here, and that is not there yet: a script
//! that uses one of these is told so, and not that there is no such thing.

use crate::script::Missing;

/// Declares what each module misses: names of functions and, behind `=>`, of pseudo-variables.
macro_rules! missing {
    ($($module:ident: $($function:ident)* $(=> $($variable:ident)*)?;)*) => {
        $(
            #[doc = "What this module misses."]
            pub(super) const $module: Missing = Missing {
                functions: &[$(stringify!($function),)*],
                variables: &[$($(stringify!($variable),)*)?],
            };
        )*
    };
}

missing! {
    CORE:
        avpflags forward_sctp isavpflagset resetavpflag send_tcp setavpflag
        tcp_keepalive udp_mtu_try_proto;
    COREX:
        file_read file_write forward_reply is_incoming set_recv_socket
        set_recv_socket_name set_source_address;
    PV:
        pv_evalx
        => ccp ksr location_ua msgbuf rpl ruid stat;
    REGISTRAR:
        lookup_xavp;
    SL:
        sl_forward_reply;
}
