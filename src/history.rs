//! What a store remembers of its commits, beside the nodes that are in it.

use std::collections::VecDeque;

use crate::CommitId;

/// Which commit placed which nodes: by ordinals, which commits give out in their order.
///
/// Single inserts in a row place one node each, so they are one entry together.
#[derive(Debug)]
pub(crate) struct History {
    /// How many entries are kept.
    most: usize,
    entries: VecDeque<Entry>,
}

/// A commit; or, without an id, any number of single inserts in a row.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The first of its sequence numbers.
    sequence: u64,
    /// Of the first node that it placed.
    ordinal: u64,
    id: Option<CommitId>,
}

impl History {
    /// A history that keeps so many commits. Single inserts in a row count as one.
    pub(crate) fn new(most: usize) -> Self {
        History { most, entries: VecDeque::new() }
    }

    /// Bytes of memory to be allocated for one more commit.
    pub(crate) fn growth(&self) -> usize {
        if self.entries.len() < self.entries.capacity() {
            return 0;
        }
        2 * self.entries.capacity().max(4) * size_of::<Entry>()
    }

    /// Notes that the commit with this sequence number begins, and which ordinal it gives out first.
    pub(crate) fn begin(&mut self, sequence: u64, ordinal: u64, id: CommitId) {
        self.add(Entry { sequence, ordinal, id: Some(id) });
    }

    /// The same of one that inserts a single node, and has no id of its own.
    pub(crate) fn begin_insert(&mut self, sequence: u64, ordinal: u64) {
        if self.entries.back().is_none_or(|last| last.id.is_some()) {
            self.add(Entry { sequence, ordinal, id: None });
        }
    }

    fn add(&mut self, entry: Entry) {
        if self.entries.len() >= self.most {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// The first ordinal that this commit gave out, or would have if it had inserted anything; `None`
    /// where that is forgotten. There must be such a commit.
    pub(crate) fn first_ordinal(&self, sequence: u64) -> Option<u64> {
        let entry = self.entry(sequence)?;
        Some(entry.ordinal + (sequence - entry.sequence))
    }

    fn entry(&self, sequence: u64) -> Option<&Entry> {
        let after = self.entries.partition_point(|entry| entry.sequence <= sequence);
        self.entries.get(after.checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> CommitId {
        CommitId::from([0; 16])
    }

    #[test]
    fn single_inserts_in_a_row_are_one_entry() {
        let mut history = History::new(100);
        for single in 0..1_000 {
            history.begin_insert(1 + single, single);
        }
        assert_eq!(history.entries.len(), 1);
        // A commit of ten nodes, one that only removes, and a single one again.
        history.begin(1_001, 1_000, id());
        history.begin(1_002, 1_010, id());
        history.begin_insert(1_003, 1_010);
        history.begin_insert(1_004, 1_011);
        assert_eq!(history.entries.len(), 4);
        let found: Vec<_> =
            [1, 500, 1_001, 1_002, 1_003, 1_004].map(|of| history.first_ordinal(of)).into();
        let expected = [0, 499, 1_000, 1_010, 1_010, 1_011].map(Some);
        assert_eq!(found, expected);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut history = History::new(3);
        for commit in 1..=10 {
            history.begin(commit, 2 * commit, id());
        }
        assert_eq!(history.first_ordinal(7), None);
        assert_eq!(history.first_ordinal(8), Some(16));
        assert_eq!(history.first_ordinal(10), Some(20));
    }

    #[test]
    fn it_takes_no_more_memory_than_it_said() {
        let mut history = History::new(1 << 10);
        for commit in 0..3_000 {
            let (before, said) = (history.entries.capacity(), history.growth());
            history.begin(commit, commit, id());
            let took = (history.entries.capacity() - before) * size_of::<Entry>();
            assert!(took <= said, "{commit}: {took} > {said}");
        }
    }
}
