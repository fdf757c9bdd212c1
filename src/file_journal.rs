//! A journal in one file.

mod format;
mod lock;
mod log;
mod process;
mod window;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;

use crate::file_journal::format::Marker;
use crate::file_journal::log::Log;
use crate::platform::{self, BoxFuture, BoxStream};
use crate::{
    Checkpoint, DagError, Durability, ErrorKind, Journal, Medium, Promises, Result, Segment, Tip,
    Writers,
};

/// Bytes that one append takes, which a store may be told to make into one commit: 1 GiB.
const MAX_APPEND: u64 = 1 << 30;

/// A journal in one file, which one process writes. The npm package's `dag-store/file` reads and writes the
/// same files.
///
/// A commit is acknowledged once it is on the medium (`fdatasync`). Its bytes are in `docs/spec.md`, section
/// "The journal file".
///
/// # One writer
///
/// While a journal is open, a file beside it, `PATH.lock`, names the process. Opening is refused as
/// [`ErrorKind::Locked`] while that runs; where it is gone, the lock is taken over. Whether it runs can
/// be told by processes of the same machine (and container) alone; for the others the error
/// says which file to remove once that process surely is gone. On Windows it can't be told at all.
///
/// # Failures
///
/// - A record that is not sound, with no later one after it, is a write that broke off: opening cuts
///   it off, and [`Medium::bytes_cut`] tells. Rot in the very last record looks the same.
/// - Any other damage is [`ErrorKind::Corrupt`], with the offset. [`open_read_only`](Self::open_read_only)
///   reads what stands before it, for [`recover`](crate::recover()).
/// - A full disk is [`ErrorKind::Quota`]: what was begun is taken back, and all goes on.
/// - Where the medium does not confirm a write, the commit is of [`ErrorKind::OutcomeUnknown`], and the
///   journal must be opened again. `fdatasync` is never called again after it failed.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use dag_store::{FileJournal, Journal as _, Segment, Tip};
///
/// # let folder = std::env::temp_dir().join(format!("dag-store-example-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// let journal = FileJournal::open(folder.join("history.dag")).await?;
/// assert!(journal.read(0, 1 << 20).await?.is_empty());
/// journal.close().await?;
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), dag_store::DagError>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct FileJournal {
    /// `None` once closed.
    log: Arc<Mutex<Option<Log>>>,
    marker: Marker,
}

impl FileJournal {
    /// Opens a journal, or makes it where there is no file of that name; its folder must be there.
    ///
    /// [`ErrorKind::Locked`] where it is open already; [`ErrorKind::Corrupt`] where the file is damaged, or
    /// is none of ours; [`ErrorKind::UnsupportedVersion`] where a later version has written it.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        platform::unblock(move || Log::open(&path)).await.map(Self::of)
    }

    /// Opens a journal to read it, as far as it can be read: what follows some damage is not given, and
    /// reading on is [`ErrorKind::Corrupt`]. Takes no lock, and changes nothing.
    ///
    /// Commits that another process appends meanwhile are not seen.
    pub async fn open_read_only(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        platform::unblock(move || Log::open_read_only(&path)).await.map(Self::of)
    }

    fn of(log: Log) -> Self {
        let marker = log.marker();
        FileJournal { log: Arc::new(Mutex::new(Some(log))), marker }
    }

    /// Does something with the file, where that may block.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Log) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let log = Arc::clone(&self.log);
        platform::unblock(move || {
            // Poisoned by a panic in the midst of something: nothing is sure.
            let mut log = log.lock().map_err(|_| {
                DagError::new(ErrorKind::NeedsReopen, "an earlier operation panicked")
            })?;
            work(log.as_mut().ok_or_else(closed)?)
        })
        .await
    }
}

impl Journal for FileJournal {
    fn promises(&self) -> Promises {
        Promises::new(Durability::Strict, Writers::One)
            .with_checkpoints()
            .with_max_append(MAX_APPEND)
    }

    fn append<'a>(&'a self, after: Tip, segments: &'a [Segment]) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let numbers = (1..).map(|place| after.sequence.checked_add(place));
            let numbered =
                segments.iter().zip(numbers).all(|(it, number)| Some(it.sequence) == number);
            // None of them is no change.
            let tip = segments.last().map_or(after, Segment::tip);
            let tip = numbered.then_some(tip);
            let record = format::record_of(segments, self.marker)?;
            self.with(move |log| log.append(after, tip, &record)).await
        })
    }

    fn read(&self, after: u64, max_bytes: usize) -> BoxFuture<'_, Result<Vec<Segment>>> {
        Box::pin(self.with(move |log| log.read(after, max_bytes)))
    }

    fn checkpoint(&self) -> BoxFuture<'_, Result<Option<Checkpoint>>> {
        Box::pin(self.with(|log| log.checkpoint()))
    }

    fn read_checkpoint(
        &self,
        checkpoint: Checkpoint,
        part: u64,
    ) -> BoxFuture<'_, Result<Option<Vec<u8>>>> {
        Box::pin(self.with(move |log| log.part(checkpoint, part)))
    }

    fn write_checkpoint<'a>(
        &'a self,
        checkpoint: Checkpoint,
        mut parts: BoxStream<'a, Result<Vec<u8>>>,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let Some(mut draft) = self.with(move |log| log.draft(checkpoint)).await? else {
                return Ok(false);
            };
            while let Some(part) = parts.next().await {
                let part = part?;
                draft = platform::unblock(move || draft.add(&part).map(|()| draft)).await?;
            }
            self.with(move |log| log.switch(draft)).await
        })
    }

    fn status(&self) -> BoxFuture<'_, Result<Medium>> {
        Box::pin(self.with(|log| {
            let (bytes_used, bytes_cut) = (Some(log.bytes()), log.cut());
            Ok(Medium { bytes_used, bytes_cut, ..Medium::default() })
        }))
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        let log = Arc::clone(&self.log);
        Box::pin(platform::unblock(move || {
            let mut log = log.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            // Releases the lock too.
            log.take().map(drop).ok_or_else(closed)
        }))
    }
}

fn closed() -> DagError {
    DagError::new(ErrorKind::Closed, "the journal is closed")
}

/// What a system call failed with, as an error that says what to do about it.
fn storage_error(what: &str, path: &Path, error: io::Error) -> DagError {
    let full = matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    );
    let kind = if full { ErrorKind::Quota } else { ErrorKind::Storage };
    DagError::new(kind, format!("{what} {} failed", path.display())).with_source(error)
}
