//! Every maximum of the server, in one place, each with its reason.
//!
//! A peer can make the server spend no more than these; what goes beyond is refused or dropped
//! and counted.

/// Largest datagram that UDP can carry (bytes).
pub const DATAGRAM_BYTES_MAX: usize = 65_535;

/// Longest message that is sent (bytes): what fits a datagram beside the headers of UDP and IPv4.
pub const PAYLOAD_BYTES_MAX: usize = 65_507;

/// Free bytes before each received datagram: room for the Via, Record-Route and longer request
/// line that a forwarded request gains, so that the message is rewritten where it landed.
pub const HEADROOM_BYTES: usize = 2_048;

/// Free bytes behind each received datagram, for edits near its end.
pub const TAILROOM_BYTES: usize = 1_024;

/// Bytes of one receive slot. A page and a line more than the parts need, so that the slots of a
/// batch do not all start in the same cache set.
pub const SLOT_BYTES: usize = HEADROOM_BYTES + DATAGRAM_BYTES_MAX + 1 + TAILROOM_BYTES + 4_096 + 64;

/// Datagrams received or sent by one system call. Sixteen already bring most of the gain.
pub const BATCH_DATAGRAMS_MAX: usize = 64;

/// Header fields of one message; an ordinary message has 10 to 25.
pub const HEADER_COUNT_MAX: usize = 255;

/// Parameters, or headers, of a URI that is compared with another one part by part: keeps the
/// comparison, which looks at each with each, short.
pub const URI_PART_COUNT_MAX: usize = 32;

/// Dotted quads whose addresses a worker knows by their text: a power of two, and 4 KiB, so that
/// they stay in the nearest cache.
pub const KNOWN_QUADS: usize = 128;

/// Edits to one message.
pub const EDIT_COUNT_MAX: usize = 256;

/// Bytes that the edits of one message may insert.
pub const EDIT_BYTES_MAX: usize = 32_768;

/// Bytes of strings that one run of the script may build.
pub const SCRIPT_STRING_BYTES_MAX: usize = 1 << 20;

/// Steps that one run of the script may take before it is cut off: the operations of each turn of
/// a loop, and of each route block that is called, whether all of them are run or not. Enough for
/// [`SCRIPT_LOOP_TURNS_MAX`] turns of a loop with 400.
pub const SCRIPT_FUEL: u64 = 4_000_000;

/// Notes of what one message went through that are kept for whoever looks on: more than anyone
/// reads.
pub const TRACE_NOTE_COUNT_MAX: usize = 20_000;

/// Turns of one `while` loop unless `max_while_loops` says otherwise.
pub const SCRIPT_LOOP_TURNS_MAX: u32 = 10_000;

/// Depth of `route(...)` calls within calls.
pub const SCRIPT_ROUTE_DEPTH_MAX: usize = 100;

/// Nesting of expressions and statements in a script's text; keeps the parser's stack bounded.
pub const SCRIPT_NESTING_MAX: usize = 200;

/// Bytes of one script file and its includes together.
pub const SCRIPT_BYTES_MAX: usize = 16 << 20;

/// Depth of `include_file` within included files.
pub const SCRIPT_INCLUDE_DEPTH_MAX: usize = 10;

/// URIs of a destination set beside the Request-URI unless `max_branches` says otherwise.
pub const BRANCH_COUNT_MAX: usize = 12;

/// Contacts of one address-of-record unless `max_contacts` says otherwise: bounds the answer to
/// a REGISTER to what fits a datagram.
pub const CONTACT_COUNT_MAX: usize = 100;

/// Parameters and headers of the Contact URIs of one REGISTER, or of one address-of-record, all
/// together: each contact is compared with each other part by part (RFC 3261 §10.3 step 7), which
/// would take a tenth of a second where as many as fit a datagram look alike.
pub const CONTACT_PART_COUNT_MAX: usize = 300;

/// Bytes that one binding may keep (Contact, Path, Call-ID and User-Agent together).
pub const BINDING_BYTES_MAX: usize = 4_096;

/// Addresses-of-record of one location table: 7 GiB of memory, and room for every user of a
/// large carrier.
pub const AOR_COUNT_MAX: usize = 20_000_000;

/// Bytes of all bindings of one address-of-record. A REGISTER could otherwise make a hundred that
/// each repeat its Call-ID, Path and User-Agent, which is many times what it cost to send, and
/// replaced sets are kept a while.
pub const BINDING_SET_BYTES_MAX: usize = 64 << 10;

/// Bytes of one location table, about: what [`AOR_COUNT_MAX`] users with a phone each need, who
/// may not all have many.
pub const LOCATION_BYTES_MAX: usize = 8 << 30;

/// Bytes of the key of an address-of-record.
pub const AOR_BYTES_MAX: usize = 256;

/// Host names whose addresses are kept. A peer can make the server ask for any name; these and no
/// more at a time.
pub const NAME_COUNT_MAX: usize = 10_000;

