//! Modules that can be loaded but whose functions are not there yet. A script that loads one and
//! does not call it runs; a call is an error that says so. Their parameters are accepted
//! unchecked, as they have no effect.

use crate::script::{Missing, ModuleSpec, ModuleState};

/// Declares [`MODULES`]: name, other names, what the module is for, the names of its functions
/// and, behind `=>`, of its pseudo-variables.
macro_rules! announced {
    ($(
        $name:literal $(alias $alias:literal)* $doc:literal:
        $($function:ident)* $(=> $($variable:ident)*)?;
    )*) => {
        /// The modules.
        pub(super) const MODULES: &[ModuleSpec] = &[$(
            ModuleSpec {
                aliases: &[$($alias,)*],
                state: ModuleState::Announced,
                missing: Missing {
                    functions: &[$(stringify!($function),)*],
                    variables: &[$($(stringify!($variable),)*)?],
                },
                ..ModuleSpec::new($name, $doc)
            },
        )*];
    };
}

announced! {
    "tm" "Transactions.":
        t_relay t_relay_to t_relay_to_udp t_relay_to_tcp t_relay_to_tls t_relay_to_sctp
        t_relay_to_avp t_relay_cancel t_forward_nonack t_forward_nonack_uri t_forward_nonack_udp
        t_forward_nonack_tcp t_forward_nonack_tls t_forward_nonack_sctp t_newtran t_reply
        t_reply_callid t_replicate t_replicate_to t_replicate_udp t_replicate_tcp t_replicate_tls
        t_replicate_sctp t_release t_retransmit_reply t_on_failure t_on_reply t_on_branch
        t_on_branch_failure t_check_status t_check_trans t_lookup_request t_lookup_cancel
        t_is_canceled t_is_expired t_is_failure_route t_is_reply_route t_is_branch_route
        t_is_set t_is_request_route t_is_retr_async_reply t_set_fr t_reset_fr t_set_max_lifetime
        t_reset_max_lifetime t_set_retr t_reset_retr t_set_auto_inv_100 t_set_disable_6xx
        t_set_disable_failover t_set_disable_internal_reply t_set_no_e2e_cancel_reason
        t_disable_e2e_cancel_reason t_branch_timeout t_branch_replied t_any_timeout t_any_replied
        t_all_timeout t_grep_status t_write_req t_write_unix t_load_contacts t_next_contacts
        t_next_contact_flow t_clean t_uac_send t_get_status_code t_save_lumps t_use_uac_headers
        t_set_trace t_cell_append_branches t_cancel_branch t_flush_flags t_local_replied
        t_was_cancelled t_wait_for_new_branches t_check_status_branch t_exists
        t_drop_replies t_send_reply
        => T T_branch T_branch_idx T_inv T_reply_code T_reply_last T_reply_reason T_reply_ruid
        T_req T_rpl;
    "tmx" "More about transactions.":
        t_cancel_branches t_cancel_callid t_reply_callid t_flush_flags t_flush_xflags
        t_is_failure_route t_is_branch_route t_is_reply_route t_is_request_route t_suspend
        t_continue t_reuse_branch t_precheck_trans t_drop t_save_lumps;
    "auth" "Digest authentication.":
        consume_credentials has_credentials www_challenge proxy_challenge auth_challenge
        pv_www_authenticate pv_proxy_authenticate pv_auth_check pv_www_authorize
        pv_proxy_authorize auth_get_www_authenticate auth_algorithm append_rpid_hf
        is_rpid_user_e164
        auth_checks_in_dlg auth_checks_no_dlg auth_checks_register
        => adi;
    "auth_db" "Credentials in a database.":
        www_authorize proxy_authorize www_authenticate proxy_authenticate auth_check
        is_subscriber;
    "auth_identity" "Authenticated identity (RFC 4474).":
        auth_date_proc auth_add_identity vrfy_check_date vrfy_get_certificate
        vrfy_check_certificate vrfy_check_msgvalidity auth_add_certificate;
    "auth_ephemeral" "Credentials that expire.":
        autheph_check autheph_www autheph_proxy autheph_authenticate autheph_check_from
        autheph_check_to autheph_check_timestamp;
    "auth_diameter" "Credentials in a Diameter server.":
        diameter_www_authorize diameter_proxy_authorize diameter_is_user_in;
    "auth_radius" "Credentials in a RADIUS server.":
        radius_www_authorize radius_proxy_authorize;
    "auth_xkeys" "Authentication by shared keys.":
        auth_xkeys_add auth_xkeys_check;
    "acc" "Accounting.":
        acc_log_request acc_db_request acc_rad_request acc_diam_request acc_request;
    "acc_db" "Accounting in a database.": acc_db_request;
    "acc_radius" "Accounting in a RADIUS server.": acc_rad_request;
    "acc_json" "Accounting as JSON.": acc_json_request;
    "uri_db" "Users in a database.":
        check_uri check_to check_from does_uri_exist check_user_uri;
    "uri_radius" "Users in a RADIUS server.":
        radius_does_uri_exist radius_does_uri_user_exist;
    "domain" "Domains that are served here.":
        is_from_local is_uri_host_local is_domain_local is_local lookup_domain
        lookup_domain_prefix;
    "domainpolicy" "Policies between domains.":
        dp_can_connect dp_apply_policy;
    "group" "Groups of users.":
        is_user_in is_in is_in_group get_user_group;
    "group_radius" "Groups of users in a RADIUS server.": radius_is_user_in;
    "misc_radius" "Attributes in a RADIUS server.":
        radius_load_caller_avps radius_load_callee_avps radius_is_user_in
        radius_does_uri_exist radius_does_uri_user_exist;
    "avpops" "Operations on AVPs.":
        avp_db_load avp_db_store avp_db_delete avp_db_query avp_delete avp_pushto avp_check
        avp_copy avp_write avp_printf avp_subst avp_subst_pv avp_op is_avp_set avp_print
        avp_dst avp_rm avp_substr;
    "avp" "AVPs as SER 2 has them.":
        set_iattr set_attr flags2attr is_attr attr_equals attr_exists attr_equals_xl
        xlset_attr insert_attr_hf append_attr_hf replace_attr_hf attr_to_reply
        attr_destination xlset_destination attr_hdr_body2attrs del_attr subst_attr
        attr2uri dump_attrs hdr_body2attrs hdr_body2attrs2 print_attr set_sattr xlfix_attr;
    "avp_db" "Attributes in a database.":
        load_attrs load_extra_attrs save_extra_attrs remove_extra_attrs
        lock_extra_attrs unlock_extra_attrs;
    "sqlops" "SQL queries.":
        sql_query sql_query_async sql_xquery sql_pvquery sql_result_free sql_do sql_num_rows
        => dbr sqlrows;
    "htable" "Hash tables.":
        sht_print sht_rm sht_rm_name_re sht_rm_value_re sht_rm_name sht_rm_value sht_reset
        sht_lock sht_unlock sht_iterator_start sht_iterator_next sht_iterator_end
        sht_iterator_rm sht_iterator_sets sht_iterator_setex sht_match_name sht_match_str_value
        sht_has_name sht_has_str_value sht_is_null sht_setxs sht_setxi sht_dec sht_inc
        sht_iterator_seti
        => sht shtcn shtcv shtdec shtex shtinc shtitkey shtitval shtrecord;
    "mtree" "Prefix trees.":
        mt_match mt_tree_print;
    "pdt" "Prefix to domain.":
        prefix2domain pd_translate;
    "dispatcher" "Load distribution.":
        ds_select ds_select_dst ds_select_domain ds_select_routes ds_next_dst ds_next_domain
        ds_set_dst ds_set_domain ds_mark_dst ds_mark_addr ds_is_from_list ds_is_active
        ds_list_exist ds_load_update ds_load_unset ds_reload ds_dsg_fetch ds_dsg_fetch_uri
        ds_oc_set_attrs ds_count
        ds_list_exists
        => dsg dsv;
    "dialog" "Dialogs.":
        dlg_manage create_dialog set_dlg_profile unset_dlg_profile is_in_profile
        get_profile_size is_known_dlg dlg_isflagset dlg_setflag dlg_resetflag dlg_get dlg_bye
        dlg_refer dlg_bridge dlg_set_property dlg_set_timeout dlg_set_timeout_by_profile
        dlg_remote_profile dlg_set_ruri dlg_set_var dlg_reset_property dlg_set_state
        dlg_update_state dlg_req_within dlg_get_var dlg_db_load_callid dlg_db_load_extra
        dlg_list validate_dialog store_dlg_value fetch_dlg_value set_dlg_flag reset_dlg_flag
        is_dlg_flag_set
        dlg_get_by_callid terminate_dlg
        => DLG_count DLG_lifetime DLG_status dlg dlg_ctx dlg_var;
    "pua" "Publishing presence.": pua_update_contact pua_set_publish send_publish
        send_subscribe;
    "pua_bla" "Bridged line appearances.": bla_set_flag bla_handle_notify;
    "pua_dialoginfo" "Dialog state as presence.": dialoginfo_set;
    "pua_usrloc" "Registrations as presence.": pua_set_publish;
    "pua_xmpp" "Presence to XMPP.": pua_xmpp_notify pua_xmpp_req_winfo;
    "pua_reginfo" "Registration state as presence.": reginfo_handle_notify reginfo_subscribe
        reginfo_subscribe_if;
    "nathelper" "NAT traversal.":
        fix_nated_contact fix_nated_sdp fix_nated_register add_rcv_param set_alias_to_pv
        set_contact_alias add_contact_alias handle_ruri_alias nat_uac_test is_rfc1918
        add_contact_alias_trim handle_ruri_alias_mode set_contact_alias_trim;
    "nat_traversal" "NAT traversal.":
        client_nat_test fix_contact nat_keepalive;
    "mediaproxy" "Media relays.":
        engage_media_proxy use_media_proxy end_media_session;
    "rtpproxy" "Media relays.":
        set_rtp_proxy_set rtpproxy_offer rtpproxy_answer rtpproxy_destroy unforce_rtp_proxy
        rtpproxy_manage rtpproxy_stream2uac rtpproxy_stream2uas rtpproxy_stop_stream2uac
        rtpproxy_stop_stream2uas rtpproxy_set_destination start_recording force_rtp_proxy
        engage_rtp_proxy
        => rtpstat;
    "rtpengine" alias "rtpproxy-ng" "Media relays.":
        set_rtpengine_set rtpengine_offer rtpengine_answer rtpengine_delete rtpengine_query
        rtpengine_query_v rtpengine_info rtpengine_ping rtpengine_manage start_recording
        stop_recording rtpengine_start_forwarding rtpengine_stop_forwarding
        rtpengine_start_recording block_media unblock_media silence_media unsilence_media
        block_dtmf unblock_dtmf play_media stop_media play_dtmf rtpengine_subscribe_request
        rtpengine_subscribe_answer rtpengine_unsubscribe
        start_forwarding stop_forwarding
        => rtpestat;
    "permissions" "Who may do what.":
        allow_routing allow_register allow_uri allow_address allow_source_address
        allow_source_address_group allow_address_group allow_trusted allow_refer_to
        load_address;
    "pike" "Flood detection.": pike_check_req pike_check_ip;
    "pipelimit" "Traffic limits.": pl_check pl_check_limit pl_active pl_drop;
    "ratelimit" "Traffic limits.": rl_check rl_check_pipe rl_drop;
    "presence" "Presence.":
        handle_publish handle_subscribe pres_auth_status pres_refresh_watchers
        pres_update_watchers pres_update_presentity pres_has_subscribers
        => presentity_uri subs;
    "presence_xml" "Presence documents.": pres_check_basic pres_check_activities;
    "presence_dialoginfo" "Dialog state for presence.":;
    "presence_mwi" "Message waiting for presence.":;
    "presence_profile" "Profiles for presence.":;
    "presence_conference" "Conferences for presence.":;
    "presence_reginfo" "Registrations for presence.":;
    "presence_b2b" "Presence between servers.":;
    "rls" "Resource lists.": rls_handle_subscribe rls_handle_notify rls_update_subs
        is_simple_rls_target query_resource_list have_flat_list query_rls_services
        handle_rls_subscription;
    "xcap_client" "Fetching XCAP documents.":;
    "xcap_server" "Serving XCAP documents.": xcaps_put xcaps_get xcaps_del;
    "pa" "Presence agent of SER.":
        handle_subscription target_online check_basic check_auth auth_rls_subscription
        handle_publish pa_handle_registration authorize_watcher enable_delayed_notifications
        authorize_message dump_stored_winfo store_winfo;
    "uac" "Requests of this server's own.":
        uac_replace_from uac_restore_from uac_replace_to uac_restore_to uac_auth uac_auth_mode
        uac_req_send uac_reg_lookup uac_reg_lookup_uri uac_reg_status uac_reg_request_to
        uac_reg_enable uac_reg_disable uac_reg_refresh
        => uac_req uac_auth;
    "uac_redirect" "Following redirects.": get_redirects set_accept_filter set_deny_filter;
    "ctl" "The control socket.":;
    "cfg_rpc" "Changing settings while running.":;
    "cfg_db" "Settings in a database.":;
    "fifo" "The FIFO of SER.":;
    "unixsock" "The control socket of SER.":;
    "mi_datagram" "The control socket of OpenSER.":;
    "mi_xmlrpc" "Control by XML-RPC.":;
    "mi_rpc" "The FIFO commands as RPC.":;
    "xmlrpc" "Control by XML-RPC.": dispatch_rpc xmlrpc_reply;
    "jsonrpcs" alias "jsonrpc-s" "Control by JSON-RPC.": jsonrpc_dispatch jsonrpc_exec
        => jsonrpl;
    "jsonrpcc" alias "jsonrpc-c" "Asking JSON-RPC servers.":
        jsonrpc_request jsonrpc_notification;
    "janssonrpcc" "Asking JSON-RPC servers.":
        janssonrpc_request janssonrpc_notification;
    "json" "JSON values.": json_get_field json_get_string;
    "jansson" "JSON values.":
        jansson_get jansson_pv_get jansson_get_field jansson_set jansson_append
        jansson_array_size jansson_xdecode jansson_xencode;
    "xhttp" "HTTP requests.": xhttp_reply => hu;
    "xhttp_rpc" "Control by HTTP.": dispatch_xhttp_rpc;
    "xhttp_pi" "Provisioning by HTTP.": dispatch_xhttp_pi;
    "xhttp_prom" "Counters for Prometheus.":
        prom_check_uri prom_dispatch prom_counter_inc prom_gauge_set prom_gauge_reset
        prom_counter_reset prom_histogram_observe;
    "websocket" "SIP over WebSocket.": ws_handle_handshake ws_close
        => ws_conid;
    "outbound" "Flows of clients (RFC 5626).": use_outbound_proxy;
    "stun" "Answering STUN requests.":;
    "crypto" "Encryption.":
        crypto_aes_encrypt crypto_aes_decrypt crypto_hmac_sha256 crypto_netio_in
        crypto_netio_out crypto_nio_in crypto_nio_out crypto_nio_encrypt crypto_nio_decrypt;
    "tcpops" "TCP connections.":
        tcp_keepalive_enable tcp_keepalive_disable tcp_set_connection_lifetime
        tcp_conid_state tcp_conid_alive tcp_enable_closed_event tcp_get_conid
        tcp_set_otcpid tcp_set_otcpid_flag tcp_close_connection
        => tcp;
    "db_mysql" alias "mysql" "MySQL and MariaDB.":;
    "db_postgres" alias "postgres" "PostgreSQL.":;
    "db_text" alias "dbtext" "Tables in text files.":;
    "db_sqlite" "SQLite.":;
    "db_berkeley" "Berkeley DB.":;
    "db_cassandra" "Cassandra.":;
    "db_cluster" "Clusters of databases.":;
    "db_flatstore" alias "flatstore" "Records appended to files.":;
    "db_mongodb" "MongoDB.":;
    "db_oracle" "Oracle.":;
    "db_perlvdb" "Databases in Perl.":;
    "db_redis" "Tables in Redis.":;
    "db_unixodbc" alias "unixodbc" "ODBC.":;
    "db2_ops" alias "db_ops" "SQL queries.":
        db_query db_close db_first db_next db_seek db_foreach db_proper;
    "db2_ldap" "LDAP directories as tables.":;
    "alias_db" "Aliases in a database.": alias_db_lookup alias_db_find;
    "speeddial" "Short numbers.": sd_lookup;
    "cpl-c" alias "cpl_c" "Call processing language (RFC 3880).":
        cpl_run_script cpl_process_register cpl_process_register_norpl;
    "enum" "Numbers in DNS.":
        enum_query enum_pv_query enum_i_query enum_fquery i_enum_query isn_query
        is_from_user_enum;
    "osp" "Open settlement.":
        checkospheader validateospheader requestosprouting checkosproute
        prepareosproute prepareallosproutes checkcallingtranslation reportospusage;
    "lcr" "Least-cost routing.":
        load_gws next_gw inactivate_gw defunct_gw from_gw from_any_gw to_gw to_any_gw
        load_contacts next_contacts;
    "carrierroute" "Routing to carriers.":
        cr_user_carrier cr_route cr_prime_route cr_nofallback_route cr_next_domain
        cr_load_next_domain cr_user_rewrite_uri cr_tree_rewrite_uri cr_rewrite_uri;
    "drouting" "Dynamic routing.":
        do_routing use_next_gw next_routing goes_to_gw is_from_gw route_to_gw route_to_carrier
        dr_disable;
    "load_balancer" "Load distribution.":
        load_balance lb_start lb_next lb_start_or_next lb_load lb_reset lb_is_started
        lb_disable lb_disable_dst lb_is_destination lb_count_call;
    "dialplan" "Dial plans.": dp_translate dp_match dp_replace dp_reload;
    "msilo" "Stored messages.": m_store m_dump;
    "imc" "Instant messaging conferences.": imc_manager imc_room_active imc_room_member;
    "sms" "Short messages.": sms_send_msg_to_net sms_send_msg;
    "smsops" "Short messages.":
        smsdump isRPDATA;
    "jabber" "The Jabber gateway of SER.":
        jab_send_message jab_exit_jabber jab_join_jconf jab_go_online jab_go_offline
        jab_exit_jconf;
    "xmpp" "The XMPP gateway.": xmpp_send_message;
    "purple" "Gateways to other messengers.": purple_send_message purple_handle_publish
        purple_handle_subscribe;
    "seas" "Application servers.": as_relay_t as_relay_sl;
    "path" "The Path header field (RFC 3327).": add_path add_path_received;
    "mangler" "Changing SDP.":
        sdp_mangle_ip sdp_mangle_port encode_contact decode_contact decode_contact_header;
    "diversion" "The Diversion header field.": add_diversion;
    "call_control" "Prepaid calls.": call_control;
    "call_obj" "Numbers of calls.": call_obj_get call_obj_free;
    "cnxcc" "Limits of credit.":
        cnxcc_set_max_credit cnxcc_set_max_time cnxcc_update_max_time cnxcc_set_max_channels
        cnxcc_terminate_all;
    "b2b_entities" "Back-to-back user agents.":;
    "b2b_logic" "Back-to-back user agents.": b2b_init_request b2b_server_new b2b_client_new
        b2b_bridge;
    "signaling" "Replies with or without transactions.": send_reply;
    "sst" "Session timers (RFC 4028).": sstCheckMin;
    "qos" "Quality of service.":;
    "gflags" alias "gflags_mi" "Flags of the server.":
        set_gflag reset_gflag is_gflag flush_gflags load_gflags;
    "debugger" "Watching the script run.": dbg_breakpoint dbg_pv_dump dbg_sip_msg;
    "benchmark" "Timing the script.": bm_start_timer bm_log_timer
        bm_log bm_register bm_start
        => BM_time_diff;
    "statistics" "Counters of the script.": update_stat reset_stat
        => stat;
    "counters" "Counters of the script.": cnt_inc cnt_add cnt_reset;
    "snmpstats" "Counters for SNMP.":;
    "statsd" "Counters for StatsD.":
        statsd_gauge statsd_histogram statsd_set statsd_start statsd_stop statsd_incr
        statsd_decr statsd_count;
    "timer" "Routes run by timers.":
        timer_enable;
    "rtimer" "Routes run by timers.":;
    "async" "Routes run later.":
        async_route async_ms_route async_sleep async_ms_sleep async_task_route
        async_task_group_route async_task_data async_task_group_data;
    "mqueue" "Queues between processes.": mq_add mq_fetch mq_pv_free mq_size
        => mqk mqv;
    "siptrace" "Copies of the traffic.": sip_trace sip_trace_mode hlog;
    "sipcapture" "Storing copies of traffic.": sip_capture report_capture float2int
        sip_capture_forward
        => hep;
    "sipdump" "Copies of traffic in files.": sipdump_send;
    "topoh" "Hiding the topology.":;
    "topos" "Hiding the topology.": tps_set_context;
    "topos_redis" "Hiding the topology, with Redis.":;
    "topology_hiding" "Hiding the topology.": topology_hiding topology_hiding_match;
    "sdpops" "Questions about SDP.":
        sdp_content sdp_content_sloppy sdp_with_ice sdp_with_media sdp_with_active_media
        sdp_with_transport sdp_with_transport_like sdp_with_codecs_by_id
        sdp_with_codecs_by_name sdp_get sdp_get_line_startswith sdp_get_address_family
        sdp_keep_codecs_by_id sdp_keep_codecs_by_name sdp_remove_codecs_by_id
        sdp_remove_codecs_by_name sdp_remove_line_by_prefix sdp_remove_media
        sdp_remove_media_type sdp_remove_transport sdp_print sdp_transport
        => sdp sdpfirst;
    "ipops" "Questions about addresses.":
        is_ip is_ipv4 is_ipv6 is_ip_rfc1918 is_pure_ip is_in_subnet ip_is_in_subnet
        is_ipv6_reference compare_ips compare_pure_ips ip_type detailed_ip_type
        detailed_ipv4_type detailed_ipv6_type dns_sys_match_ip dns_int_match_ip dns_query
        srv_query naptr_query dns_set_local_ttl
        => dns HN hnip naptrquery ptrquery srvquery;
    "regex" "Regular expressions of Perl.": pcre_match pcre_match_group;
    "tmrec" "Recurring times.": tmrec_match is_leap_year time_period_match;
    "uuid" "Unique identifiers.":
        => uuid;
    "xprint" "Formatted text.": xplog xpdbg;
    "eval" "Calculations of SER 2.":
        eval_add eval_sub eval_mul eval_div eval_push eval_pop eval_clear;
    "geoip" "Where addresses are.": geoip_match => gip;
    "geoip2" "Where addresses are.": geoip2_match => gip2;
    "http_client" "HTTP requests.": http_client_query http_connect http_connect_raw
        http_client_get http_client_request http_client_response_headers_get
        => http_rs http_rb http_rr http_m http_bl;
    "http_async_client" "HTTP requests.": http_async_query
        => http_cb http_err http_hdr http_ok http_req_id http_time;
    "utils" "HTTP requests and other tools.": http_query xcap_auth_status
        pua_set_publish;
    "rest_client" "HTTP requests.": rest_get rest_put rest_post rest_append_hf rest_init_client_tls;
    "evapi" "Events to applications.":
        evapi_relay evapi_async_relay evapi_multicast evapi_async_multicast evapi_unicast
        evapi_async_unicast evapi_close evapi_set_tag
        => evapi;
    "dmq" "Messages between servers.":
        dmq_handle_message dmq_process_message dmq_send_message dmq_bcast_message
        dmq_t_replicate dmq_is_from_node;
    "dmq_usrloc" "Bindings between servers.":;
    "keepalive" "Watching destinations.": ka_is_alive add_destination del_destination
        ka_add_destination ka_del_destination;
    "ndb_redis" "Redis.": redis_cmd redis_pipe_cmd redis_execute redis_free
        => redis redisd;
    "ndb_mongodb" "MongoDB.": mongodb_cmd mongodb_find mongodb_find_one mongodb_free
        mongodb_next_reply
        => mongodb;
    "ndb_cassandra" "Cassandra.": cass_insert cass_retrieve;
    "memcached" "Memcached.": mcd_get mcd_set;
    "kazoo" "The Kazoo platform.":
        kazoo_publish kazoo_query kazoo_async_query kazoo_subscribe kazoo_pua_publish
        kazoo_pua_publish_presence kazoo_pua_publish_mwi kazoo_pua_publish_dialoginfo
        kazoo_json kazoo_json_keys kazoo_encode;
    "rabbitmq" "RabbitMQ.": rabbitmq_publish rabbitmq_publish_consume;
    "nats" "NATS.": nats_publish;
    "kafka" "Kafka.": kafka_send kafka_send_key;
    "mqtt" "MQTT.": mqtt_publish mqtt_subscribe mqtt_unsubscribe;
    "nsq" "NSQ.": nsq_query;
    "ldap" "LDAP directories.":
        ldap_search ldap_result ldap_result_check ldap_result_next ldap_filter_url_encode;
    "h350" "H.350 directories.":
        h350_sipuri_lookup h350_auth_lookup h350_call_preferences h350_service_level;
    "erlang" "Erlang nodes.": erl_rpc erl_send erl_reg_send erl_reply;
    "perl" "Routing in Perl.": perl_exec perl_exec_simple;
    "perlvdb" "Databases in Perl.":;
    "app_java" "Routing in Java.": java_method_exec java_s_method_exec
        java_staticmethod_exec java_s_staticmethod_exec;
    "app_jsdt" "Routing in JavaScript.": jsdt_dofile jsdt_dostring jsdt_runstring jsdt_run;
    "app_lua" "Routing in Lua.": lua_dofile lua_dostring lua_runstring lua_run;
    "app_mono" "Routing in C#.": mono_exec mono_run;
    "app_perl" "Routing in Perl.": perl_exec perl_exec_simple perl_destroy;
    "app_python" "Routing in Python.": python_exec;
    "app_python3" "Routing in Python.": python_exec;
    "app_ruby" "Routing in Ruby.": ruby_run;
    "app_sqlang" "Routing in Squirrel.": sqlang_dofile sqlang_dostring sqlang_runstring
        sqlang_run;
    "sca" "Shared call appearances.": sca_handle_subscribe sca_call_info_update;
    "p_usrloc" "Bindings in several databases.":;
    "userblacklist" alias "userblocklist" "Blocked users.":
        check_user_blacklist check_blacklist check_user_whitelist check_whitelist
        check_user_blocklist check_blocklist check_user_allowlist check_allowlist;
    "matrix" "Tables of numbers.": matrix;
    "peering" "Agreements between servers.": verify_destination verify_source;
    "ims_auth" "Authentication in IMS.": ims_www_authenticate ims_www_challenge
        ims_proxy_authenticate ims_proxy_challenge ims_www_resync_auth;
    "ims_ipsec_pcscf" "IPsec in IMS.": ipsec_create ipsec_destroy ipsec_forward;
    "ims_registrar_scscf" "The registrar of IMS.":
        save unregister lookup term_impu_registered impu_registered assign_server_unreg
        can_publish_reg publish_reg can_subscribe_to_reg subscribe_to_reg;
    "ims_registrar_pcscf" "The registrar of IMS.":
        pcscf_save pcscf_save_pending pcscf_follows_service_routes
        pcscf_force_service_routes pcscf_is_registered pcscf_assert_identity
        pcscf_unregister reginfo_handle_notify
        => pcscf_asserted_identity;
    "ims_usrloc_pcscf" "Bindings in IMS.":;
    "ims_usrloc_scscf" "Bindings in IMS.":;
    "ims_qos" "Quality of service in IMS.": Rx_AAR Rx_AAR_Register;
    "ims_dialog" "Dialogs in IMS.": dlg_manage dlg_terminate dlg_get;
    "ims_icscf" "Routing in IMS.": I_perform_user_authorization_request
        I_perform_location_information_request I_scscf_select I_scscf_drop;
    "ims_isc" "Application servers in IMS.": isc_match_filter isc_match_filter_reg isc_from_as;
    "cdp" "Diameter.":;
    "cdp_avp" "Diameter.":;
    "log_custom" "Log lines elsewhere.": log_udp;
    "log_systemd" "Log lines in the journal.": sd_journal_print sd_journal_send_xavp;
    "malloc_test" "Testing memory.":;
    "misctest" "Testing memory.":;
    "posops" "Positions in text.":
        pos_append pos_insert pos_rm pos_headers_start pos_headers_end pos_body_start
        pos_body_end pos_find_str pos_findi_str pos_search;
    "pv_headers" "Header fields as variables.":
        pvh_collect_headers pvh_apply_headers pvh_reset_headers pvh_check_header
        pvh_append_header pvh_modify_header pvh_remove_header pvh_header_param_exists
        pvh_remove_header_param pvh_value_exists
        => x_hdr x_fd x_fn x_fu x_fU x_rr x_rs x_td x_tn x_tU x_tu;
    "pvtpl" "Templates.": pvtpl_render;
    "phonenum" "Telephone numbers.": phonenum_match phonenum_match_cn;
    "lost" "Emergency calls.": lost_held_query lost_query lost_held_dereference;
    "ss7ops" "SS7.":;
    "secfilter" "Filters against attacks.":
        secf_check_ip secf_check_ua secf_check_country secf_check_from_hdr
        secf_check_to_hdr secf_check_contact_hdr secf_check_dst secf_check_sqli_hdr
        secf_check_sqli_all;
    "sipjson" "Messages as JSON.": sj_serialize;
    "sipt" "ISUP in SIP.": sipt_destination sipt_set_calling sipt_set_bci_1
        sipt_forwarding sipt_has_isup_body;
    "slack" "Messages to Slack.": slack_send;
    "stirshaken" "Signed identities (RFC 8224).":
        stirshaken_add_identity stirshaken_add_identity_with_key
        stirshaken_check_identity stirshaken_check_identity_with_key
        stirshaken_check_identity_with_cert;
    "secsipid" "Signed identities (RFC 8224).":
        secsipid_check_identity secsipid_check_identity_pubkey secsipid_add_identity
        secsipid_build_identity secsipid_sign;
    "tsilo" "Stored transactions.": ts_store ts_append ts_append_to ts_append_by_contact;
    "uid_auth_db" "Credentials as SER 2 keeps them.": www_authenticate proxy_authenticate
        www_authorize proxy_authorize;
    "uid_avp_db" "Attributes as SER 2 keeps them.": load_attrs save_extra_attrs
        load_extra_attrs remove_extra_attrs;
    "uid_domain" "Domains as SER 2 keeps them.": is_local lookup_domain get_did;
    "uid_gflags" "Flags as SER 2 keeps them.": set_gflag reset_gflag is_gflag
        is_ugflag reset_ugflag;
    "uid_uri_db" "URIs as SER 2 keeps them.": check_uri lookup_user
        check_from check_to;
    "proto_udp" "SIP over UDP, as OpenSIPS names it.":;
    "proto_tcp" "SIP over TCP, as OpenSIPS names it.":;
    "proto_tls" "SIP over TLS, as OpenSIPS names it.":;
    "acc_diameter" "Accounting in a Diameter server.": acc_diam_request;
    "blst" "Blocked destinations.":
        blst_add blst_add_retry_after blst_clear_ignore blst_del blst_is_blacklisted
        blst_is_blocklisted blst_rpl_clear_ignore blst_rpl_set_ignore blst_set_ignore;
    "cfgt" "Testing scripts.":;
    "evrexec" "Routes run when an event comes.":;
    "gzcompress" "Compressed bodies.":;
    "kemix" "Functions for other languages.":;
    "lrkproxy" "Media relays.": lrkproxy_manage set_lrkproxy_set;
    "mohqueue" "Queues of callers.": mohq_count mohq_process mohq_retrieve mohq_send;
    "msrp" "Relaying MSRP.":
        msrp_cmap_lookup msrp_cmap_save msrp_is_reply msrp_is_request msrp_relay
        msrp_relay_flags msrp_reply msrp_reply_flags msrp_set_dst
        => msrp;
    "nosip" "Messages that are not SIP.":;
    "pdb" "Prefixes of ported numbers.": pdb_query;
    "prefix_route" "Routes by prefix.": prefix_route;
    "rtjson" "Routing by JSON.":
        rtjson_init_routes rtjson_next_route rtjson_push_routes rtjson_update_branch;
    "snmp" "Counters for SNMP.":;
    "statsc" "Statistics over time.":;
    "vm" "Voicemail, as SER has it.": vm;
    "xmlops" "XML documents.": => xml;
    "sipmsgops" "Text operations of OpenSIPS.":
        has_body_part remove_body_part add_body_part ruri_has_param ruri_add_param
        ruri_del_param ruri_tel2sip sipmsg_validate codec_exists codec_delete codec_move_up
        codec_move_down codec_exists_re codec_delete_re codec_delete_except_re
        codec_move_up_re codec_move_down_re change_reply_status stream_exists stream_delete
        list_hdr_has_option list_hdr_add_option list_hdr_remove_option;
}

#[cfg(test)]
mod tests {
    use hashbrown::HashSet;

    use super::super::REGISTRY;

    #[test]
    fn modules_have_one_name_each() {
        let mut names = HashSet::new();
        for module in REGISTRY.modules {
            for name in module.aliases.iter().chain([&module.name]) {
                assert!(names.insert(*name), "{name} is there twice");
            }
            assert!(module.doc.ends_with('.'), "{}: the doc is a sentence", module.name);
        }
    }

    #[test]
    fn announced_modules_are_found_by_path_and_old_name() {
        for (path, name) in [
            ("/usr/lib/ser/modules/mysql.so", "db_mysql"),
            ("tm.so", "tm"),
            ("cpl-c.so", "cpl-c"),
            ("rtpproxy", "rtpproxy"),
        ] {
            assert_eq!(REGISTRY.module(path).map(|module| module.name), Some(name), "{path}");
        }
    }
}
