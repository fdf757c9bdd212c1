//! The class `Job`.

use std::sync::Arc;

use wasm_bindgen::prelude::wasm_bindgen;

use crate::pace::{self, Pace};

/// A long call, as seen from outside while it runs.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Job {
    job: Arc<pace::Job>,
}

impl Job {
    pub(super) fn pace(&self) -> Pace {
        Pace::of(self.share())
    }

    /// For what waits, and does no work that would have a pace.
    pub(super) fn share(&self) -> Arc<pace::Job> {
        Arc::clone(&self.job)
    }
}

#[wasm_bindgen]
impl Job {
    /// A call that is yet to begin.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> Job {
        Job::default()
    }

    /// Asks the call to end: it answers `ERR_ABORTED`, unless it can't be stopped any more.
    pub fn abort(&self) {
        self.job.abort();
    }

    /// How much is done.
    #[must_use]
    pub fn done(&self) -> usize {
        self.job.done()
    }

    /// How much it is in all, as far as known; 0 before that.
    #[must_use]
    pub fn total(&self) -> usize {
        self.job.total()
    }
}