/// Questions for names that wait for their turn.
pub const NAME_QUESTION_COUNT_MAX: usize = 1_024;

/// Servers of one SIP domain that are kept, those of the first priorities: large carriers have ten
/// or twenty.
pub const NAME_TARGET_COUNT_MAX: usize = 32;

/// Addresses of one host that are kept; more than these need not share its load.
pub const NAME_ADDRESS_COUNT_MAX: usize = 8;

/// Aliases (CNAME) that are followed on the way to one answer, so that a circle of them ends.
pub const NAME_ALIAS_COUNT_MAX: u32 = 8;

/// How long what is known of a name may serve when its time is over and no name server answers
/// (milliseconds): an hour is what operators need to notice (RFC 8767 §5).
pub const NAME_STALE_MS_MAX: u64 = 3_600_000;

/// How long the answers for a name may take altogether (milliseconds): a little less than a
/// request waits for them.
pub const NAME_LOOKUP_MS_MAX: u64 = 3_800;

/// Names that are asked for at once; others wait for their turn. Each may have as many questions
/// to name servers under way as a domain has servers, twice.
pub const NAME_LOOKUP_COUNT_MAX: usize = 1_024;

/// UDP sockets of questions to name servers. As long as there are fewer, each question has a port
/// of its own, which nobody can guess; a process usually may have 1,024 file descriptors.
pub const DNS_SOCKET_COUNT_MAX: usize = 128;

/// TCP connections to name servers, for answers that fit no datagram.
pub const DNS_STREAM_COUNT_MAX: usize = 16;

/// Name servers that are asked in turn.
pub const DNS_SERVER_COUNT_MAX: usize = 8;

/// Requests and responses of one worker that wait for the address of a host name: what comes in
/// [`PARKED_MS_MAX`] at a thousand a second. What they keep is bounded by [`PARKED_BYTES_MAX`].
pub const PARKED_COUNT_MAX: usize = 4_096;

/// Bytes of all messages of one worker that wait for the address of a host name.
pub const PARKED_BYTES_MAX: usize = 32 << 20;

/// How long a request waits for the address of a host name (milliseconds); half a minute later its
/// client has given up anyway (RFC 3261 §17.1.1.2, timer B).
pub const PARKED_MS_MAX: u64 = 4_000;

/// Bytes of a host name that is asked for (RFC 1035 §2.3.4).
pub const NAME_BYTES_MAX: usize = 253;

/// Runs of the script in one worker that wait (`exec_msg`, `sleep` and the like). What they
/// keep is bounded by [`SUSPENDED_BYTES_MAX`]; this is what commands of a second each would need
/// at some thousand requests a second.
pub const SUSPENDED_COUNT_MAX: usize = 4_096;

/// Bytes of all runs of one worker that wait, with their messages.
pub const SUSPENDED_BYTES_MAX: usize = 64 << 20;

/// Commands that run at once; others wait for their turn. Each has up to three file descriptors,
/// of which a process usually may have 1,024.
pub const COMMAND_COUNT_MAX: usize = 128;

/// How long a command may take, if `time_to_kill` of `exec` does not say less (milliseconds): a
/// client has given up then (RFC 3261 §17.1.1.2, timer B).
pub const COMMAND_MS_MAX: u64 = 32_000;

/// Bytes of the output of one command that are kept: a destination set has a few lines.
pub const COMMAND_OUTPUT_BYTES_MAX: usize = 64 << 10;

/// Users that one step of an administrator's command looks at: some microseconds under the lock of
/// a shard, and a piece of an answer of some ten kilobytes.
pub const CONTROL_STEP_AORS: usize = 256;

/// Bytes of a URI that the noisy Warning of a reply tells: a reply must not outgrow its request by
/// much, least of all where the request is an enemy's.
pub const WARNING_URI_BYTES_MAX: usize = 256;

/// Administrators' commands that are worked on at once; others wait for their turn.
pub const CONTROL_SESSION_COUNT_MAX: usize = 64;

/// Bytes of a command with its words: a URI or two.
pub const CONTROL_REQUEST_BYTES_MAX: usize = 16 << 10;

/// How long a command may take to come in, and how long who asked may take none of the answer
/// (milliseconds): local programs, not people, are at the other end.
pub const CONTROL_IDLE_MS_MAX: u64 = 10_000;

/// How long a FIFO for an answer may have no reader (milliseconds): the program that made it opens
/// it next.
pub const CONTROL_READER_MS_MAX: u64 = 5_000;

/// How long one `sleep` or `usleep` may take (milliseconds): a client has given up then (RFC 3261
/// §17.1.1.2, timer B).
pub const SLEEP_MS_MAX: u64 = 32_000;

/// How long a run waits for a lock that another one holds (milliseconds): two that hold what the
/// other one wants must not wait for ever.
pub const LOCK_WAIT_MS_MAX: u64 = 4_000;

/// How long a lock is held at most (milliseconds), should the worker that holds it fail.
pub const LOCK_MS_MAX: u64 = 64_000;

