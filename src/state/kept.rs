//! A state as it goes into a checkpoint, and comes out of one.

use std::sync::Arc;

use super::{Recent, State};
use crate::CommitId;
use crate::car;
use crate::news::News;

impl State {
    /// How many commits there were.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// From here on, tells of commits there.
    pub(crate) fn tell_to(&mut self, news: &Arc<News>) {
        self.history.tell_to(Arc::clone(news), self.sequence);
    }

    /// The ids of the last of them.
    pub(crate) fn recent(&self) -> &Recent {
        &self.recent
    }

    /// Writes the nodes from this slot on as sections of a CAR file, until there are so many bytes; gives
    /// the slot after the last.
    pub(crate) fn write_nodes(&self, from: usize, bytes: usize, out: &mut Vec<u8>) -> usize {
        let slots = self.placed.slots.len();
        let mut slot = from;
        while slot < slots && out.len() < bytes {
            if self.is_there(slot) {
                let record = self.placed.arena.get(self.placed.slots[slot].location);
                car::write_section(record.digest, record.block, out);
            }
            slot += 1;
        }
        slot
    }

    /// The ordinals of all nodes, as a checkpoint has them: how many are skipped, how many follow, in
    /// turns.
    pub(crate) fn ordinal_runs(&self) -> Vec<u64> {
        let slots = self.placed.slots.len();
        let (mut runs, mut next, mut run) = (Vec::new(), 0, 0);
        for slot in (0..slots).filter(|slot| self.is_there(*slot)) {
            let ordinal = self.ordinals.of(slot);
            if ordinal > next || runs.is_empty() {
                if run > 0 {
                    runs.push(run);
                }
                runs.push(ordinal - next);
                run = 0;
            }
            run += 1;
            next = ordinal + 1;
        }
        if run > 0 {
            runs.push(run);
        }
        let after = self.ordinals.of(slots);
        if after > next {
            runs.push(after - next);
        }
        runs
    }

    /// Sets the ordinal of the last node.
    pub(crate) fn note_ordinal(&mut self, ordinal: u64) {
        self.ordinals.note(self.placed.slots.len() - 1, ordinal);
    }

    /// Goes on after the commit with this number and the last of these ids, with this ordinal for the
    /// next node.
    pub(crate) fn continue_from(&mut self, sequence: u64, next_ordinal: u64, ids: Vec<CommitId>) {
        self.sequence = sequence;
        // Which commit placed which of the nodes is not known any more.
        self.history.restart(sequence);
        self.ordinals.go_on_with(self.placed.slots.len(), next_ordinal);
        for id in ids {
            self.recent.push(id);
        }
    }
}
