//! What a REGISTER does to the bindings of its address-of-record (RFC 3261 §10.3).
//!
//! The steps 1 to 5 of the text (request for us, extensions, who is it, may it, which
//! address-of-record) belong to the script and to `modules/registrar.rs`; here are 6 to 8.

mod refresh;

use std::io::Write;

use smallvec::SmallVec;
use thiserror::Error;

use super::{
    Binding, BindingSet, BindingView, Instance, LocationTable, RegistrarConfig, TableFull,
};
use crate::limits::{
    BINDING_SET_BYTES_MAX, CONTACT_COUNT_MAX, CONTACT_PART_COUNT_MAX, REGISTER_REPLY_BYTES_MAX,
};
use crate::mem::ListenerId;
use crate::sip::compose::ShortText;
use crate::sip::{Contact, ParseError, Pen, QValue, Uri};

pub use refresh::{Renewal, refresh};

/// What is said about the bindings in a REGISTER, whatever its contacts.
#[derive(Clone, Copy, Debug)]
pub struct Registration<'a> {
    /// The Call-ID.
    pub call_id: &'a [u8],
    /// The number of the CSeq.
    pub cseq: u32,
    /// The Path values, comma-separated; empty if none are to be stored.
    pub path: &'a [u8],
    /// The User-Agent; empty if there is none.
    pub user_agent: &'a [u8],
    /// The listener that it came in at.
    pub listener: ListenerId,
    /// Flags of the contacts.
    pub cflags: u32,
    /// The URI that requests are sent to instead of the Contact URI; empty if none.
    pub received: &'a [u8],
    /// Whether bindings that the request does not name are removed.
    pub replaces_others: bool,
    /// Whether the newest contact comes first, whatever its `q`.
    pub newest_first: bool,
    /// `q` (thousandths) of the contacts, whatever they say.
    pub q: Option<u16>,
}

/// What the Contact header fields of a REGISTER ask for.
#[derive(Clone, Debug)]
pub enum Request<'a> {
    /// Nothing: only an answer with the bindings.
    Query,
    /// `*`: remove all bindings.
    RemoveAll,
    /// Add, refresh or remove these.
    Update(SmallVec<[Wish<'a>; 1]>),
}

/// What a REGISTER asks for one contact.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The Contact URI.
    uri: Uri<'a>,
    /// `q`, if it has one.
    q: Option<u16>,
    /// Seconds; 0 removes.
    expires: u32,
    /// Which phone it is, and which of its ways here.
    instance: Instance<'a>,
}

/// What a REGISTER has done. The numbers are what `save()` returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Outcome {
    /// A binding was added.
    Inserted = 1,
    /// Bindings were refreshed or changed, or stayed as they were.
    Updated = 2,
    /// Bindings were removed, and that is all.
    Deleted = 3,
    /// The bindings were asked for.
    Queried = 4,
}

/// Why a REGISTER changes nothing.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Rejection {
    /// A Contact is malformed.
    #[error("malformed request: {0}")]
    Malformed(#[from] ParseError),
    /// `*` stands beside other contacts or without `Expires: 0` (RFC 3261 §10.3 step 6).
    #[error("Contact * is for removal only")]
    StarMisused,
    /// Fewer seconds are asked than are granted (RFC 3261 §10.3 step 7).
    #[error("interval too brief")]
    TooBrief {
        /// Fewest seconds that are granted.
        min_expires: u32,
    },
    /// A later REGISTER with this Call-ID was there before (RFC 3261 §10.3 step 7).
    #[error("CSeq out of order")]
    OutOfOrder,
    /// There would be more bindings than are allowed, or too long ones for an answer.
    #[error("too many contacts")]
    TooManyContacts,
    /// A contact has more bytes than are kept.
    #[error("contact too long")]
    TooLong,
    /// There is no room for another user.
    #[error("location table full")]
    Full,
}

impl From<TableFull> for Rejection {
    fn from(_: TableFull) -> Self {
        Self::Full
    }
}

