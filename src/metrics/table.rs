//! The table of counters.

/// Declares [`Counter`] and its table of names and meanings.
macro_rules! counters {
    ($($variant:ident $name:literal $help:literal,)*) => {
        /// Something that is counted. The name is stable; dashboards rely on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(usize)]
        pub enum Counter {
            $(#[doc = $help] $variant,)*
        }

        impl Counter {
            /// All counters, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The name, as shown to people and machines.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it counts, in a sentence.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)* }
            }
        }
    };
}

counters! {
    ReceivedDatagrams "received_datagrams" "Datagrams taken from the sockets.",
    ReceivedRequests "received_requests" "Requests that parsed.",
    ReceivedResponses "received_responses" "Responses that parsed.",
    ForwardedRequests "forwarded_requests" "Requests forwarded statelessly.",
    ForwardedResponses "forwarded_responses" "Responses forwarded to the Via below ours.",
    SentVerbatim "sent_verbatim" "Messages sent as they were, by `send()` and its like.",
    SentReplies "sent_replies" "Responses composed here.",
    SentDatagrams "sent_datagrams" "Datagrams that the kernel took.",
    AbsorbedAcks "absorbed_acks" "ACKs to responses composed here.",
    DroppedKeepAlive "dropped_keep_alive" "Empty and CRLF datagrams, swallowed.",
    DroppedMalformed "dropped_malformed" "Datagrams too broken to be answered.",
    DroppedByScript "dropped_by_script" "Messages that the script dropped or left undecided.",
    DroppedForeignResponse "dropped_foreign_response"
        "Responses to requests that never went through here.",
    DroppedUnroutableResponse "dropped_unroutable_response"
        "Responses whose next Via names no usable address.",
    DroppedReplyToAck "dropped_reply_to_ack" "Replies that would have answered an ACK.",
    DroppedForName "dropped_for_name"
        "Messages dropped because too many wait for the address of a host name.",
    DroppedTooLarge "dropped_too_large" "Messages that outgrew a datagram.",
    DroppedUnsendable "dropped_unsendable" "Datagrams that the kernel refused for good.",
    DroppedAtWorkerPanic "dropped_at_worker_panic"
        "Datagrams whose handling failed; each is saved for a report.",
    SendBufferFull "send_buffer_full" "Times a full socket buffer made a worker wait.",
    ReceiveOverruns "receive_overruns" "Datagrams that the kernel lost before they were read.",
    ReceivedStreamMessages "received_stream_messages" "Messages that came by a connection.",
    ReceivedPings "received_pings" "Keep-alives that came by a connection.",
    SentStreamMessages "sent_stream_messages" "Messages queued for a connection of their worker.",
    PassedMessages "passed_messages" "Messages handed to the worker that has their connection.",
    DroppedQueueFull "dropped_queue_full"
        "Messages dropped because the peer of a connection reads too slowly.",
    DroppedUnpassed "dropped_unpassed"
        "Messages dropped because the worker that has their connection is behind.",
    DroppedUnconnected "dropped_unconnected"
        "Messages dropped because their connection could not be opened, or ended before.",
    ConnectionsAccepted "connections_accepted" "Connections that peers have opened.",
    ConnectionsOpened "connections_opened" "Connections opened here.",
    ConnectionsRefused "connections_refused"
        "Connections refused because there are too many, in all or from one address.",
    ConnectionsFailed "connections_failed" "Connections that could not be opened.",
    ConnectionsEnded "connections_ended" "Connections closed because their peer closed them.",
    ConnectionsBroken "connections_broken" "Connections that were reset.",
    ConnectionsIdle "connections_idle" "Connections closed because nothing came or went.",
    ConnectionsLate "connections_late"
        "Connections closed because a message took too long to come in.",
    ConnectionsCrowded "connections_crowded"
        "Connections closed because too much is kept of messages that have come in part.",
    ConnectionsUnread "connections_unread"
        "Connections closed because their peer did not read.",
    ConnectionsUnproven "connections_unproven"
        "Connections closed because TLS was not agreed or a peer did not prove who it is.",
    ConnectionsMalformed "connections_malformed"
        "Connections closed because the end of a message could not be found.",
    RefusedMalformed "refused_malformed" "Requests answered 400 for their syntax.",
    RefusedTooManyHops "refused_too_many_hops" "Requests answered 483.",
    RefusedExtension "refused_extension" "Requests answered 420.",
    RefusedOverload "refused_overload" "New calls answered 503 because datagrams were lost.",
    RefusedScheme "refused_scheme" "Requests answered 416.",
    ScriptSuspensions "script_suspensions"
        "Times that a run of the script waited for a command, a moment or a lock.",
    ScriptSuspensionsRefused "script_suspensions_refused"
        "Commands not run and waits refused because too many runs of the script wait already.",
    ScriptErrors "script_errors" "Runs of the script that ended in an error of its own.",
    ScriptFuelExhausted "script_fuel_exhausted" "Runs of the script that were cut off.",
    Registrations "registrations" "REGISTER requests that changed or confirmed bindings.",
    RegistrationsRefused "registrations_refused" "REGISTER requests answered with a failure.",
    BindingsExpired "bindings_expired" "Bindings removed because their time was up.",
}
