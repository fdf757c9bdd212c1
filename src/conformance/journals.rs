//! The contract of [`Journal`] in code.

mod appends;
mod checkpoints;
mod faults;
mod stores;

use std::fmt::{self, Debug};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt as _;

use super::failure::{Outcome, precondition};
use super::{Check, Report, sample};
use crate::segment;
use crate::{
    BoxFuture, Commit, CommitId, Journal, MaybeSend, MaybeSync, Result, Segment, StateHash, Tip,
    Writers,
};

/// Opens journals to try. Any `Fn(usize) -> impl Future<Output = Result<Arc<dyn Journal>>>` is one.
pub trait JournalFactory: MaybeSend + MaybeSync {
    /// Opens the journal of this number: a new and empty one for a number that was not there before,
    /// the same one again for one that was. Numbers come in order, 0 first; there are fewer than
    /// [`JournalLab::MEDIA`].
    fn open(&self, number: usize) -> BoxFuture<'_, Result<Arc<dyn Journal>>>;
}

impl<F, Opening> JournalFactory for F
where
    F: Fn(usize) -> Opening + MaybeSend + MaybeSync,
    Opening: Future<Output = Result<Arc<dyn Journal>>> + MaybeSend + 'static,
{
    fn open(&self, number: usize) -> BoxFuture<'_, Result<Arc<dyn Journal>>> {
        Box::pin(self(number))
    }
}

/// Where journals are tried. A clone is the same lab.
#[derive(Clone)]
pub struct JournalLab {
    factory: Arc<dyn JournalFactory>,
    next: Arc<AtomicUsize>,
    stride: usize,
}

impl JournalLab {
    /// More journals than a run of all checks opens.
    pub const MEDIA: usize = 1 << 10;

    /// A lab that tries the journals of this factory.
    pub fn new(factory: impl JournalFactory + 'static) -> Self {
        JournalLab { factory: Arc::new(factory), next: Arc::default(), stride: 1 }
    }

    /// Of the hundreds of pairs of faults, each on a journal of its own, tries only every so-many-th: for media on which
    /// it takes long to make one. 7 still has each fault in each place; 0 is as 1.
    #[must_use]
    pub fn sparing(mut self, stride: usize) -> Self {
        self.stride = stride.max(1);
        self
    }

    /// A new and empty journal.
    fn place(&self) -> Place {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Place { factory: Arc::clone(&self.factory), number }
    }

    /// A new and empty journal, opened.
    async fn journal(&self) -> Outcome<(Place, Arc<dyn Journal>)> {
        let place = self.place();
        let journal = place.open().await?;
        precondition(journal.read(0, usize::MAX).await?.is_empty(), "a journal that is empty")?;
        Ok((place, journal))
    }
}

impl Debug for JournalLab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalLab").finish_non_exhaustive()
    }
}

/// Where one journal is, opened or not.
#[derive(Clone)]
struct Place {
    factory: Arc<dyn JournalFactory>,
    number: usize,
}

impl Place {
    async fn open(&self) -> Result<Arc<dyn Journal>> {
        self.factory.open(self.number).await
    }

    /// A second handle on a journal that many may write, else the same one, closed and opened anew.
    async fn again(&self, journal: &Arc<dyn Journal>) -> Result<Arc<dyn Journal>> {
        if journal.promises().writers == Writers::One {
            journal.close().await?;
        }
        self.open().await
    }
}

/// Every check of the contract of journals.
pub fn journal_checks() -> impl Iterator<Item = &'static Check<JournalLab>> {
    [appends::CHECKS, checkpoints::CHECKS, stores::CHECKS, faults::CHECKS].into_iter().flatten()
}

/// Runs every check of the contract of journals, one after the other.
pub async fn run_journal(factory: impl JournalFactory + 'static) -> Report<JournalLab> {
    Report::of(journal_checks(), &JournalLab::new(factory)).await
}

/// Segments that follow one another after this commit, of so many nodes each; the content of the
/// nodes has so many bytes.
fn segments_after(after: Tip, name: &str, sizes: &[(usize, usize)]) -> Outcome<Vec<Segment>> {
    let mut tip = after;
    let mut segments = Vec::new();
    for (nodes, bytes) in sizes {
        let content = |at| format!("{name} {} {at} {}", tip.sequence, "x".repeat(*bytes));
        let nodes =
            (0..*nodes).map(|at| sample::root(&content(at))).collect::<Outcome<Vec<_>>>()?;
        let inserted = sample::cids(&nodes)?;
        let commit = Commit::new(tip.sequence + 1, CommitId::random(), inserted, Vec::new())
            .with_state_hash(StateHash::from([7; 32]));
        let segment = segment::write(&tip, &commit, nodes.iter());
        tip = segment.tip();
        segments.push(segment);
    }
    Ok(segments)
}

/// Everything after this commit, read in pages of about so many bytes.
async fn read_all(journal: &dyn Journal, after: u64, max_bytes: usize) -> Result<Vec<Segment>> {
    let mut all: Vec<Segment> = Vec::new();
    loop {
        let last = all.last().map_or(after, |segment| segment.sequence);
        let page = journal.read(last, max_bytes).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// The parts of the checkpoint in force, joined.
async fn checkpoint_bytes(journal: &dyn Journal) -> Result<Option<Vec<u8>>> {
    let Some(checkpoint) = journal.checkpoint().await? else { return Ok(None) };
    let parts = futures::stream::try_unfold(0, |number| async move {
        let part = journal.read_checkpoint(checkpoint, number).await?;
        Ok::<_, crate::DagError>(part.map(|part| (part, number + 1)))
    });
    let parts: Vec<Result<Vec<u8>>> = parts.collect().await;
    Ok(Some(parts.into_iter().collect::<Result<Vec<_>>>()?.concat()))
}
