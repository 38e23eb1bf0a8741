//! Going through a table in small steps, for who shows all of it.

use super::{AorKey, LocationTable, SHARD_COUNT};
use crate::location::BindingSet;

/// How far a walk through a table has come.
///
/// The list of a shard is gone through from its end: where the sweep takes something out it moves
/// the last entry into the gap, which then is one that was seen. So what stays in the table is
/// seen at least once, and what comes meanwhile may be missed.
#[derive(Debug, Default)]
pub struct Walk {
    shard: usize,
    /// Entries of the shard that are still to be seen; none: it has not begun.
    left: Option<usize>,
    /// Those of one step.
    aors: Vec<AorKey>,
}

impl LocationTable {
    /// Shows the bindings of up to `count` more addresses-of-record; false at the end of the walk.
    /// The lock of a shard is held only while its keys are copied.
    pub fn walk(
        &self,
        walk: &mut Walk,
        count: usize,
        mut show: impl FnMut(&[u8], &BindingSet),
    ) -> bool {
        walk.aors.clear();
        while walk.shard < SHARD_COUNT && walk.aors.len() < count {
            let room = count - walk.aors.len();
            let shard = self.lock(walk.shard);
            let end = walk.left.map_or(shard.aors.len(), |left| left.min(shard.aors.len()));
            let start = end.saturating_sub(room);
            walk.aors.extend_from_slice(&shard.aors[start..end]);
            drop(shard);
            walk.left = Some(start).filter(|start| *start > 0);
            walk.shard += usize::from(start == 0);
        }
        let index = self.index.pin();
        for aor in &walk.aors {
            if let Some(set) = index.get(aor) {
                show(aor, set);
            }
        }
        walk.shard < SHARD_COUNT
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use smallvec::smallvec;

    use super::*;
    use crate::location::{Binding, BindingView, Instance, TableFull};
    use crate::mem::ListenerId;

    /// Binds `aor` until `expires_at`.
    fn bind(table: &LocationTable, aor: &str, expires_at: u32) {
        let view = BindingView {
            contact: b"sip:a@192.0.2.9",
            received: b"",
            path: b"",
            call_id: b"c",
            user_agent: b"",
            instance: Instance::default(),
            q: None,
            listener: ListenerId(0),
            cflags: 0,
        };
        let binding = Binding::new(&view, expires_at, 1).unwrap();
        let set = BindingSet::in_order(smallvec![binding]);
        table.update::<_, TableFull>(aor.as_bytes(), |_| Ok((Some(set), ()))).unwrap();
    }

    /// How often each address-of-record is seen; `between` is called after each step.
    fn seen(table: &LocationTable, count: usize, between: impl Fn()) -> BTreeMap<String, usize> {
        let (mut walk, mut seen) = (Walk::default(), BTreeMap::new());
        loop {
            let mut shown = 0;
            let more = table.walk(&mut walk, count, |aor, _| {
                shown += 1;
                *seen.entry(String::from_utf8(aor.to_vec()).unwrap()).or_insert(0) += 1;
            });
            assert!(shown <= count);
            if !more {
                return seen;
            }
            between();
        }
    }

    #[test]
    fn a_walk_sees_each_user_once() {
        let table = LocationTable::new();
        assert!(seen(&table, 7, || {}).is_empty());
        for number in 0..3_000 {
            bind(&table, &format!("user{number}"), 100);
        }
        let seen = seen(&table, 7, || {});
        assert_eq!(seen.len(), 3_000);
        assert!(seen.values().all(|count| *count == 1));
    }

    #[test]
    fn a_walk_misses_nothing_that_stays_while_others_expire() {
        let table = LocationTable::new();
        for number in 0..4_000 {
            bind(&table, &format!("user{number}"), if number % 2 == 0 { 100 } else { 10 });
        }
        let seen = seen(&table, 5, || {
            table.sweep(50, 200);
        });
        for number in (0..4_000).step_by(2) {
            assert!(seen.contains_key(&format!("user{number}")), "user{number}");
        }
    }

    #[test]
    fn a_walk_of_no_steps_ends_no_walk() {
        let table = LocationTable::new();
        bind(&table, "a", 100);
        let mut walk = Walk::default();
        assert!(table.walk(&mut walk, 0, |_, _| {}));
    }
}
