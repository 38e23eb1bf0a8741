//! Attributes with members: `$xavp(root=>member)`, `$xavu(...)` and `$xavi(...)`.
//!
//! ```text
//! $xavp(call[1]=>leg[0])
//!       root     member     each with an index: 0 is the newest, negative counts from the oldest
//! ```

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;

use super::value::parse_int;
use super::{Index, Value};

/// The kinds of attributes, each with roots of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XavpKind {
    /// `$xavp`: roots and members are stacks.
    Stacked,
    /// `$xavu`: one value each.
    Single,
    /// `$xavi`: stacks whose names have no case.
    CaseLess,
    /// `$vn`: a name, one value, no members.
    Plain,
    /// `$ulc`: contacts that were fetched; a script only reads them.
    Contacts,
}

/// What stands between the parentheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XavpPath<'k> {
    root: Step<'k>,
    member: Option<Step<'k>>,
}

/// A name with an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step<'k> {
    name: &'k [u8],
    index: Index,
}

/// All attributes of a run, oldest first.
#[derive(Debug)]
pub(super) struct Xavps<'m> {
    roots: ArenaVec<'m, Root<'m>>,
    members: ArenaVec<'m, Member<'m>>,
    /// How many roots there have been.
    root_count: u32,
}

/// An attribute.
#[derive(Clone, Copy, Debug)]
struct Root<'m> {
    kind: XavpKind,
    name: &'m [u8],
    /// Its own value; none if it has only members.
    value: Value<'m>,
    number: u32,
}

/// A member of an attribute.
#[derive(Clone, Copy, Debug)]
struct Member<'m> {
    /// The number of the root.
    root: u32,
    name: &'m [u8],
    value: Value<'m>,
}

/// A copy of all attributes whose names and values lie elsewhere.
#[derive(Debug)]
pub(super) struct XavpCopy<N, V> {
    roots: Vec<(XavpKind, N, V, u32)>,
    members: Vec<(u32, N, V)>,
    root_count: u32,
}

impl<'k> XavpPath<'k> {
    /// The path that `text` is; `None` if it is malformed.
    #[must_use]
    pub fn parse(text: &'k [u8]) -> Option<Self> {
        let (root, member) = match memchr::memmem::find(text, b"=>") {
            Some(arrow) => (&text[..arrow], Some(&text[arrow + 2..])),
            None => (text, None),
        };
        let member = match member {
            Some(member) => Some(Step::parse(member)?),
            None => None,
        };
        Some(Self { root: Step::parse(root)?, member })
    }

    /// The root of that name, or one of its members, without an index.
    #[must_use]
    pub const fn new(root: &'k [u8], member: Option<&'k [u8]>) -> Self {
        let member = match member {
            Some(name) => Some(Step { name, index: Index::None }),
            None => None,
        };
        Self { root: Step { name: root, index: Index::None }, member }
    }

    /// The same path with an index behind the root.
    #[must_use]
    pub const fn at(self, index: i32) -> Self {
        Self { root: Step { name: self.root.name, index: Index::At(index) }, member: self.member }
    }
}

impl<'k> Step<'k> {
    /// A name, perhaps with `[index]`.
    fn parse(text: &'k [u8]) -> Option<Self> {
        let text = text.trim_ascii();
        let (name, index) = match memchr::memchr(b'[', text) {
            Some(open) => {
                let inner = text[open + 1..].strip_suffix(b"]")?;
                let index = match inner {
                    b"*" => Index::All,
                    digits => Index::At(i32::try_from(parse_int(digits)?).ok()?),
                };
                (&text[..open], index)
            }
            None => (text, Index::None),
        };
        let is_name = |byte: &u8| !byte.is_ascii_control() && !b" []=>$(){}".contains(byte);
        let is_good = !name.is_empty() && name.iter().all(is_name);
        is_good.then_some(Self { name, index })
    }
}

impl<'m> Xavps<'m> {
    /// No attributes.
    pub(super) fn new_in(arena: &'m Bump) -> Self {
        Self { roots: ArenaVec::new_in(arena), members: ArenaVec::new_in(arena), root_count: 0 }
    }

