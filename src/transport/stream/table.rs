//! The connections of a worker.

use mio::Token;

use super::connection::Connection;
use crate::connections::ConnectionId;

/// The connections of a worker, found by their numbers in one step. A number is never used again:
/// who still has that of a connection that is gone finds nothing.
#[derive(Debug)]
pub(super) struct Table<C = Connection> {
    entries: Vec<Entry<C>>,
    /// Positions that are free.
    free: Vec<u32>,
}

/// A position of the table.
#[derive(Debug)]
struct Entry<C> {
    generation: u32,
    connection: Option<Box<C>>,
}

/// Set in the tokens of connections; those of listeners are small, that of the waker has all bits.
const CONNECTION: usize = 1 << 63;

impl<C> Default for Table<C> {
    fn default() -> Self {
        Self { entries: Vec::new(), free: Vec::new() }
    }
}

impl<C> Table<C> {
    /// A number that nothing has yet.
    pub(super) fn reserve(&mut self) -> ConnectionId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.entries.push(Entry { generation: 0, connection: None });
            (self.entries.len() - 1) as u32
        });
        ConnectionId { index, generation: self.entries[index as usize].generation }
    }

    /// Puts a connection under the number that was reserved for it.
    pub(super) fn put(&mut self, id: ConnectionId, connection: C) -> &mut C {
        let entry = &mut self.entries[id.index as usize];
        entry.connection.insert(Box::new(connection))
    }

    /// The connection with that number, if it is there still.
    pub(super) fn get(&mut self, id: ConnectionId) -> Option<&mut C> {
        let entry = self.entries.get_mut(id.index as usize)?;
        entry.connection.as_deref_mut().filter(|_| entry.generation == id.generation)
    }

    /// Takes a connection out, or gives a number back that was reserved.
    pub(super) fn remove(&mut self, id: ConnectionId) -> Option<Box<C>> {
        let entry = self.entries.get_mut(id.index as usize)?;
        if entry.generation != id.generation {
            return None;
        }
        entry.generation = (entry.generation + 1) % GENERATION_COUNT;
        self.free.push(id.index);
        entry.connection.take()
    }

    /// The numbers of all connections.
    pub(super) fn ids(&self) -> Vec<ConnectionId> {
        let entries = (0..).zip(&self.entries);
        let present = entries.filter(|(_, entry)| entry.connection.is_some());
        present
            .map(|(index, Entry { generation, .. })| ConnectionId {
                index,
                generation: *generation,
            })
            .collect()
    }
}

/// Generations begin anew after these, so that no token is that of the waker.
const GENERATION_COUNT: u32 = (1 << 31) - 1;

/// The token of a connection.
pub(super) const fn token(id: ConnectionId) -> Token {
    Token(CONNECTION | (id.generation as usize) << 32 | id.index as usize)
}

/// The connection of a token, if it is one of a connection.
pub(super) fn connection_of(token: Token) -> Option<ConnectionId> {
    let Token(bits) = token;
    let id =
        ConnectionId { index: bits as u32, generation: (bits >> 32) as u32 & GENERATION_COUNT };
    (bits & CONNECTION != 0).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_that_of_one_connection_only() {
        let mut table = Table::default();
        let ids: Vec<_> = (0..3)
            .map(|name| {
                let id = table.reserve();
                table.put(id, name);
                id
            })
            .collect();
        assert_eq!(table.remove(ids[1]), Some(Box::new(1)));
        assert_eq!(table.remove(ids[1]), None);
        let next = table.reserve();
        assert_eq!((next.index, next.generation), (ids[1].index, 1));
        assert_eq!(table.get(next), None, "only reserved");
        table.put(next, 9);
        assert_eq!(table.get(ids[1]), None);
        assert_eq!(table.get(next), Some(&mut 9));
        assert_eq!(table.ids(), [ids[0], next, ids[2]]);
        assert_eq!(table.get(ConnectionId { index: 77, generation: 0 }), None);
    }

    #[test]
    fn a_token_names_a_connection_and_nothing_else() {
        for id in [(0, 0), (7, 1), (u32::MAX, GENERATION_COUNT - 1)] {
            let id = ConnectionId { index: id.0, generation: id.1 };
            assert_eq!(connection_of(token(id)), Some(id));
            assert_ne!(token(id), Token(usize::MAX));
        }
        assert_eq!(connection_of(Token(3)), None);
    }
}
