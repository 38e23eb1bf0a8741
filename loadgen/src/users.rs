//! The users that call and are called.

use csv::{ByteRecord, ReaderBuilder};
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

/// The users of a run; none is a run without registration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Users {
    /// User parts of their URIs.
    pub names: Vec<String>,
    /// The domain that they belong to; none is the target's address and port.
    pub domain: Option<String>,
}

/// A line of a file of users is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {fault}")]
pub struct UsersError {
    /// The file's name.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub fault: UsersFault,
}

/// What is wrong with a line of a file of users.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsersFault {
    /// Something that is no comma-separated values at all.
    #[error("{0}")]
    Malformed(String),
    /// No column has the users.
    #[error("no column \"user\"; found: {found}")]
    NoUserColumn {
        /// The columns that there are.
        found: String,
    },
    /// A column means nothing to us.
    #[error("unknown column \"{0}\"; known: user, domain")]
    UnknownColumn(String),
    /// A column is there twice.
    #[error("the column \"{0}\" is there twice")]
    RepeatedColumn(String),
    /// A line has more or fewer fields than the header.
    #[error("the header has {expected} fields, this line has {found}")]
    FieldCount {
        /// Fields of the header.
        expected: usize,
        /// Fields of the line.
        found: usize,
    },
    /// A user without a name.
    #[error("the user is empty")]
    EmptyUser,
    /// A user is there twice.
    #[error("the user \"{user}\" is in line {first} too")]
    RepeatedUser {
        /// The user.
        user: String,
        /// The line that has the user first.
        first: usize,
    },
    /// A user part that cannot be in a URI (RFC 3261 §25.1 `user`).
    #[error("the user \"{user}\" cannot be in a URI because of {octet}; write it as %{code:02X}")]
    UserOctet {
        /// The user.
        user: String,
        /// What is wrong with it, for people.
        octet: String,
        /// The octet.
        code: u8,
    },
    /// A domain that cannot be in a URI.
    #[error("\"{0}\" is no domain; expected is a host name or address, with or without a port")]
    Domain(String),
    /// Not all users have the same domain.
    #[error("the domain is \"{found}\", but \"{expected}\" in line {first}; all need the same")]
    OtherDomain {
        /// The domain of this line.
        found: String,
        /// That of the first user.
        expected: String,
        /// The line of the first user.
        first: usize,
    },
    /// The header is all that there is.
    #[error("no users follow")]
    NoUsers,
}

/// The fewest digits of a generated name.
const DIGITS_MIN: usize = 6;

/// A prime above every number of users: steps of it visit all users before one comes again.
const STRIDE: u64 = 4_294_967_291;

impl Users {
    /// So many users with names that are counted up: `u000001`.
    #[must_use]
    pub fn generate(count: usize) -> Self {
        let width = count.to_string().len().max(DIGITS_MIN);
        let names = (1..=count).map(|number| format!("u{number:0width$}")).collect();
        Self { names, domain: None }
    }

    /// Parses users from comma-separated values. The first line names the columns: `user`, and
    /// `domain` where the users belong to one. `file` is for messages.
    ///
    /// # Errors
    ///
    /// The first line that is wrong.
    pub fn parse_csv(text: &[u8], file: &str) -> Result<Self, UsersError> {
        let mut table = Table::default();
        match table.read(text) {
            Ok(()) => Ok(Self { names: table.names, domain: table.domain }),
            Err((line, fault)) => Err(UsersError { file: file.to_owned(), line, fault }),
        }
    }

    /// Who calls and who is called in a call: positions in [`Users::names`]; none without users.
    /// Numbers of calls are unique in the run (worker + k × workers), so that the workers
    /// together call all users equally often. Users follow each other in no order, so that a
    /// server looks up another corner of its memory each time, and nobody calls themselves
    /// unless alone.
    #[must_use]
    pub fn pair(&self, call: u64) -> Option<(usize, usize)> {
        let count = self.names.len() as u64;
        let turn = call.checked_div(count)?;
        let callee = (call % count).wrapping_mul(STRIDE) % count;
        // In each round another distance, so that a user is called by ever different ones.
        let distance = turn.checked_rem(count - 1).map_or(0, |extra| extra + 1);
        let caller = (callee + distance) % count;
        Some((caller as usize, callee as usize))
    }
}

/// What has been read of a file.
#[derive(Debug, Default)]
struct Table {
    names: Vec<String>,
    domain: Option<String>,
    /// Where in the text each user is.
    places: HashMap<String, usize>,
    /// Where in the text the first user is.
    first: usize,
}

/// Where the known columns are.
#[derive(Clone, Copy, Debug)]
struct Columns {
    count: usize,
    user: usize,
    domain: Option<usize>,
}

/// A fault with its line.
type Located = (usize, UsersFault);