    /// A copy; `keep_name` and `keep_value` say where names and values lie, and may give up.
    pub(super) fn copy<K, N, V>(
        &self,
        keeper: &mut K,
        keep_name: impl Fn(&mut K, &[u8]) -> Option<N>,
        keep_value: impl Fn(&mut K, Value<'_>) -> Option<V>,
    ) -> Option<XavpCopy<N, V>> {
        let mut copy =
            XavpCopy { roots: Vec::new(), members: Vec::new(), root_count: self.root_count };
        for Root { kind, name, value, number } in &self.roots {
            let name = keep_name(keeper, name)?;
            copy.roots.push((*kind, name, keep_value(keeper, *value)?, *number));
        }
        for Member { root, name, value } in &self.members {
            let name = keep_name(keeper, name)?;
            copy.members.push((*root, name, keep_value(keeper, *value)?));
        }
        Some(copy)
    }

    /// Becomes what was copied.
    pub(super) fn restore<N: Copy, V: Copy>(
        &mut self,
        copy: &XavpCopy<N, V>,
        name: impl Fn(N) -> &'m [u8],
        value: impl Fn(V) -> Value<'m>,
    ) {
        self.root_count = copy.root_count;
        self.roots.extend(copy.roots.iter().map(|&(kind, own, held, number)| Root {
            kind,
            name: name(own),
            value: value(held),
            number,
        }));
        self.members.extend(copy.members.iter().map(|&(root, own, held)| Member {
            root,
            name: name(own),
            value: value(held),
        }));
    }

    /// The value at a path.
    pub(super) fn get(&self, kind: XavpKind, path: XavpPath<'_>) -> Value<'m> {
        let Some(root) = self.find_root(kind, path.root) else { return Value::Null };
        let root = self.roots[root];
        match path.member {
            None => root.value,
            Some(member) => self
                .find_member(kind, root.number, member)
                .map_or(Value::Null, |at| self.members[at].value),
        }
    }

    /// Puts a value at a path, which is not `$null`: without an index on top of what is there,
    /// with an index in place of it. False if the path leads nowhere.
    pub(super) fn put(&mut self, kind: XavpKind, path: XavpPath<'m>, value: Value<'m>) -> bool {
        let is_new = match kind {
            XavpKind::Single | XavpKind::Plain => self.find_root(kind, path.root).is_none(),
            _ => path.root.index == Index::None,
        };
        match path.member {
            None if path.root.index == Index::All => {
                self.remove(kind, path);
                self.push_root(kind, path.root.name, value);
                true
            }
            None if is_new => {
                self.push_root(kind, path.root.name, value);
                true
            }
            None => {
                let at = self.find_root(kind, path.root);
                at.map(|at| self.roots[at].value = value).is_some()
            }
            Some(member) => {
                if is_new {
                    self.push_root(kind, path.root.name, Value::Null);
                }
                let index = if is_new { Index::None } else { path.root.index };
                let root = self.find_root(kind, Step { name: path.root.name, index });
                root.is_some_and(|root| self.put_member(kind, root, member, value))
            }
        }
    }

    /// Removes what is at a path; all of that name at `[*]`.
    pub(super) fn remove(&mut self, kind: XavpKind, path: XavpPath<'_>) {
        loop {
            let Some(root) = self.find_root(kind, path.root) else { return };
            let number = self.roots[root].number;
            let Some(member) = path.member else {
                self.roots.remove(root);
                self.members.retain(|member| member.root != number);
                if path.root.index == Index::All {
                    continue;
                }
                return;
            };
            while let Some(at) = self.find_member(kind, number, member) {
                self.members.remove(at);
                if member.index != Index::All {
                    return;
                }
            }
            return;
        }
    }

    /// How many there are at a path: all if it has no index.
    pub(super) fn count(&self, kind: XavpKind, path: XavpPath<'_>) -> usize {
        let roots = self.roots.iter().filter(|root| root.is_named(kind, path.root.name));
        let all = matches!(path.root.index, Index::None | Index::All);
        let chosen = self.find_root(kind, path.root).map(|at| self.roots[at].number);
        let roots = roots.filter(|root| all || Some(root.number) == chosen);
        let Some(member) = path.member else { return roots.count() };
        let each = |root: &Root<'_>| match member.index {
            Index::At(_) => usize::from(self.find_member(kind, root.number, member).is_some()),
            _ => self.members_named(kind, root.number, member.name).count(),
        };
        roots.map(each).sum()
    }

    /// Names and values of the members of a root, oldest first.
    pub(super) fn members(
        &self,
        kind: XavpKind,
        path: XavpPath<'_>,
    ) -> impl Iterator<Item = (&'m [u8], Value<'m>)> {
        let number = self.find_root(kind, path.root).map(|at| self.roots[at].number);
        let members = self.members.iter().filter(move |member| Some(member.root) == number);
        members.map(|member| (member.name, member.value))
    }

    /// All roots of a kind with their values, newest first.
    pub(super) fn roots(&self, kind: XavpKind) -> impl Iterator<Item = (&'m [u8], Value<'m>)> {
        let roots = self.roots.iter().rev().filter(move |root| root.kind == kind);
        roots.map(|root| (root.name, root.value))
    }

    /// Adds a root on top.
    fn push_root(&mut self, kind: XavpKind, name: &'m [u8], value: Value<'m>) {
        self.root_count += 1;
        self.roots.push(Root { kind, name, value, number: self.root_count });
    }

    /// Puts a member into the root at `root`.
    fn put_member(
        &mut self,
        kind: XavpKind,
        root: usize,
        member: Step<'m>,
        value: Value<'m>,
    ) -> bool {
        let number = self.roots[root].number;
        let found = self.find_member(kind, number, member);
        let replaces = kind == XavpKind::Single || matches!(member.index, Index::At(_));
        match found {
            Some(at) if replaces => self.members[at].value = value,
            None if matches!(member.index, Index::At(_)) => return false,
            _ => self.members.push(Member { root: number, name: member.name, value }),
        }
        true
    }

    /// Where the root is that a step means.
    fn find_root(&self, kind: XavpKind, step: Step<'_>) -> Option<usize> {
        let named = self.roots.iter().enumerate();
        pick(named.filter(|(_, root)| root.is_named(kind, step.name)), step.index)
    }

    /// Where the member is that a step means.
    fn find_member(&self, kind: XavpKind, root: u32, step: Step<'_>) -> Option<usize> {
        pick(self.members_named(kind, root, step.name), step.index)
    }

    /// The members of that name.
    fn members_named(
        &self,
        kind: XavpKind,
        root: u32,
        name: &[u8],
    ) -> impl DoubleEndedIterator<Item = (usize, &Member<'m>)> {
        self.members
            .iter()
            .enumerate()
            .filter(move |(_, it)| it.root == root && is_same(kind, it.name, name))
    }
}

impl Root<'_> {
    /// Whether it is of that kind and name.
    fn is_named(&self, kind: XavpKind, name: &[u8]) -> bool {
        self.kind == kind && is_same(kind, self.name, name)
    }
}

