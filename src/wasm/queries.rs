//! The class `DagStore`: counting, and comparing.

use std::sync::Arc;

use wasm_bindgen::prelude::wasm_bindgen;

use super::answer::{Answer, PIECE, SMALL, if_there_is_room, settle, write_text};
use super::job::Job;
use super::options;
use super::store::DagStore;
use crate::{Comparison, ListQuery, Scope};

#[wasm_bindgen]
impl DagStore {
    /// Answers how many nodes match the filters of a list.
    pub fn count(&self, options: &[u8], job: &Job) -> bool {
        let options = options::read::<ListQuery>(options);
        let store = self.store.clone();
        let mut pace = job.pace();
        settle(async move { store.count_at(&mut pace, &options?).await })
    }

    /// Answers so many scopes, those after this one.
    pub fn scopes(&self, after: Option<String>, limit: usize) -> bool {
        let store = self.store.clone();
        settle(async move { if_there_is_room(store.scopes(after.as_deref(), limit).await) })
    }

    /// Answers how this store, or a scope of it, differs from another.
    pub fn compare(&self, other: &DagStore, scope_id: Option<String>, job: &Job) -> bool {
        let mut comparison = self.store.compare(&Arc::new(other.store.clone()));
        if let Some(scope_id) = scope_id {
            comparison = comparison.scope_id(scope_id);
        }
        let mut pace = job.pace();
        settle(async move { if_there_is_room(comparison.at(&mut pace).await) })
    }
}

impl Answer for Scope {
    fn bytes(&self) -> usize {
        SMALL + self.id.len()
    }

    fn write_piece(&self, _: usize, out: &mut Vec<u8>) -> bool {
        write_text(&self.id, out);
        self.nodes.write(out);
        false
    }
}

impl Answer for Comparison {
    fn bytes(&self) -> usize {
        SMALL + self.only_here.bytes() + self.only_there.bytes()
    }

    fn write_piece(&self, piece: usize, out: &mut Vec<u8>) -> bool {
        if piece == 0 {
            self.visited.write(out);
            self.state_hashes.iter().for_each(|hash| hash.write(out));
        }
        let of_here = self.only_here.len().div_ceil(PIECE).max(1);
        match piece.checked_sub(of_here) {
            None => {
                self.only_here.write_piece(piece, out);
                true
            }
            Some(piece) => self.only_there.write_piece(piece, out),
        }
    }
}