/// Variables that all workers share (`$shv`). Their names stand in the script, but stay when it is
/// loaded again.
pub const SHARED_VARIABLE_COUNT_MAX: usize = 4_096;

/// Bytes of the text of one of them: what a message brings may be in it.
pub const SHARED_VARIABLE_BYTES_MAX: usize = 16 << 10;

/// How often one run of the script may have its changes applied (`msg_apply_changes`): each time
/// the message is copied and parsed again.
pub const REWRITTEN_COUNT_MAX: usize = 16;

/// Location tables. Their names stand in the script.
pub const LOCATION_TABLE_COUNT_MAX: usize = 64;

/// Bytes of the Contact values in the answer to a REGISTER: they must fit a datagram beside all
/// else. What would exceed them is refused like a contact too many.
pub const REGISTER_REPLY_BYTES_MAX: usize = 48_000;

/// Worker threads.
pub const WORKER_COUNT_MAX: usize = 256;

/// Listen addresses.
pub const LISTENER_COUNT_MAX: usize = 64;

/// Connections (TCP, TLS) at once unless `tcp_max_connections` says otherwise. An idle one takes
/// some hundred bytes here and a few kilobytes in the kernel.
pub const CONNECTION_COUNT_MAX: usize = 16_384;

/// Largest `tcp_max_connections`: a process may have about a million open files.
pub const CONNECTION_COUNT_LIMIT: usize = 1_000_000;

/// Bytes that wait to be written to one connection, beside what the kernel holds, unless
/// `tcp_conn_wq_max` says otherwise: a burst of some hundred messages to one trunk.
pub const CONNECTION_QUEUE_BYTES: usize = 256 << 10;

/// Bytes that wait to be written to all connections unless `tcp_wq_max` says otherwise. Many peers
/// that read nothing together get no more than this.
pub const CONNECTION_QUEUES_BYTES: usize = 64 << 20;

/// Bytes of messages that have come by connections in part, of all workers together. A connection
/// that would exceed them is closed; else many that each begin a long message could take gigabytes.
pub const CONNECTION_UNREAD_BYTES_MAX: usize = 256 << 20;

/// Largest `tcp_conn_wq_max` and `tcp_wq_max`.
pub const CONNECTION_QUEUE_LIMIT: usize = 1 << 30;

/// Messages that workers have handed to one that has their connections and that it has not taken:
/// two batches of each of thirty others.
pub const PASSED_COUNT_MAX: usize = 4_096;

/// How long a connection is not read because its peer does not read (milliseconds). Two servers
/// that both wait for the other one to read first must not do so until they give up.
pub const CONNECTION_PAUSE_MS_MAX: u64 = 1_000;

/// How long what a peer still sends is thrown away before its connection is closed (milliseconds):
/// closing at once would have the kernel reset the connection, and the last answer could be lost.
pub const CONNECTION_LINGER_MS: u64 = 1_000;

/// How long connections are written to when the server ends (milliseconds): less than the half
/// second that workers have.
pub const CONNECTION_STOP_MS_MAX: u64 = 400;

/// Connections that the kernel accepts before a worker takes them (`listen`); it allows no more
/// than `net.core.somaxconn`, which is 4,096.
pub const CONNECTION_BACKLOG: i32 = 4_096;

/// Bytes that a peer may send before a TLS handshake with it is over: certificates of a long chain,
/// several times.
pub const TLS_HANDSHAKE_BYTES_MAX: usize = 128 << 10;

/// Bytes of one file of certificates: those of all public authorities are a tenth of it.
pub const TLS_FILE_BYTES_MAX: u64 = 4 << 20;

/// Files of a folder of authorities (`ca_path`): twice as many as there are public authorities.
pub const TLS_AUTHORITY_FILE_COUNT_MAX: usize = 512;

/// Plain text that is given to a TLS session at once (bytes): one record.
pub const TLS_SENT_BYTES: usize = 16 << 10;

/// Plain text that a TLS session takes before it is sent (bytes): a message of the largest size.
/// What else is to be sent waits outside, in the queue of the connection.
pub const TLS_UNSENT_BYTES_MAX: usize = 64 << 10;

/// Reads of one TLS connection (of 4 KiB to 16 KiB) before others have their turn.
pub const TLS_READS_PER_TURN: usize = 4;

/// Datagrams saved in files because their handling failed; a peer that found such a datagram
/// must not fill the disk with it.
pub const PANIC_FILE_COUNT_MAX: usize = 16;

/// Receive and send buffer asked of the kernel for each socket (bytes); what it grants is told
/// at start.
pub const SOCKET_BUFFER_BYTES: usize = 4 << 20;

const _: () = assert!(SLOT_BYTES > HEADROOM_BYTES + DATAGRAM_BYTES_MAX + TAILROOM_BYTES);
const _: () = assert!(BATCH_DATAGRAMS_MAX <= 1_024, "UIO_MAXIOV is the kernel's own bound");
