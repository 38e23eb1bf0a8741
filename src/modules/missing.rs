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
        add_local_rport avpflags error forward_sctp isavpflagset
        resetavpflag send send_tcp set_advertised_address set_advertised_port
        setavpflag tcp_keepalive udp_mtu_try_proto;
    COREX:
        file_read file_write forward_reply is_incoming is_socket_name isxflagset
        msg_iflag_is_set msg_iflag_reset msg_iflag_set resetxflag send_data send_udp sendx
        set_recv_socket set_recv_socket_name set_send_socket_name
        set_source_address setxflag via_add_srvid via_add_xavp_params via_use_xavp_fields
        => lsock;
    CFGUTILS:
        abort core_hash pkg_status pkg_summary shm_status shm_summary;
    EXEC:
        exec exec_getenv;
    KEX:
        resetdebug setdebug;
    PV:
        pv_evalx pv_var_to_xavp pv_xavp_to_var xavp_slist_explode
        => C K Rn Tb Tn cts fsn ge hn hu ltt pid prefix rawbuf rcvx ruid
        sndfrom sndto sruid ssn timeb umh va vn vz xp;
    REGISTRAR:
        lookup_contacts lookup_xavp reg_send_reply save_contacts set_q_override
        => ulr;
    RR:
        get_route_param loose_route_mode loose_route_preloaded rr_next_hop_route;
    SIPUTILS:
        contact_param_check
        => ppv;
    SL:
        send_reply_mode sl_forward_reply;
    XLOG:
        xlogm;
}
