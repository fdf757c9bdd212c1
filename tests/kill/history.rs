//! What processes commit until they are killed.

use std::error::Error;

use dag_store::{Changes, Cid, DagNode};

/// Commits that follow from their numbers alone: 1 to 3 nodes each, one of which goes some time later.
pub(crate) struct History {
    number: u64,
    /// The first node of the last commit, and the second where there is one.
    last: Vec<Cid>,
}

impl History {
    /// The commits after this one.
    pub(crate) fn up_to(number: u64) -> Result<Self, Box<dyn Error>> {
        let mut history = History { number: 0, last: Vec::new() };
        while history.number < number {
            history.next()?;
        }
        Ok(history)
    }

    /// The next commit.
    pub(crate) fn next(&mut self) -> Result<Changes, Box<dyn Error>> {
        self.number += 1;
        let number = self.number;
        let mut changes = Changes::new();
        if let Some(second) = self.last.get(1).filter(|_| number.is_multiple_of(5)) {
            changes.remove(*second)?;
        }
        let parent = self.last.first().copied();
        self.last.clear();
        for place in 0..=number % 3 {
            let node = DagNode::builder()
                .content(format!("{number}.{place}"))
                .event_type("vote")
                .scope_id(format!("scope {}", number % 4))
                .timestamp(number)
                .parents(parent)
                .build()?;
            self.last.push(node.cid()?);
            changes.insert(node);
        }
        Ok(changes)
    }
}
