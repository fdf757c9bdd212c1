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
