//! Watching: what the class `DagStore` answers about its commits.

use std::pin::pin;

use futures::future::{Either, select};
use wasm_bindgen::prelude::wasm_bindgen;

use super::answer::settle;
use super::job::Job;
use super::options::{self, Packed, fields};
use super::store::DagStore;
use crate::cbor::Reader;
use crate::{ChangeKind, CommitFilter, Result};

#[wasm_bindgen]
impl DagStore {
    /// Answers the sequence number of the last commit.
    pub fn sequence(&self) -> bool {
        let store = self.store.clone();
        settle(async move { store.sequence().await })
    }

    /// Answers the next commit that is asked for, if the job is not aborted before.
    #[wasm_bindgen(js_name = nextCommit)]
    pub fn next_commit(&self, question: &[u8], job: &Job) -> bool {
        let store = self.store.clone();
        let job = job.share();
        let question = options::read::<Question>(question);
        settle(async move {
            let Question { after, filter } = question?;
            let told = pin!(store.next_commit(after, &filter));
            let aborted = pin!(job.aborted());
            match select(told, aborted).await {
                Either::Left((told, _)) => told,
                Either::Right((aborted, _)) => Err(aborted),
            }
        })
    }
}

/// The first commit with something for the filter, after this one.
struct Question {
    after: u64,
    filter: CommitFilter,
}

impl Packed for Question {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self> {
        fields(reader, 2)?;
        Ok(Question { after: Packed::unpack(reader)?, filter: Packed::unpack(reader)? })
    }
}

impl Packed for CommitFilter {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self> {
        fields(reader, 3)?;
        let scope_id = Packed::unpack(reader)?;
        let event_types = Option::<Vec<String>>::unpack(reader)?;
        Ok(CommitFilter {
            scope_id,
            event_types: event_types.map(|types| types.into_iter().map(Into::into).collect()),
            only: match u64::unpack(reader)? {
                1 => Some(ChangeKind::Inserted),
                2 => Some(ChangeKind::Removed),
                _ => None,
            },
        })
    }
}