impl Table {
    /// Reads all of a text.
    fn read(&mut self, text: &[u8]) -> Result<(), Located> {
        let mut reader = ReaderBuilder::new();
        let reader = reader.has_headers(false).flexible(true).trim(csv::Trim::All);
        let mut reader = reader.from_reader(text);
        let mut columns = None;
        let mut record = ByteRecord::new();
        loop {
            let place = reader.position().byte() as usize;
            match reader.read_byte_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    let fault = UsersFault::Malformed(error.to_string());
                    return Err((line_at(text, place), fault));
                }
            }
            let read = match columns {
                None => Columns::find(&record).map(|found| columns = Some(found)),
                Some(columns) => self.add(text, place, &record, columns),
            };
            read.map_err(|fault| (line_at(text, place), fault))?;
        }
        if columns.is_none() {
            return Err((1, UsersFault::NoUserColumn { found: "nothing".to_owned() }));
        }
        if self.names.is_empty() { Err((1, UsersFault::NoUsers)) } else { Ok(()) }
    }

    /// Adds the user of a line.
    fn add(
        &mut self,
        text: &[u8],
        place: usize,
        record: &ByteRecord,
        columns: Columns,
    ) -> Result<(), UsersFault> {
        if record.len() != columns.count {
            let (expected, found) = (columns.count, record.len());
            return Err(UsersFault::FieldCount { expected, found });
        }
        let user = check_user(&record[columns.user])?;
        let domain = match columns.domain {
            Some(column) => check_domain(&record[column])?,
            None => None,
        };
        if self.names.is_empty() {
            self.first = place;
            self.domain = domain;
        } else if self.domain != domain {
            return Err(UsersFault::OtherDomain {
                found: domain.unwrap_or_default(),
                expected: self.domain.clone().unwrap_or_default(),
                first: line_at(text, self.first),
            });
        }
        match self.places.entry(user.clone()) {
            Entry::Occupied(entry) => {
                Err(UsersFault::RepeatedUser { user, first: line_at(text, *entry.get()) })
            }
            Entry::Vacant(entry) => {
                entry.insert(place);
                self.names.push(user);
                Ok(())
            }
        }
    }
}

impl Columns {
    /// The columns that a header names.
    fn find(header: &ByteRecord) -> Result<Self, UsersFault> {
        let shown = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        let position = |column: &[u8]| header.iter().position(|name| name == column);
        let Some(user) = position(b"user") else {
            let found: Vec<String> = header.iter().map(shown).collect();
            return Err(UsersFault::NoUserColumn { found: found.join(", ") });
        };
        for (index, name) in header.iter().enumerate() {
            if !matches!(name, b"user" | b"domain") {
                return Err(UsersFault::UnknownColumn(shown(name)));
            }
            if position(name) != Some(index) {
                return Err(UsersFault::RepeatedColumn(shown(name)));
            }
        }
        Ok(Self { count: header.len(), user, domain: position(b"domain") })
    }
}

/// Refuses what cannot be the user part of a URI.
fn check_user(user: &[u8]) -> Result<String, UsersFault> {
    if user.is_empty() {
        return Err(UsersFault::EmptyUser);
    }
    let shown = String::from_utf8_lossy(user).into_owned();
    for (index, byte) in user.iter().enumerate() {
        let digits = user.get(index + 1..index + 3);
        let is_escape = digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        if !(is_user_octet(*byte) || *byte == b'%' && is_escape) {
            let octet = match *byte {
                b' ' => "the space".to_owned(),
                graphic if graphic.is_ascii_graphic() => format!("'{}'", char::from(graphic)),
                other => format!("the octet 0x{other:02X}"),
            };
            return Err(UsersFault::UserOctet { user: shown, octet, code: *byte });
        }
    }
    Ok(shown)
}

/// Whether an octet may be in a user part as it is (RFC 3261 §25.1 `unreserved` and
/// `user-unreserved`).
const fn is_user_octet(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')')
        || matches!(byte, b'&' | b'=' | b'+' | b'$' | b',' | b';' | b'?' | b'/')
}

/// Refuses what cannot be the host and port of a URI; an empty text is no domain.
pub(crate) fn check_domain(domain: &[u8]) -> Result<Option<String>, UsersFault> {
    if domain.is_empty() {
        return Ok(None);
    }
    let shown = String::from_utf8_lossy(domain).into_owned();
    let is_octet = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:[]".contains(&byte);
    let uri = format!("sip:{shown}");
    let is_host = domain.iter().all(|byte| is_octet(*byte))
        && viaduct::sip::Uri::parse(uri.as_bytes()).is_ok();
    if is_host { Ok(Some(shown)) } else { Err(UsersFault::Domain(shown)) }
}

