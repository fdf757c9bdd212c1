//! What keeps the insertion order across rebuilds.

/// What orders slots across rebuilds: an ordinal that a node keeps for as long as it is there.
#[derive(Debug, Default)]
pub(super) struct Ordinals {
    /// Of the slots that came through the last rebuild.
    pub(super) rebuilt: Vec<u64>,
    /// What to add to the slots after them.
    pub(super) shift: u64,
}

impl Ordinals {
    pub(super) fn of(&self, slot: usize) -> u64 {
        self.rebuilt.get(slot).copied().unwrap_or(slot as u64 + self.shift)
    }

    /// The first slot with this ordinal or a higher one.
    pub(super) fn first_from(&self, ordinal: u64) -> usize {
        ordinal.checked_sub(1).map_or(0, |before| self.first_after(before))
    }

    /// Sets the ordinal of a slot, the last there is.
    pub(super) fn note(&mut self, slot: usize, ordinal: u64) {
        // As long as each is its slot's own number, nothing has to be kept.
        if self.rebuilt.is_empty() && ordinal != slot as u64 {
            self.rebuilt.extend(0..slot as u64);
        }
        if !self.rebuilt.is_empty() || ordinal != slot as u64 {
            self.rebuilt.push(ordinal);
        }
    }

    /// Goes on with this ordinal at this slot, the first after the last there is.
    pub(super) fn go_on_with(&mut self, slot: usize, ordinal: u64) {
        if self.rebuilt.is_empty() {
            // What comes after them must not be taken for one of them.
            self.rebuilt.extend(0..if ordinal == slot as u64 { 0 } else { slot as u64 });
        }
        self.shift = ordinal - slot as u64;
    }

    /// The first slot with a higher ordinal.
    pub(super) fn first_after(&self, ordinal: u64) -> usize {
        match self.rebuilt.last() {
            Some(last) if *last > ordinal => self.rebuilt.partition_point(|of| *of <= ordinal),
            _ => {
                let slot = (ordinal + 1).saturating_sub(self.shift);
                usize::try_from(slot).unwrap_or(usize::MAX).max(self.rebuilt.len())
            }
        }
    }
}
