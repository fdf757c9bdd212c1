//! What a store remembers of its commits, beside the nodes that are in it.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::digest::{Digest, StateHash};
use crate::news::News;
use crate::{CommitFilter, CommitId};

/// The commits of a store, as far as they are remembered: which of them placed which nodes (by
/// ordinals, which commits give out in their order), and which nodes they removed.
///
/// What they inserted is in the store. So an insertion costs next to nothing here: single ones in a row
/// are one entry together. A removed node is remembered in full, since the store has forgotten it.
#[derive(Debug)]
pub(crate) struct History {
    /// How many entries are kept, and how many removed nodes.
    most: usize,
    entries: VecDeque<Entry>,
    /// In the order in which they were removed.
    removed: VecDeque<Removed>,
    /// The removals of this commit and of all later ones are known.
    whole_from: u64,
    news: Arc<News>,
}

/// A commit; or, without an id, any number of single inserts in a row.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The first of its sequence numbers.
    sequence: u64,
    /// Of the first node that it placed.
    ordinal: u64,
    id: Option<CommitId>,
    state_hash: Option<StateHash>,
}

/// A node that was removed.
#[derive(Debug)]
pub(crate) struct Removed {
    /// Of the commit that removed it.
    pub(crate) sequence: u64,
    pub(crate) ordinal: u64,
    pub(crate) digest: Digest,
    pub(crate) scope: Arc<str>,
    pub(crate) event_type: Box<[u8]>,
}

/// Bytes that a removed node takes, with an event type that is not too long.
const REMOVED: usize = size_of::<Removed>() + 32;

impl Removed {
    /// Whether a filter lets it through.
    pub(crate) fn passes(&self, filter: &CommitFilter) -> bool {
        filter.scope_id.as_deref().is_none_or(|scope| scope == &*self.scope)
            && filter.takes_type(&self.event_type)
    }
}

impl Default for History {
    /// One that remembers nothing.
    fn default() -> Self {
        History::new(0, Arc::default())
    }
}

impl History {
    /// A history that keeps so many commits, of which single inserts in a row count as one, and as many
    /// removed nodes.
    pub(crate) fn new(most: usize, news: Arc<News>) -> Self {
        let (entries, removed) = (VecDeque::new(), VecDeque::new());
        History { most, entries, removed, whole_from: 0, news }
    }

    /// Bytes of memory to be allocated for one more commit that removes so many nodes.
    pub(crate) fn growth(&self, removes: usize) -> usize {
        let removes = removes.min(self.most);
        doubling(&self.entries, 1) + doubling(&self.removed, removes) + removes * REMOVED
    }

    /// Notes that the commit with this sequence number begins, and which ordinal it gives out first.
    pub(crate) fn begin(&mut self, sequence: u64, ordinal: u64, id: CommitId) {
        self.add(Entry { sequence, ordinal, id: Some(id), state_hash: None });
    }

    /// The same of one that inserts a single node, and has no id of its own.
    pub(crate) fn begin_insert(&mut self, sequence: u64, ordinal: u64) {
        if self.entries.back().is_none_or(|last| last.id.is_some()) {
            self.add(Entry { sequence, ordinal, id: None, state_hash: None });
        } else {
            self.news.tell(sequence);
        }
    }

    /// Forgets everything up to the commit with this sequence number, which the next one comes after.
    pub(crate) fn restart(&mut self, sequence: u64) {
        self.entries.clear();
        self.removed.clear();
        self.whole_from = sequence + 1;
        self.news.tell(sequence);
    }

    /// From here on, tells of commits there; the last one so far has this sequence number.
    pub(crate) fn tell_to(&mut self, news: Arc<News>, sequence: u64) {
        self.news = news;
        self.news.tell(sequence);
    }

    fn add(&mut self, entry: Entry) {
        self.entries.push_back(entry);
        if self.entries.len() > self.most {
            self.entries.pop_front();
        }
        self.news.tell(entry.sequence);
    }

    /// Notes a node that the last commit removes.
    pub(crate) fn remove(&mut self, removed: Removed) {
        self.removed.push_back(removed);
        if self.removed.len() > self.most
            && let Some(forgotten) = self.removed.pop_front()
        {
            self.whole_from = forgotten.sequence + 1;
        }
    }

    /// Notes the state hash after the last commit.
    pub(crate) fn set_state_hash(&mut self, state_hash: StateHash) {
        if let Some(last) = self.entries.back_mut().filter(|last| last.id.is_some()) {
            last.state_hash = Some(state_hash);
        }
    }