impl Rejection {
    /// The status that says so.
    #[must_use]
    pub const fn status(self) -> (u16, &'static str) {
        match self {
            Self::Malformed(error) => error.status(),
            Self::StarMisused => (400, "Bad Request (Contact * is for removal only)"),
            Self::TooBrief { .. } => (423, "Interval Too Brief"),
            Self::OutOfOrder => (500, "Server Internal Error (CSeq out of order)"),
            Self::TooManyContacts => (503, "Service Unavailable (too many contacts)"),
            Self::TooLong => (400, "Bad Request (contact too long)"),
            Self::Full => (503, "Service Unavailable (location table full)"),
        }
    }
}

impl<'a> Request<'a> {
    /// What the Contact values and the Expires value of a REGISTER ask for
    /// (RFC 3261 §10.3 steps 6 and 7).
    ///
    /// # Errors
    ///
    /// [`Rejection`].
    pub fn parse(
        contacts: impl Iterator<Item = &'a [u8]>,
        expires: Option<u32>,
        config: &RegistrarConfig,
    ) -> Result<Self, Rejection> {
        let mut wishes: SmallVec<[Wish<'a>; 1]> = SmallVec::new();
        let mut has_star = false;
        for text in contacts {
            if has_star {
                return Err(Rejection::StarMisused);
            }
            match Contact::parse(text)? {
                Contact::Star => has_star = true,
                Contact::Address { address, q, expires: own } => {
                    let uri = Uri::parse(address.uri)?;
                    let expires = granted(own.or(expires), config)?;
                    let instance = Instance::of(&address.params);
                    let wish = Wish { uri, q: q?, expires, instance };
                    insert(&mut wishes, wish, config.contact_bytes_max)?;
                }
            }
        }
        match (has_star, wishes.is_empty()) {
            (false, true) => Ok(Self::Query),
            (false, false) => Ok(Self::Update(wishes)),
            (true, true) if expires == Some(0) => Ok(Self::RemoveAll),
            (true, _) => Err(Rejection::StarMisused),
        }
    }
}

/// Adds a wish. Of two for the same contact the later one counts.
fn insert<'a>(
    wishes: &mut SmallVec<[Wish<'a>; 1]>,
    wish: Wish<'a>,
    contact_bytes_max: usize,
) -> Result<(), Rejection> {
    if wish.uri.text.len() > contact_bytes_max {
        return Err(Rejection::TooLong);
    }
    let parts: usize = wishes.iter().map(|earlier| part_count(earlier.uri.text)).sum();
    if parts + part_count(wish.uri.text) > CONTACT_PART_COUNT_MAX {
        return Err(Rejection::TooManyContacts);
    }
    if let Some(earlier) = wishes.iter_mut().find(|earlier| earlier.uri.eq_rfc3261(&wish.uri)) {
        *earlier = wish;
        return Ok(());
    }
    if wishes.len() >= CONTACT_COUNT_MAX {
        return Err(Rejection::TooManyContacts);
    }
    wishes.push(wish);
    Ok(())
}

/// How many parameters and headers a Contact URI may have, told from its separators: no fewer
/// than it has.
fn part_count(uri: &[u8]) -> usize {
    memchr::memchr3_iter(b';', b'?', b'&', uri).count()
}

/// The seconds that a contact gets which asks for `wanted` (RFC 3261 §10.3 step 7): too few are
/// raised, or refused if that is wanted. An interval of an hour or more is never refused.
#[inline]
fn granted(wanted: Option<u32>, config: &RegistrarConfig) -> Result<u32, Rejection> {
    let seconds = match wanted {
        Some(0) => return Ok(0),
        Some(seconds)
            if config.refuses_brief && seconds < config.min_expires.min(NEVER_BRIEF_SECONDS) =>
        {
            return Err(Rejection::TooBrief { min_expires: config.min_expires });
        }
        Some(seconds) if config.refuses_brief => seconds,
        Some(seconds) => seconds.max(config.min_expires),
        None => config.default_expires.max(config.min_expires).max(1),
    };
    Ok(if config.max_expires > 0 { seconds.min(config.max_expires) } else { seconds })
}

/// From here on an interval may not be refused as too brief (RFC 3261 §10.3 step 7).
const NEVER_BRIEF_SECONDS: u32 = 3_600;

/// Does what a REGISTER asks for: all of it or, if it is rejected, nothing
/// (RFC 3261 §10.3 steps 6 and 7).
///
/// A request with the Call-ID *and* the CSeq of a binding is a retransmission (the text leaves
/// open how a registrar without transactions answers it): the binding stays as it is, and the
/// answer is the same again. A lower CSeq came late and is rejected.
///
/// # Errors
///
/// [`Rejection`]; nothing has changed then.
pub fn register(
    table: &LocationTable,
    aor: &[u8],
    (request, registration): (&Request<'_>, &Registration<'_>),
    config: &RegistrarConfig,
    now: u32,
) -> Result<Outcome, Rejection> {
    match request {
        Request::Query => Ok(Outcome::Queried),
        Request::RemoveAll => table.update(aor, |present| {
            for binding in present.live(now) {
                check_order(binding, registration, false)?;
            }
            Ok((Some(BindingSet::default()), Outcome::Deleted))
        }),
        Request::Update(wishes) => table.update(aor, |present| {
            let plan = Plan::new(wishes, present, registration, config, now)?;
            if plan.refreshes_only() {
                plan.refresh();
                return Ok((None, Outcome::Updated));
            }
            Ok((Some(plan.new_set()?), plan.outcome()))
        }),
    }
}

/// Removes all bindings of an address-of-record; false if it has none.
pub fn unregister(table: &LocationTable, aor: &[u8], now: u32) -> bool {
    let removed: Result<bool, TableFull> = table.update(aor, |present| {
        Ok((Some(BindingSet::default()), present.live(now).next().is_some()))
    });
    removed.unwrap_or(false)
}

/// Removes the live bindings of an address-of-record that `is_meant` says; false if there are
/// none.
pub fn unregister_where(
    table: &LocationTable,
    aor: &[u8],
    now: u32,
    is_meant: impl Fn(&Binding) -> bool,
) -> bool {
    let removed: Result<bool, TableFull> = table.update(aor, |present| {
        let kept = present.live(now).filter(|binding| !is_meant(binding)).cloned();
        let kept = BindingSet::in_order(kept.collect());
        let is_less = kept.all().len() < present.live(now).count();
        Ok((is_less.then_some(kept), is_less))
    });
    removed.unwrap_or(false)
}

/// Writes the value of the Contact header field that answers a REGISTER: all bindings with the
/// seconds that are left (RFC 3261 §10.3 step 8).
pub fn compose_contacts(set: &BindingSet, now: u32, received_param: &[u8], pen: &mut Pen<'_>) {
    for (number, binding) in set.live(now).enumerate() {
        if number > 0 {
            pen.text(b", ");
        }
        pen.text(b"<").text(binding.contact()).text(b">");
        if let Some(q) = binding.q() {
            write_q(q, pen);
        }
        let seconds = binding.expires_at().saturating_sub(now);
        pen.text(b";expires=");
        match u16::try_from(seconds) {
            Ok(seconds) => pen.port(seconds),
            Err(_) => pen.text(ShortText::new(b"").decimal(seconds as usize).as_bytes()),
        };
        if !binding.received().is_empty() && !received_param.is_empty() {
            pen.text(b";").text(received_param).text(b"=\"").text(binding.received()).text(b"\"");
        }
        let Instance { id, reg_id } = binding.instance();
        if !id.is_empty() {
            pen.text(b";+sip.instance=").text(id);
        }
        if !reg_id.is_empty() {
            pen.text(b";reg-id=").text(reg_id);
        }
    }
}

/// Bytes that [`compose_contacts`] writes at most.
#[must_use]
pub fn contacts_room(set: &BindingSet, received_param: &[u8]) -> usize {
    let bytes = |binding: &Binding| binding.reply_bytes() + received_param.len();
    set.all().iter().map(bytes).sum()
}

/// Writes the preference of a contact.
#[inline(never)]
fn write_q(q: u16, pen: &mut Pen<'_>) {
    let mut text = *b";q=0.123";
    let mut rest = &mut text[b";q=".len()..];
    let _ = write!(rest, "{}", QValue(q));
    let left = rest.len();
    pen.text(&text[..text.len() - left]);
}

/// Rejects a request that came after a later one of the same Call-ID
/// (RFC 3261 §10.3 steps 6 and 7). `may_equal`: whether it can be a retransmission.
fn check_order(
    binding: &Binding,
    registration: &Registration<'_>,
    may_equal: bool,
) -> Result<(), Rejection> {
    let (_, cseq) = binding.state();
    let in_order = registration.cseq > cseq || may_equal && registration.cseq == cseq;
    if binding.call_id() == registration.call_id && !in_order {
        return Err(Rejection::OutOfOrder);
    }
    Ok(())
}

/// What becomes of a set of bindings, once all of the request has been checked.
struct Plan<'p> {
    wishes: &'p [Wish<'p>],
    /// For each wish the binding that it is about, if there is one, be it expired.
    matches: SmallVec<[Option<&'p Binding>; 4]>,
    present: &'p BindingSet,
    registration: &'p Registration<'p>,
    config: &'p RegistrarConfig,
    now: u32,
}

