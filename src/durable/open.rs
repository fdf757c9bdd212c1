//! Opening a store on a journal, and saving what can be from one that is damaged.

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use futures::future::join;

use super::Durable;
use super::tail::{self, READ};
use crate::checkpoint::CheckpointReader;
use crate::pace::{self, Pace};
use crate::platform::{BoxFuture, MaybeSend};
use crate::state::State;
use crate::{DagError, ErrorKind, Journal, Limits, Result, SharedDagStore, Tip};

/// What opening a store found in its journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened {
    /// The last commit's place in the history; 0 where the journal was empty.
    pub sequence: u64,
    /// The place of the commit whose checkpoint was read, if there was one.
    pub checkpoint: Option<u64>,
    /// How many commits were replayed, after that.
    pub commits: u64,
    /// Bytes that the journal had cut off its end: of a commit that broke off before it was
    /// acknowledged.
    pub bytes_cut: u64,
}

/// How far the opening of a store has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The place in the history of the commit it has come to.
    pub sequence: u64,
    /// How many nodes there are in the store at that commit.
    pub nodes: u64,
    /// Bytes of the journal that were read, and checked.
    pub bytes_read: u64,
    /// Bytes of the journal in all, if it knows.
    pub bytes: Option<u64>,
}

/// A store that is being opened: awaited it is a [`SharedDagStore`]. Made by
/// [`SharedDagStore::open`].
///
/// Dropped while it is awaited, it gives the opening up.
#[must_use = "nothing happens before it is awaited"]
pub struct Open<'a> {
    journal: Arc<dyn Journal>,
    limits: Limits,
    progress: Box<dyn Tell + 'a>,
}

pub(crate) trait Tell: MaybeSend {
    fn tell(&mut self, progress: Progress);
}

impl<F: FnMut(Progress) + MaybeSend> Tell for F {
    fn tell(&mut self, progress: Progress) {
        self(progress);
    }
}

impl<'a> Open<'a> {
    /// Sets the limits of the store. A journal that holds more than they allow is not opened.
    pub fn limits(self, limits: Limits) -> Self {
        Open { limits, ..self }
    }

    /// Tells how far it is, again and again.
    pub fn on_progress(self, tell: impl FnMut(Progress) + MaybeSend + 'a) -> Self {
        Open { progress: Box::new(tell), ..self }
    }
}

impl<'a> IntoFuture for Open<'a> {
    type Output = Result<SharedDagStore>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Open { journal, limits, mut progress } = self;
        Box::pin(async move {
            SharedDagStore::open_at(journal, limits, &mut Pace::default(), &mut *progress).await
        })
    }
}

impl fmt::Debug for Open<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open")
            .field("journal", &self.journal)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl SharedDagStore {
    /// Opens a store on a journal: all that was committed through it is there, and all that will be
    /// committed outlives the store. To be awaited; before that, [`limits`](Open::limits) and
    /// [`on_progress`](Open::on_progress) can be set.
    ///
    /// The newest checkpoint is read, and the commits after it are replayed; every hash is checked.
    /// [`ErrorKind::Corrupt`] names the first commit that is not as it was written; then
    /// [`recover`](crate::recover()) gives what comes before it. Where opening fails, the journal is
    /// closed.
    ///
    /// A commit then resolves once the journal has it, and has its state hash. Reads never wait for
    /// that. Commits that wait at the same time are appended as one group, each with its own outcome.
    /// Where a commit fails with [`ErrorKind::OutcomeUnknown`], the store answers nothing more
    /// ([`ErrorKind::NeedsReopen`]); once it is opened anew, [`has_commit`](Self::has_commit) tells
    /// whether it happened.
    ///
    /// A commit is carried on by whoever waits for it, or for another one of the same store: so poll its
    /// future to its end, or drop it, and don't just hold it. Dropped, it has had its whole effect or
    /// none by the time that the next commit, or [`close`](Self::close), has come to its end.
    ///
    /// A journal may have [several writers](crate::Writers::Many). What others have committed is seen
    /// once this store commits something itself, or [`refresh`](Self::refresh) is called. A commit that
    /// comes second is checked again on what the first one did, and [`ErrorKind::Contended`] only after
    /// many times.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// use dag_store::{Limits, MemoryJournal, SharedDagStore};
    ///
    /// let journal = MemoryJournal::new();
    /// let store = SharedDagStore::open(journal)
    ///     .limits(Limits::default().with_parents(16))
    ///     .on_progress(|progress| println!("{} nodes", progress.nodes))
    ///     .await?;
    /// assert_eq!(store.opened().unwrap().commits, 0);
    /// # Ok::<(), dag_store::DagError>(())
    /// # }).unwrap();
    /// ```
    pub fn open<'a>(journal: impl Journal + 'static) -> Open<'a> {
        Open { journal: Arc::new(journal), limits: Limits::default(), progress: Box::new(|_| {}) }
    }

    /// What opening this store found; `None` for one without a journal.
    #[must_use]
    pub fn opened(&self) -> Option<&Opened> {
        self.durable().map(|durable| &durable.opened)
    }

    pub(crate) async fn open_at(
        journal: Arc<dyn Journal>,
        limits: Limits,
        pace: &mut Pace,
        progress: &mut dyn Tell,
    ) -> Result<Self> {
        let limits = limits.capped();
        let mut reading = Reading::new(&*journal, &limits);
        match reading.all(pace, progress).await {
            Ok(()) => {
                let Reading { state, tip, mut opened, .. } = reading;
                opened.sequence = tip.sequence;
                let durable = Durable::new(Arc::clone(&journal), opened, tip);
                Ok(Self::with_state(limits, state, Some(durable)))
            }
            Err(error) => {
                // What went wrong first is what matters.
                drop(journal.close().await);
                Err(error)
            }
        }
    }
}

