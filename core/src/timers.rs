//! Deadlines in order of time: setting one costs a logarithm, and finding the next one nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::time::Time;

/// A deadline for each key.
#[derive(Debug)]
pub struct Timers<K> {
    deadlines: BTreeMap<K, Time>,
    queue: BTreeSet<(Time, K)>,
}

impl<K: Copy + Ord> Timers<K> {
    /// Returns a queue without deadlines.
    pub fn new() -> Self {
        Self { deadlines: BTreeMap::new(), queue: BTreeSet::new() }
    }

    /// Sets the deadline of a key, in place of an earlier one; `None` removes it.
    pub fn set(&mut self, key: K, at: Option<Time>) {
        let before = match at {
            Some(at) => self.deadlines.insert(key, at),
            None => self.deadlines.remove(&key),
        };
        if before == at {
            return;
        }
        if let Some(before) = before {
            self.queue.remove(&(before, key));
        }
        if let Some(at) = at {
            self.queue.insert((at, key));
        }
    }

    /// Returns the earliest deadline.
    pub fn next(&self) -> Option<Time> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Takes out the keys whose deadline has come, in the order of the keys.
    pub fn take_due(&mut self, now: Time) -> Vec<K> {
        let mut due = Vec::new();
        while let Some((at, key)) = self.queue.first().copied().filter(|(at, _)| *at <= now) {
            self.queue.remove(&(at, key));
            self.deadlines.remove(&key);
            due.push(key);
        }
        due.sort_unstable();
        due
    }

    /// Returns every key that has a deadline.
    pub fn keys(&self) -> impl Iterator<Item = K> + '_ {
        self.deadlines.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_deadline_and_the_earliest_comes_first() {
        let mut timers = Timers::new();
        let at = Time::from_secs;
        assert_eq!(timers.next(), None);
        timers.set('a', Some(at(3)));
        timers.set('b', Some(at(2)));
        timers.set('c', Some(at(9)));
        assert_eq!(timers.next(), Some(at(2)));
        timers.set('b', Some(at(5)));
        assert_eq!(timers.next(), Some(at(3)));
        timers.set('a', None);
        assert_eq!(timers.next(), Some(at(5)));
        assert!(timers.take_due(at(4)).is_empty());
        timers.set('a', Some(at(7)));
        assert_eq!(timers.take_due(at(8)), ['a', 'b']);
        assert_eq!(timers.next(), Some(at(9)));
        assert_eq!(timers.keys().collect::<Vec<_>>(), ['c']);
    }
}