/// Whether two names are the same.
fn is_same(kind: XavpKind, left: &[u8], right: &[u8]) -> bool {
    match kind {
        XavpKind::CaseLess => left.eq_ignore_ascii_case(right),
        XavpKind::Stacked | XavpKind::Single | XavpKind::Plain | XavpKind::Contacts => {
            left == right
        }
    }
}

/// The position of the one that an index means, the newest being the last.
fn pick<T>(mut items: impl DoubleEndedIterator<Item = (usize, T)>, index: Index) -> Option<usize> {
    let found = match index {
        Index::None | Index::All => items.next_back(),
        Index::At(at) if at >= 0 => items.nth_back(usize::try_from(at).ok()?),
        Index::At(at) => items.nth(usize::try_from(-1 - at).ok()?),
    };
    found.map(|(position, _)| position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_names_and_indices() {
        for (text, is_path) in [
            ("a", true),
            ("a[0]=>b[-1]", true),
            ("a[*]=>b", true),
            ("", false),
            ("=>b", false),
            ("a=>", false),
            ("a[0", false),
            ("a[x]", false),
            ("a[99999999999]", false),
            ("a=>b=>c", false),
        ] {
            assert_eq!(XavpPath::parse(text.as_bytes()).is_some(), is_path, "{text}");
        }
    }
}
