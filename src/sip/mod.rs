//! The grammar of RFC 3261 §25, as far as a proxy and registrar needs it: pure functions of
//! bytes. *Parse* is from the wire, *compose* is to the wire, *rewrite* changes a message where
//! it lies.
//!
//! [`parse`] makes one pass over the head of a message and notes where things are
//! ([`MessageIndex`]); values such as a [`Via`] or a [`Uri`] are parsed when someone asks.

mod address;
pub mod compose;
mod cseq;
mod equivalence;
mod error;
mod escape;
mod fields;
mod header;
mod host;
mod index;
mod length;
mod lines;
mod list;
mod message;
mod method;
mod octet;
mod params;
mod pen;
mod qvalue;
pub mod rewrite;
mod route;
mod scan;
mod sheet;
mod skim;
mod status;
mod uri;
mod validate;
mod via;

pub use address::{Contact, NameAddr, Party};
pub use cseq::CSeq;
pub use error::ParseError;
pub use escape::{is_canonical, unescaped};
pub use header::HeaderName;
pub use host::host_ip;
pub(crate) use host::parse_port;
pub use index::{MessageIndex, parse};
pub use length::edit_content_length;
pub use list::Items;
pub use message::{Header, Message, StartLine};
pub use method::Method;
pub(crate) use octet::{are_token, are_uri, equal, equal_long};
pub use octet::{parse_delta_seconds, parse_max_forwards};
pub use params::{Param, Params};
pub use pen::Pen;
pub use qvalue::{QValue, parse_qvalue};
pub use route::plain_route_params;
pub use sheet::Sheet;
pub(crate) use skim::{Opening, PlainVia, is_whole};
pub use status::reason_phrase;
pub use uri::{Scheme, Uri, is_sips};
pub use validate::Essentials;
pub use via::{MAGIC_COOKIE, Rport, Via, transaction_id};