impl<'p> Plan<'p> {
    /// The plan for a request, if its order is right for all of its contacts.
    fn new(
        wishes: &'p [Wish<'p>],
        present: &'p BindingSet,
        registration: &'p Registration<'p>,
        config: &'p RegistrarConfig,
        now: u32,
    ) -> Result<Self, Rejection> {
        let mut matches: SmallVec<[Option<&Binding>; 4]> = SmallVec::from_elem(None, wishes.len());
        for binding in present.all() {
            if let Some(position) = position_of(binding.contact(), wishes) {
                if binding.is_live(now) {
                    check_order(binding, registration, wishes[position].expires > 0)?;
                }
                // Equivalence is not transitive: several bindings may be the same contact as one
                // wish. The one with the same text is meant, or else the first.
                let is_exact = binding.contact() == wishes[position].uri.text;
                if is_exact || matches[position].is_none() {
                    matches[position] = Some(binding);
                }
            }
        }
        Ok(Self { wishes, matches, present, registration, config, now })
    }

    /// The wishes, each with the binding it is about.
    fn pairs(&self) -> impl DoubleEndedIterator<Item = (&'p Wish<'p>, Option<&'p Binding>)> {
        self.wishes.iter().zip(self.matches.iter().copied())
    }

    /// Whether the request changes nothing but expiry and CSeq of bindings that are there.
    fn refreshes_only(&self) -> bool {
        let all_stay = !self.registration.replaces_others
            || self.present.live(self.now).all(|binding| self.is_named(binding));
        let order_stays = !self.registration.newest_first || self.present.all().len() == 1;
        all_stay
            && order_stays
            && self.pairs().all(|(wish, binding)| match binding {
                Some(binding) => wish.expires > 0 && binding.view() == self.view(wish),
                None => wish.expires == 0,
            })
    }

    /// Refreshes the bindings in place.
    fn refresh(&self) {
        for (wish, binding) in self.pairs() {
            if let Some(binding) = binding.filter(|binding| !self.is_retransmission(binding)) {
                binding.refresh(self.expires_at(wish), self.registration.cseq);
            }
        }
    }

    /// The set that takes the place of the present one.
    fn new_set(&self) -> Result<BindingSet, Rejection> {
        let newest_first = self.registration.newest_first;
        let bindings = if newest_first { self.newest_first() } else { self.oldest_first() }?;
        let bytes: usize = bindings.iter().map(Binding::reply_bytes).sum();
        let parts: usize = bindings.iter().map(|binding| part_count(binding.contact())).sum();
        if bindings.len() > self.config.contact_count_max
            || bytes > REGISTER_REPLY_BYTES_MAX
            || parts > CONTACT_PART_COUNT_MAX
        {
            return Err(Rejection::TooManyContacts);
        }
        let set = if newest_first { BindingSet::in_order(bindings) } else { bindings.into() };
        if set.bytes() > BINDING_SET_BYTES_MAX {
            return Err(Rejection::TooManyContacts);
        }
        Ok(set)
    }

    /// What the request names, the last of it in front, then what stays.
    fn newest_first(&self) -> Result<SmallVec<[Binding; 1]>, Rejection> {
        let mut bindings = SmallVec::new();
        for (wish, binding) in self.pairs().rev().filter(|(wish, _)| wish.expires > 0) {
            bindings.push(self.renewed(wish, binding)?);
        }
        if !self.registration.replaces_others {
            let others = self.present.live(self.now).filter(|binding| !self.is_named(binding));
            bindings.extend(others.cloned());
        }
        Ok(bindings)
    }

    /// What was there, renewed or not, where it was; then what is new.
    fn oldest_first(&self) -> Result<SmallVec<[Binding; 1]>, Rejection> {
        let mut bindings = SmallVec::new();
        let is = |binding: &Binding, named: Option<&Binding>| {
            named.is_some_and(|named| std::ptr::eq(named, binding))
        };
        for binding in self.present.live(self.now) {
            match self.pairs().find(|(_, named)| is(binding, *named)) {
                Some((wish, _)) if wish.expires == 0 => {}
                Some((wish, named)) => bindings.push(self.renewed(wish, named)?),
                None if self.registration.replaces_others => {}
                None => bindings.push(binding.clone()),
            }
        }
        let is_live = |binding: &Binding| binding.is_live(self.now);
        for (wish, binding) in self.pairs().filter(|(wish, _)| wish.expires > 0) {
            if !binding.is_some_and(is_live) {
                bindings.push(self.renewed(wish, binding)?);
            }
        }
        Ok(bindings)
    }

    /// The binding that `wish` asks for, in place of the one it is about.
    fn renewed(&self, wish: &Wish<'p>, binding: Option<&Binding>) -> Result<Binding, Rejection> {
        if let Some(binding) = binding.filter(|binding| self.is_retransmission(binding)) {
            return Ok(binding.clone());
        }
        let renewed = Binding::new(&self.view(wish), self.expires_at(wish), self.registration.cseq);
        renewed.ok_or(Rejection::TooLong)
    }

    /// What `save()` returns.
    fn outcome(&self) -> Outcome {
        let is_kept = |(wish, binding): &(&Wish<'_>, Option<&Binding>)| {
            (wish.expires > 0).then(|| binding.is_some_and(|binding| binding.is_live(self.now)))
        };
        let kept: SmallVec<[Option<bool>; 4]> = self.pairs().map(|pair| is_kept(&pair)).collect();
        if kept.contains(&Some(false)) {
            Outcome::Inserted
        } else if kept.contains(&Some(true)) {
            Outcome::Updated
        } else {
            Outcome::Deleted
        }
    }

    /// Whether the request names the contact of `binding`.
    fn is_named(&self, binding: &Binding) -> bool {
        self.matches.iter().flatten().any(|named| std::ptr::eq(*named, binding))
    }

    /// Whether `binding` is what this very request has made when it came first.
    fn is_retransmission(&self, binding: &Binding) -> bool {
        let (_, cseq) = binding.state();
        binding.is_live(self.now)
            && cseq == self.registration.cseq
            && binding.call_id() == self.registration.call_id
    }

    /// When a binding ends that is granted what `wish` says.
    fn expires_at(&self, wish: &Wish<'_>) -> u32 {
        self.now.saturating_add(wish.expires)
    }

    /// The binding that `wish` asks for.
    fn view(&self, wish: &Wish<'p>) -> BindingView<'p> {
        let Registration { call_id, received, path, user_agent, listener, cflags, .. } =
            *self.registration;
        let q = self.registration.q.or(wish.q).or(self.config.default_q);
        let contact = wish.uri.text;
        let instance = wish.instance;
        BindingView { contact, received, path, call_id, user_agent, instance, q, listener, cflags }
    }
}

/// The position of the wish whose URI is the same as `contact` (RFC 3261 §10.3 step 7, §19.1.4).
/// The same text needs no look at its parts.
fn position_of(contact: &[u8], wishes: &[Wish<'_>]) -> Option<usize> {
    if let Some(position) = wishes.iter().position(|wish| wish.uri.text == contact) {
        return Some(position);
    }
    let contact = Uri::parse(contact).ok()?;
    wishes.iter().position(|wish| wish.uri.eq_rfc3261(&contact))
}

#[cfg(test)]
mod tests;