/// What could be saved from a journal; see [`recover`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Recovered {
    /// A store in memory, with everything up to the damage.
    pub store: SharedDagStore,
    /// The place in the history of the last commit that is in it; 0 where there is none.
    pub sequence: u64,
    /// What is wrong with what comes next; `None` where nothing is.
    pub damage: Option<DagError>,
}

/// Reads all that can be read from a journal that is damaged, into a store in memory. It writes nothing
/// to the journal, and closes it.
///
/// Where a checkpoint is damaged, the nodes of it that come before the damage are there, and no
/// [`sequence`](Recovered::sequence).
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use dag_store::{MemoryJournal, recover};
///
/// # let journal = MemoryJournal::new();
/// let recovered = recover(journal).await?;
/// println!("{} nodes", recovered.store.len(None).await?);
/// if let Some(damage) = &recovered.damage {
///     println!("after commit {}: {damage}", recovered.sequence);
/// }
/// # Ok::<(), dag_store::DagError>(())
/// # }).unwrap();
/// ```
pub async fn recover(journal: impl Journal) -> Result<Recovered> {
    let limits = Limits::ceiling();
    let mut reading = Reading::new(&journal, &limits);
    let damage = match reading.all(&mut Pace::default(), &mut |_| {}).await {
        Err(error) if error.kind() != ErrorKind::Corrupt => Err(error),
        read => Ok(read.err()),
    };
    let Reading { state, tip, .. } = reading;
    drop(journal.close().await);
    let store = SharedDagStore::with_state(limits.clone(), state, None);
    Ok(Recovered { store, sequence: tip.sequence, damage: damage? })
}

/// A journal as far as it has been read.
struct Reading<'a> {
    journal: &'a dyn Journal,
    limits: &'a Limits,
    state: State,
    tip: Tip,
    opened: Opened,
    bytes_read: u64,
    bytes: Option<u64>,
}

impl<'a> Reading<'a> {
    fn new(journal: &'a dyn Journal, limits: &'a Limits) -> Self {
        Reading {
            journal,
            limits,
            state: State::with_history(limits.history),
            tip: Tip::default(),
            opened: Opened::default(),
            bytes_read: 0,
            bytes: None,
        }
    }

    /// Reads everything there is. An error leaves what came before it.
    async fn all(&mut self, pace: &mut Pace, progress: &mut dyn Tell) -> Result<()> {
        let medium = self.journal.status().await?;
        (self.bytes, self.opened.bytes_cut) = (medium.bytes_used, medium.bytes_cut);
        let bytes = usize::try_from(medium.bytes_used.unwrap_or(0)).unwrap_or(usize::MAX);
        pace.expect(3 * pace::to_hash(bytes));
        self.checkpoint(pace).await?;
        let journal = self.journal;
        let mut ahead = None;
        loop {
            progress.tell(self.progress());
            let read = match ahead.take() {
                Some(read) => read,
                None => journal.read(self.tip.sequence, READ).await,
            };
            let segments = match read {
                // Another writer has put a checkpoint into its place.
                Err(error) if error.kind() == ErrorKind::Compacted => {
                    let before = self.tip.sequence;
                    self.checkpoint(pace).await?;
                    if self.tip.sequence <= before {
                        return Err(error);
                    }
                    continue;
                }
                segments => segments?,
            };
            let Some(last) = segments.last() else { return Ok(()) };
            let before = self.tip.sequence;
            let replayed = async {
                let decoded = tail::decode(&segments, &self.tip, self.limits, pace).await;
                tail::replay(&mut self.state, &mut self.tip, decoded, pace).await
            };
            // The journal reads on meanwhile.
            let (after, replayed) = join(journal.read(last.tip().sequence, READ), replayed).await;
            ahead = Some(after);
            self.opened.commits += self.tip.sequence - before;
            self.bytes_read +=
                segments.iter().map(|segment| segment.bytes.len() as u64).sum::<u64>();
            replayed?;
        }
    }

    /// Reads the checkpoint that is in force, if there is one, in place of all that was read.
    async fn checkpoint(&mut self, pace: &mut Pace) -> Result<()> {
        let Some(checkpoint) = self.journal.checkpoint().await? else { return Ok(()) };
        let mut reader = CheckpointReader::new(checkpoint, self.limits);
        let read = tail::read_checkpoint(self.journal, &mut reader, pace).await;
        self.bytes_read = reader.bytes_read();
        if let Err(error) = read {
            self.state = reader.into_state();
            return Err(error);
        }
        self.state = tail::finish_checkpoint(reader, &checkpoint, pace).await?;
        self.tip = checkpoint.tip();
        self.opened = Opened { checkpoint: Some(checkpoint.sequence), commits: 0, ..self.opened };
        Ok(())
    }

    fn progress(&self) -> Progress {
        Progress {
            sequence: self.tip.sequence,
            nodes: self.state.len(None),
            bytes_read: self.bytes_read,
            bytes: self.bytes,
        }
    }
}
