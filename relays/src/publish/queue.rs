//! Messages that wait to be transmitted, in order of priority.

use std::collections::VecDeque;

use p2p_core::engine::Priority;

/// Texts that go before an acknowledgement that waits.
const TEXTS_BEFORE_ACK: u8 = 3;

/// Four lanes, each first in, first out, each bounded.
///
/// Control goes first, then text, acknowledgements and chunks. While acknowledgements wait, one goes
/// after every third text: otherwise they would starve at a slow relay, and the peer would send its
/// messages again.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    lanes: [VecDeque<T>; 4],
    limit: usize,
    /// Texts that went since an acknowledgement, while one waited.
    texts: u8,
}

impl<T> Queue<T> {
    /// Returns an empty queue that holds up to `limit` items in each lane.
    pub fn new(limit: usize) -> Self {
        Self { lanes: std::array::from_fn(|_| VecDeque::new()), limit, texts: 0 }
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

    /// Puts an item that was taken back at the head of its lane, whatever the limit.
    pub fn put_back(&mut self, priority: Priority, item: T) {
        self.lane(priority).push_front(item);
    }

    /// Takes the item that goes next.
    pub fn pop(&mut self) -> Option<T> {
        let [control, text, ack, _] = &mut self.lanes;
        if control.is_empty() && !ack.is_empty() {
            if self.texts >= TEXTS_BEFORE_ACK || text.is_empty() {
                self.texts = 0;
                return ack.pop_front();
            }
            self.texts += 1;
        }
        self.lanes.iter_mut().find_map(VecDeque::pop_front)
    }

    /// Returns an item that waits, to be changed.
    pub fn find_mut(&mut self, wanted: impl Fn(&T) -> bool) -> Option<&mut T> {
        self.lanes.iter_mut().flatten().find(|item| wanted(item))
    }

    /// Returns the item that waited longest in each lane.
    pub fn heads(&self) -> impl Iterator<Item = &T> {
        self.lanes.iter().filter_map(VecDeque::front)
    }

    /// Takes items from the head of each lane while `is_over` holds.
    pub fn take_while(&mut self, is_over: impl Fn(&T) -> bool) -> Vec<T> {
        let mut taken = Vec::new();
        for lane in &mut self.lanes {
            while lane.front().is_some_and(&is_over) {
                taken.extend(lane.pop_front());
            }
        }
        taken
    }

    /// Returns whether nothing waits.
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
    fn urgent_items_go_first_and_each_lane_in_order() {
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
    fn a_full_lane_refuses_items_and_delays_no_other_lane() {
        let mut queue = Queue::new(2);
        queue.push(Priority::Chunk, 1).unwrap();
        queue.push(Priority::Chunk, 2).unwrap();
        assert_eq!(queue.push(Priority::Chunk, 3), Err(3));
        assert_eq!(queue.push(Priority::Control, 4), Ok(()));
        assert_eq!(queue.take_while(|n| *n != 2), [4, 1]);
        assert_eq!(queue.pop(), Some(2));
    }

    #[test]
    fn acknowledgements_do_not_wait_behind_all_text() {
        let mut queue = Queue::new(20);
        (1..=10).for_each(|n| queue.push(Priority::Text, format!("text {n}")).unwrap());
        (1..=3).for_each(|n| queue.push(Priority::Ack, format!("ack {n}")).unwrap());
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        let places: Vec<_> = (0..order.len()).filter(|n| order[*n].starts_with("ack")).collect();
        assert_eq!(places, [3, 7, 11]);
    }
}
