//! The class `Opening`, and what a store on a journal can do besides.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use wasm_bindgen::prelude::wasm_bindgen;

use super::answer::{Answer, settle, write_error};
use super::job::Job;
use super::journal::Journal;
use super::store::DagStore;
use crate::{CommitId, DagError, Limits, Opened, Result, SharedDagStore, recover};

/// A store that is being opened on a journal, or saved from one.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Opening {
    journal: Journal,
    limits: Limits,
    opened: Rc<RefCell<Option<SharedDagStore>>>,
}

#[wasm_bindgen]
impl Opening {
    /// Not begun yet. The store will have these limits.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(
        journal: &Journal,
        block_bytes: usize,
        parents: usize,
        content_depth: usize,
        batch_operations: usize,
        batch_bytes: usize,
        history: usize,
    ) -> Opening {
        let limits = super::store::limits(
            block_bytes,
            parents,
            content_depth,
            batch_operations,
            batch_bytes,
            history,
        );
        Opening { journal: journal.clone(), limits, opened: Rc::default() }
    }

    /// Opens the store; answers what was found.
    pub fn open(&self, job: &Job) -> bool {
        let limits = self.limits.clone();
        let (journal, slot) = (Arc::new(self.journal.clone()), Rc::clone(&self.opened));
        let mut pace = job.pace();
        settle(async move {
            let store = SharedDagStore::open_at(journal, limits, &mut pace, &mut |_| {}).await?;
            pace.finish();
            let opened = store.opened().copied().unwrap_or_default();
            slot.replace(Some(store));
            Ok(opened)
        })
    }

    /// Saves what can be read; answers how far that is, and what is wrong with what comes next.
    pub fn recover(&self) -> bool {
        let (journal, slot) = (self.journal.clone(), Rc::clone(&self.opened));
        settle(async move {
            let recovered = recover(journal).await?;
            slot.replace(Some(recovered.store));
            Ok(Saved { sequence: recovered.sequence, damage: recovered.damage })
        })
    }

    /// The store, once it is there; after that it is no longer here.
    #[must_use]
    pub fn store(&self) -> Option<DagStore> {
        self.opened.take().map(DagStore::of)
    }
}

struct Saved {
    sequence: u64,
    damage: Option<DagError>,
}

/// Its numbers; that of a checkpoint is 0 where there was none.
impl Answer for Opened {
    fn bytes(&self) -> usize {
        4 * size_of::<u64>()
    }

    fn write_piece(&self, _: usize, out: &mut Vec<u8>) -> bool {
        let checkpoint = self.checkpoint.unwrap_or(0);
        for number in [self.sequence, checkpoint, self.commits, self.bytes_cut] {
            number.write(out);
        }
        false
    }
}

/// The number, then whether there is an error, and which.
impl Answer for Saved {
    fn bytes(&self) -> usize {
        size_of::<u64>() + 1
    }

    fn write_piece(&self, _: usize, out: &mut Vec<u8>) -> bool {
        self.sequence.write(out);
        self.damage.is_some().write(out);
        if let Some(error) = &self.damage {
            write_error(error, out);
        }
        false
    }
}

#[wasm_bindgen]
impl DagStore {
    /// Takes in what others have committed; answers how many commits that were.
    pub fn refresh(&self) -> bool {
        let store = self.inner();
        settle(async move { store.refresh().await })
    }

    /// Answers whether the commit with this id has happened.
    #[wasm_bindgen(js_name = hasCommit)]
    pub fn has_commit(&self, id: String) -> bool {
        let store = self.inner();
        settle(async move { store.has_commit(&id.parse::<CommitId>()?).await })
    }

    /// Writes a checkpoint; answers whether this one is in force now.
    pub fn checkpoint(&self, job: &Job) -> bool {
        let store = self.inner();
        let mut pace = job.pace();
        settle(async move {
            let written: Result<bool> = store.checkpoint_at(&mut pace).await;
            pace.finish();
            written
        })
    }
}
