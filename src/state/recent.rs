//! The ids of the last commits, for whoever asks whether one happened.

use std::collections::VecDeque;

use crate::CommitId;

/// How many ids are remembered.
const MOST: usize = 1 << 12;

/// The ids of the last commits of a store with a journal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recent {
    ids: VecDeque<CommitId>,
}

impl Recent {
    /// How many ids are remembered at most.
    pub(crate) const MOST: usize = MOST;

    pub(crate) fn push(&mut self, id: CommitId) {
        if self.ids.len() == MOST {
            self.ids.pop_front();
        }
        self.ids.push_back(id);
    }

    pub(crate) fn contains(&self, id: &CommitId) -> bool {
        self.ids.contains(id)
    }

    /// The ids, the latest last.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &CommitId> {
        self.ids.iter()
    }
}