    /// The first ordinal that this commit gave out, or would have if it had inserted anything; `None`
    /// where that is forgotten. There must be such a commit.
    pub(crate) fn first_ordinal(&self, sequence: u64) -> Option<u64> {
        let entry = self.entry(sequence)?;
        Some(entry.ordinal + (sequence - entry.sequence))
    }

    /// Whether all is known of this commit and those after it.
    pub(crate) fn knows(&self, sequence: u64) -> bool {
        sequence >= self.whole_from && self.entry(sequence).is_some()
    }

    /// The id of a commit, if it had one of its own, and the state hash after it, if that is known.
    pub(crate) fn marks(&self, sequence: u64) -> (Option<CommitId>, Option<StateHash>) {
        self.entry(sequence).map_or((None, None), |entry| (entry.id, entry.state_hash))
    }

    /// The nodes that were removed by this commit and those after it.
    pub(crate) fn removed_from(&self, sequence: u64) -> impl Iterator<Item = &Removed> {
        let first = self.removed.partition_point(|removed| removed.sequence < sequence);
        (first..self.removed.len()).map(|at| &self.removed[at])
    }

    fn entry(&self, sequence: u64) -> Option<&Entry> {
        let after = self.entries.partition_point(|entry| entry.sequence <= sequence);
        self.entries.get(after.checked_sub(1)?)
    }
}

/// Bytes that are allocated where so many more do not fit in.
fn doubling<T>(list: &VecDeque<T>, more: usize) -> usize {
    let needed = list.len() + more;
    if needed <= list.capacity() {
        return 0;
    }
    needed.max(2 * list.capacity()).max(4) * size_of::<T>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(most: usize) -> History {
        History::new(most, Arc::default())
    }

    fn id() -> CommitId {
        CommitId::from([0; 16])
    }

    fn removed(sequence: u64) -> Removed {
        let event_type = b"vote"[..].into();
        Removed { sequence, ordinal: sequence, digest: [0; 32], scope: "s".into(), event_type }
    }

    #[test]
    fn single_inserts_in_a_row_are_one_entry() {
        let mut history = history(100);
        for single in 0..1_000 {
            history.begin_insert(1 + single, single);
        }
        assert_eq!(history.entries.len(), 1);
        // A commit of ten nodes, one that only removes, and single ones again.
        history.begin(1_001, 1_000, id());
        history.begin(1_002, 1_010, id());
        history.begin_insert(1_003, 1_010);
        history.begin_insert(1_004, 1_011);
        assert_eq!(history.entries.len(), 4);
        let found = [1, 500, 1_001, 1_002, 1_003, 1_004].map(|of| history.first_ordinal(of));
        assert_eq!(found, [0, 499, 1_000, 1_010, 1_010, 1_011].map(Some));
        assert_eq!(history.news.last().unwrap(), 1_004);
    }

    #[test]
    fn the_oldest_commits_are_forgotten() {
        let mut history = history(3);
        for commit in 1..=10 {
            history.begin(commit, 2 * commit, id());
        }
        assert_eq!(history.first_ordinal(7), None);
        assert!(!history.knows(7) && history.knows(8));
        assert_eq!(history.first_ordinal(8), Some(16));
        assert_eq!(history.first_ordinal(10), Some(20));
    }

    #[test]
    fn a_commit_whose_removals_are_forgotten_is_not_known_but_its_place_is() {
        let mut history = history(4);
        for commit in 1..=3 {
            history.begin(commit, 0, id());
            history.remove(removed(commit));
            history.remove(removed(commit));
        }
        assert_eq!(history.removed.len(), 4);
        assert!(!history.knows(1) && history.knows(2));
        assert_eq!(history.first_ordinal(1), Some(0));
        assert_eq!(history.removed_from(2).count(), 4);
        assert_eq!(history.removed_from(3).count(), 2);
        // One that removes more than is kept is not known itself.
        history.begin(4, 0, id());
        (0..5).for_each(|_| history.remove(removed(4)));
        assert!(!history.knows(4));
        history.begin_insert(5, 0);
        assert!(history.knows(5));
    }

    #[test]
    fn it_takes_no_more_memory_than_it_said() {
        let mut history = history(1 << 10);
        let bytes = |history: &History| {
            history.entries.capacity() * size_of::<Entry>()
                + history.removed.capacity() * size_of::<Removed>()
        };
        for commit in 0..3_000 {
            let removes = usize::try_from(commit % 5).unwrap();
            let (before, said) = (bytes(&history), history.growth(removes));
            history.begin(commit, commit, id());
            (0..removes).for_each(|_| history.remove(removed(commit)));
            let took = bytes(&history) - before;
            assert!(took <= said, "{commit}: {took} > {said}");
        }
    }
}
