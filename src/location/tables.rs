//! All location tables, by name.

use std::sync::{Mutex, OnceLock, PoisonError};

use crossbeam_utils::CachePadded;
use smallvec::SmallVec;

use super::LocationTable;
use crate::limits::LOCATION_TABLE_COUNT_MAX;
use crate::sip::equal;

/// The location tables of a server, shared by its workers. A table comes to be when it is first
/// saved to and then stays.
#[derive(Debug)]
pub struct LocationTables {
    /// Filled from the front; a filled place never changes, so that readers take no lock.
    tables: [OnceLock<CachePadded<Named>>; LOCATION_TABLE_COUNT_MAX],
    /// Held by who adds a table.
    adding: Mutex<()>,
}

/// A table and its name. The name is read for each message: it lies here, and not in an allocation
/// beside something that the worker which added the table writes to.
#[derive(Debug)]
struct Named {
    name: SmallVec<[u8; 32]>,
    table: LocationTable,
}

impl Default for LocationTables {
    fn default() -> Self {
        Self {
            tables: [const { OnceLock::new() }; LOCATION_TABLE_COUNT_MAX],
            adding: Mutex::new(()),
        }
    }
}

impl LocationTables {
    /// No tables.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The table of that name. Most servers have one.
    #[inline(always)]
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&LocationTable> {
        match self.tables[0].get()? {
            first if equal(&first.name, name) => Some(&first.table),
            _ => self.find(name),
        }
    }

    /// The table of that name, wherever it is.
    #[inline(never)]
    fn find(&self, name: &[u8]) -> Option<&LocationTable> {
        self.iter().find(|(given, _)| equal(given, name)).map(|(_, table)| table)
    }

    /// The table of that name, made if there is none; `None` if there are too many.
    pub fn get_or_create(&self, name: &[u8]) -> Option<&LocationTable> {
        if let Some(table) = self.get(name) {
            return Some(table);
        }
        let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = self.get(name) {
            return Some(table);
        }
        let place = self.tables.iter().find(|place| place.get().is_none())?;
        let named = || CachePadded::new(Named { name: name.into(), table: LocationTable::new() });
        Some(&place.get_or_init(named).table)
    }

    /// All tables with their names, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &LocationTable)> {
        self.tables.iter().map_while(OnceLock::get).map(|named| (&*named.name, &named.table))
    }

    /// Removes some of the expired bindings of each table, looking at no more than `budget`
    /// addresses-of-record of each, and going on where the last call stopped; how many these
    /// were.
    pub fn sweep(&self, now: u32, budget: usize) -> usize {
        self.iter().map(|(_, table)| table.sweep(now, budget)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // L01
    #[test]
    fn tables_are_told_apart_by_name() {
        let tables = LocationTables::new();
        assert!(tables.get(b"location").is_none());
        let location: *const LocationTable = tables.get_or_create(b"location").unwrap();
        let aliases: *const LocationTable = tables.get_or_create(b"aliases").unwrap();
        assert!(std::ptr::eq(location, tables.get_or_create(b"location").unwrap()));
        assert!(std::ptr::eq(aliases, tables.get(b"aliases").unwrap()));
        assert!(!std::ptr::eq(location, aliases));
        let names: Vec<&[u8]> = tables.iter().map(|(name, _)| name).collect();
        assert_eq!(names, [&b"location"[..], b"aliases"]);
    }

    #[test]
    fn there_are_so_many_tables_and_no_more() {
        let tables = LocationTables::new();
        for number in 0..LOCATION_TABLE_COUNT_MAX {
            assert!(tables.get_or_create(number.to_string().as_bytes()).is_some());
        }
        assert!(tables.get_or_create(b"one more").is_none());
        assert!(tables.get_or_create(b"0").is_some());
    }

    #[test]
    fn tables_can_be_shared_by_threads() {
        const fn shared<T: Send + Sync + 'static>() {}
        shared::<LocationTables>();
    }
}
