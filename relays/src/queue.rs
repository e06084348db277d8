//! What waits to be transmitted, in order of priority.

use std::collections::VecDeque;

use p2p_core::engine::Priority;

/// Four lanes, each first in, first out, each bounded.
#[derive(Debug)]
pub(super) struct Queue<T> {
    lanes: [VecDeque<T>; 4],
    limit: usize,
}

impl<T> Queue<T> {
    /// An empty queue that holds up to `limit` items in each lane.
    pub fn new(limit: usize) -> Self {
        Self { lanes: std::array::from_fn(|_| VecDeque::new()), limit }
    }

    /// Puts an item last in its lane; hands it back when the lane is full.
    pub fn push(&mut self, priority: Priority, item: T) -> Result<(), T> {
        let limit = self.limit;
        let lane = self.lane(priority);
        if lane.len() >= limit {
            return Err(item);
        }
        lane.push_back(item);
        Ok(())
    }

    /// Puts back first in its lane what was taken out of it: the limit does not bind.
    pub fn put_back(&mut self, priority: Priority, item: T) {
        self.lane(priority).push_front(item);
    }

    /// Takes the most urgent item that waited longest.
    pub fn pop(&mut self) -> Option<T> {
        self.lanes.iter_mut().find_map(VecDeque::pop_front)
    }

    /// An item that waits, to be changed.
    pub fn find_mut(&mut self, wanted: impl Fn(&T) -> bool) -> Option<&mut T> {
        self.lanes.iter_mut().flatten().find(|item| wanted(item))
    }

    /// The item that waited longest in each lane.
    pub fn heads(&self) -> impl Iterator<Item = &T> {
        self.lanes.iter().filter_map(VecDeque::front)
    }

    /// Takes from the head of each lane what `is_over`.
    pub fn take_while(&mut self, is_over: impl Fn(&T) -> bool) -> Vec<T> {
        let mut taken = Vec::new();
        for lane in &mut self.lanes {
            while lane.front().is_some_and(&is_over) {
                taken.extend(lane.pop_front());
            }
        }
        taken
    }

    pub fn is_empty(&self) -> bool {
        self.lanes.iter().all(VecDeque::is_empty)
    }

    fn lane(&mut self, priority: Priority) -> &mut VecDeque<T> {
        match priority {
            Priority::Control => &mut self.lanes[0],
            Priority::Text => &mut self.lanes[1],
            Priority::Ack => &mut self.lanes[2],
            Priority::Chunk => &mut self.lanes[3],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_urgent_goes_first_and_each_lane_in_order() {
        let mut queue = Queue::new(10);
        for (priority, item) in [
            (Priority::Chunk, "chunk 1"),
            (Priority::Ack, "ack 1"),
            (Priority::Text, "text 1"),
            (Priority::Chunk, "chunk 2"),
            (Priority::Text, "text 2"),
            (Priority::Control, "control 1"),
        ] {
            queue.push(priority, item).unwrap();
        }
        queue.put_back(Priority::Text, "text 0");
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        let want = ["control 1", "text 0", "text 1", "text 2", "ack 1", "chunk 1", "chunk 2"];
        assert_eq!(order, want);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_full_lane_refuses_and_holds_up_no_other() {
        let mut queue = Queue::new(2);
        queue.push(Priority::Chunk, 1).unwrap();
        queue.push(Priority::Chunk, 2).unwrap();
        assert_eq!(queue.push(Priority::Chunk, 3), Err(3));
        assert_eq!(queue.push(Priority::Control, 4), Ok(()));
        assert_eq!(queue.take_while(|n| *n != 2), [4, 1]);
        assert_eq!(queue.pop(), Some(2));
    }
}