/// The line of the first record at or behind a place between two lines. The reader's own count
/// is that of the place, which may be the end of the line before, or a blank line.
fn line_at(text: &[u8], place: usize) -> usize {
    let begins = text.iter().skip(place).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let before = text.iter().take(place + begins);
    before.filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The users of a text.
    fn parse(text: &str) -> Result<Users, String> {
        Users::parse_csv(text.as_bytes(), "users.csv").map_err(|error| error.to_string())
    }

    /// Users of these names in a domain.
    fn users(names: &[&str], domain: Option<&str>) -> Users {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Users { names, domain: domain.map(str::to_owned) }
    }

    #[test]
    fn generated_names_are_counted_up_in_one_width() {
        assert_eq!(Users::generate(2), users(&["u000001", "u000002"], None));
        let many = Users::generate(1_000_000).names;
        assert_eq!((&*many[0], &*many[999_999]), ("u0000001", "u1000000"));
        assert_eq!(Users::generate(0), Users::default());
    }

    #[test]
    fn users_are_read_from_their_columns() {
        assert_eq!(parse("user\nalice\nbob\n"), Ok(users(&["alice", "bob"], None)));
        assert_eq!(
            parse(
                "\u{feff}domain , user\r\nexample.com:5070, alice\r\n\r\nexample.com:5070,\"b,c\""
            ),
            Ok(users(&["alice", "b,c"], Some("example.com:5070")))
        );
        assert_eq!(parse("user,domain\na,\nb,\n"), Ok(users(&["a", "b"], None)));
        assert_eq!(parse("user,domain\n+49%2330;x=1,[::1]\n").unwrap().names, ["+49%2330;x=1"]);
    }

    #[test]
    fn what_is_wrong_is_named_with_file_and_line() {
        let cases = [
            ("name,realm\nx,y\n", "users.csv:1: no column \"user\"; found: name, realm"),
            ("", "users.csv:1: no column \"user\"; found: nothing"),
            ("user,realm\nx,y\n", "users.csv:1: unknown column \"realm\"; known: user, domain"),
            ("user,user\nx,y\n", "users.csv:1: the column \"user\" is there twice"),
            ("user\n\n", "users.csv:1: no users follow"),
            ("user,domain\na,b\nc\n", "users.csv:3: the header has 2 fields, this line has 1"),
            ("user,domain\r\na,b\r\n,b\r\n", "users.csv:3: the user is empty"),
            ("user\na\n\n\nb\na\n", "users.csv:6: the user \"a\" is in line 2 too"),
            ("\n\nuser\r\n\r\na\r\nb\r\n\r\nb\r\n", "users.csv:8: the user \"b\" is in line 6 too"),
            (
                "user\na b\n",
                "users.csv:2: the user \"a b\" cannot be in a URI because of the space; write it \
                 as %20",
            ),
            (
                "user\na@b\n",
                "users.csv:2: the user \"a@b\" cannot be in a URI because of '@'; write it as %40",
            ),
            (
                "user\n5%4\n",
                "users.csv:2: the user \"5%4\" cannot be in a URI because of '%'; write it as %25",
            ),
            (
                "user\n\u{fc}\n",
                "users.csv:2: the user \"\u{fc}\" cannot be in a URI because of the octet 0xC3; \
                 write it as %C3",
            ),
            (
                "user,domain\na,x.example\nb,y.example\n",
                "users.csv:3: the domain is \"y.example\", but \"x.example\" in line 2; all need \
                 the same",
            ),
            (
                "user,domain\na,x y\n",
                "users.csv:2: \"x y\" is no domain; expected is a host name or address, with or \
                 without a port",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text).unwrap_err(), expected, "{text:?}");
        }
        for domain in ["x:port", "[::1", "x@y", ":5060", "x:99999"] {
            assert!(parse(&format!("user,domain\na,{domain}\n")).is_err(), "{domain}");
        }
    }

    #[test]
    fn the_workers_together_call_all_users_equally_often() {
        for count in [2, 3, 4, 12, 1_000, 997] {
            let users = Users::generate(count);
            for workers in [1, 2, 3, 4] {
                let (mut called, mut calling) = (vec![0; count], vec![0; count]);
                for worker in 0..workers {
                    // Five rounds of all users, which the workers share.
                    let total = 5 * count as u64;
                    for call in (worker..total).step_by(workers as usize) {
                        let (caller, callee) = users.pair(call).unwrap();
                        assert_ne!(caller, callee);
                        called[callee] += 1;
                        calling[caller] += 1;
                    }
                }
                assert!(called.iter().chain(&calling).all(|calls| *calls == 5), "{count}");
            }
        }
    }

    #[test]
    fn neighbours_in_time_are_no_neighbours_in_the_table() {
        let users = Users::generate(100_000);
        let callee = |call| users.pair(call).unwrap().1;
        let near = (0..1_000).filter(|call| callee(*call).abs_diff(callee(call + 1)) < 2).count();
        assert_eq!(near, 0);
    }

    #[test]
    fn a_user_alone_calls_themselves_and_nobody_is_nobody() {
        let alone = Users::generate(1);
        assert_eq!((alone.pair(0), alone.pair(u64::MAX)), (Some((0, 0)), Some((0, 0))));
        assert_eq!(Users::default().pair(7), None);
        let (caller, callee) = Users::generate(10).pair(u64::MAX).unwrap();
        assert!(caller < 10 && callee < 10);
    }
}
