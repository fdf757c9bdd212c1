//! Commits through a journal: worked out beside the state, appended as a group, then published.
//!
//! Whoever has the turn at the gate does it for all who wait. What is under way outlives the future
//! that began it: it is kept in a [`Flight`], and whoever has the next turn goes on with it.

mod open;
mod tail;
mod upkeep;

pub use self::open::{Open, Opened, Progress, Recovered, recover};
pub use self::upkeep::Status;

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::channel::oneshot;
use futures::future::{Either, select};

use crate::gate::{Gate, Turn};
use crate::pace::Pace;
use crate::plan::Planned;
use crate::platform::BoxFuture;
use crate::segment;
use crate::shared::Shared;
use crate::state::{Draft, Drafting, Outcome};
use crate::{
    Changes, Commit, DagError, ErrorKind, Journal, Promises, Result, Segment, Tip, Writers,
};

/// How many commits are appended as one group, and how many bytes they have, unless the first has more.
const GROUP: usize = 1 << 10;
const GROUP_BYTES: u64 = 4 << 20;
/// How often a group is tried anew after other writers came first.
const TRIES: usize = 64;

/// What a store with a journal has beside its state.
pub(crate) struct Durable {
    journal: Arc<dyn Journal>,
    promises: Promises,
    opened: Opened,
    /// Commits that wait, in the order in which they came.
    line: Mutex<VecDeque<Waiting>>,
    /// `Flight::default()` while somebody sits at it.
    flight: Mutex<Flight>,
}

impl fmt::Debug for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Durable").field("journal", &self.journal).finish_non_exhaustive()
    }
}

/// A commit that waits, and who waits for it.
struct Waiting {
    changes: Changes,
    pace: Pace,
    reply: oneshot::Sender<Result<Commit>>,
    /// What it came to, unless it is a commit of the draft.
    refused: Option<Result<Commit>>,
}

impl Waiting {
    fn answer(self, result: Result<Commit>) {
        // Whoever has been dropped needs no answer.
        drop(self.reply.send(result));
    }
}

/// What is under way.
#[derive(Default)]
struct Flight {
    /// The journal's last commit, as far as known.
    tip: Tip,
    /// The commits that are being tried.
    group: Vec<Waiting>,
    stage: Stage,
    /// How often the group was tried in vain.
    tries: usize,
    /// Whether the state was the journal's last when the group was last tried.
    fresh: bool,
    closing: Option<BoxFuture<'static, Result<()>>>,
    closed: bool,
}

#[derive(Default)]
enum Stage {
    #[default]
    Ready,
    /// The group waits for its append.
    Appending(Draft, Tip, BoxFuture<'static, Result<bool>>),
    /// The append has ended so.
    Appended(Draft, Tip, Result<bool>),
    /// The journal may have commits that the state has not; it certainly has where an append was told.
    Behind { told: bool },
}

/// The turn at the gate, with what is under way.
struct Seat<'a> {
    durable: &'a Durable,
    flight: Flight,
    _turn: Turn<'a>,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        *self.durable.flight() = mem::take(&mut self.flight);
    }
}

impl Durable {
    fn new(journal: Arc<dyn Journal>, opened: Opened, tip: Tip) -> Self {
        Durable {
            promises: journal.promises(),
            journal,
            opened,
            line: Mutex::default(),
            flight: Mutex::new(Flight { tip, ..Flight::default() }),
        }
    }

    fn flight(&self) -> MutexGuard<'_, Flight> {
        self.flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sit<'a>(&'a self, gate: &'a Gate) -> Seat<'a> {
        let turn = gate.enter().await;
        Seat { durable: self, flight: mem::take(&mut *self.flight()), _turn: turn }
    }

    /// Begins to append; what is given lives as long as it must, whoever is dropped.
    fn append(&self, after: Tip, segments: Vec<Segment>) -> BoxFuture<'static, Result<bool>> {
        let journal = Arc::clone(&self.journal);
        Box::pin(async move { journal.append(after, &segments).await })
    }
}

impl Shared {
    /// Commits through the journal.
    pub(crate) async fn commit_durably(
        &self,
        durable: &Durable,
        changes: Changes,
        pace: &Pace,
    ) -> Result<Commit> {
        let (reply, mut answer) = oneshot::channel();
        let pace = pace.clone();
        durable.line().push_back(Waiting { changes, pace, reply, refused: None });
        match select(&mut answer, pin!(durable.sit(&self.gate))).await {
            Either::Left((answer, _)) => answer.unwrap_or_else(|_| Err(self.gone())),
            Either::Right((mut seat, _)) => loop {
                self.drive(durable, &mut seat.flight).await;
                match answer.try_recv() {
                    Ok(Some(answer)) => return answer,
                    Ok(None) => {}
                    Err(_) => return Err(self.gone()),
                }
            },
        }
    }

    /// Sees one group through: the one under way, or else one of those who wait.
    async fn drive(&self, durable: &Durable, flight: &mut Flight) {
        loop {
            match &mut flight.stage {
                Stage::Ready => self.build(durable, flight).await,
                Stage::Appending(_, _, append) => {
                    let fate = append.await;
                    if let Stage::Appending(draft, tip, _) = mem::take(&mut flight.stage) {
                        flight.stage = Stage::Appended(draft, tip, fate);
                    }
                }
                Stage::Appended(..) => self.settle(flight).await,
                Stage::Behind { .. } => self.follow(durable, flight).await,
            }
            if flight.group.is_empty() && matches!(flight.stage, Stage::Ready) {
                (flight.tries, flight.fresh) = (0, false);
                return;
            }
        }
    }

    /// Works out what those who wait would do, one after the other, and begins to append it.
    async fn build(&self, durable: &Durable, flight: &mut Flight) {
        while flight.group.len() < GROUP
            && let Some(waiting) = durable.line().pop_front()
        {
            flight.group.push(waiting);
        }
        flight.group.retain(|waiting| !waiting.reply.is_canceled());
        if flight.group.is_empty() {
            return;
        }
        let mut state = self.state.write().await;
        let Some(state) = state.as_mut() else { return fail(flight, &Arc::new(self.gone())) };
        let mut drafting = match Drafting::begin(state, &mut Pace::default()).await {
            Ok(drafting) => drafting,
            Err(error) => return fail(flight, &Arc::new(error)),
        };
        let most = durable.promises.max_append.unwrap_or(u64::MAX);
        let (mut tip, mut segments, mut bytes) = (flight.tip, Vec::new(), 0);
        let mut tried = 0;
        for waiting in &mut flight.group {
            let left = if segments.is_empty() { most } else { most.min(GROUP_BYTES) - bytes };
            let Waiting { changes, pace, refused, .. } = waiting;
            *refused = match drafting.commit(changes, pace, left, bytes_of).await {
                Ok(Outcome::Commit(commit)) => {
                    let segment = segment::write(&tip, &commit, drafting.draft().last_inserted());
                    bytes = (bytes + segment.bytes.len() as u64).min(most.min(GROUP_BYTES));
                    tip = segment.tip();
                    segments.push(segment);
                    None
                }
                Ok(Outcome::Nothing(commit)) => Some(Ok(commit)),
                Ok(Outcome::TooLarge(bytes)) if bytes > most => Some(Err(too_large(bytes, most))),
                // There is room in the next group.
                Ok(Outcome::TooLarge(_)) => break,
                Err(error) => Some(Err(error)),
            };
            tried += 1;
        }
        let later = flight.group.split_off(tried);
        later.into_iter().rev().for_each(|waiting| durable.line().push_front(waiting));
        let draft = drafting.end();
        if !segments.is_empty() {
            // That nobody else was first will prove that the refusals are right too.
            let append = durable.append(flight.tip, segments);
            flight.stage = Stage::Appending(draft, tip, append);
        } else if durable.promises.writers == Writers::Many && !flight.fresh {
            flight.stage = Stage::Behind { told: false };
        } else {
            answer_refused(&mut flight.group);
        }
    }

    /// Publishes what was appended, or takes up that it was not.
    async fn settle(&self, flight: &mut Flight) {
        let mut guard = self.state.write().await;
        let Stage::Appended(draft, tip, fate) = mem::take(&mut flight.stage) else { return };
        match (fate, guard.as_mut()) {
            (Ok(true), Some(state)) => {
                flight.tip = tip;
                let mut group = mem::take(&mut flight.group);
                answer_refused(&mut group);
                let mut group = group.into_iter();
                let told = |commit: Commit| {
                    if let Some(waiting) = group.next() {
                        waiting.answer(Ok(commit));
                    }
                };
                state.publish(draft, &mut Pace::default(), told).await;
            }
            (Ok(true), None) => fail(flight, &Arc::new(self.gone())),
            (Ok(false), _) => flight.stage = Stage::Behind { told: true },
            (Err(error), _) if error.kind() == ErrorKind::OutcomeUnknown => {
                self.break_down(&mut guard);
                let error = Arc::new(error);
                let mut commits = draft.commits();
                for waiting in mem::take(&mut flight.group) {
                    let result = if waiting.refused.is_some() {
                        self.gone()
                    } else {
                        let id = commits.next().map(|commit| commit.id);
                        id.into_iter().fold(copy(&error), DagError::with_commit)
                    };
                    waiting.answer(Err(result));
                }
            }
            (Err(error), _) => fail(flight, &Arc::new(error)),
        }
    }

    /// Takes in what other writers have committed, so that the group can be tried again.
    async fn follow(&self, durable: &Durable, flight: &mut Flight) {
        let Stage::Behind { told } = flight.stage else { return };
        match self.catch_up(durable, &mut flight.tip).await {
            Ok(0) if told && flight.fresh => {
                // The journal ends with another commit than the last one that is read from it.
                let mut state = self.state.write().await;
                self.break_down(&mut state);
                flight.stage = Stage::Ready;
                fail(flight, &Arc::new(self.gone()));
            }
            Ok(commits) => {
                flight.fresh = true;
                flight.tries += usize::from(told);
                flight.stage = Stage::Ready;
                if commits > 0 && told && flight.tries > TRIES {
                    fail(flight, &Arc::new(contended()));
                }
            }
            Err(error) => {
                flight.stage = Stage::Ready;
                fail(flight, &Arc::new(error));
            }
        }
    }
}

/// How long a segment is, at most, that inserts these nodes and removes so many.
fn bytes_of(inserts: &[Planned<'_>], removed: usize) -> u64 {
    let bytes = inserts.iter().map(|planned| planned.node.as_bytes().len()).sum();
    segment::longest(inserts.len(), bytes, removed)
}

/// Answers those who made no commit, and leaves the others.
fn answer_refused(group: &mut Vec<Waiting>) {
    for mut waiting in mem::take(group) {
        match waiting.refused.take() {
            Some(refused) => waiting.answer(refused),
            None => group.push(waiting),
        }
    }
}

/// Tells everybody in the group of one error.
fn fail(flight: &mut Flight, error: &Arc<DagError>) {
    for waiting in flight.group.drain(..) {
        waiting.answer(Err(copy(error)));
    }
}

/// The same error for somebody else.
fn copy(error: &Arc<DagError>) -> DagError {
    let copy = DagError::new(error.kind(), error.message());
    let copy = error.cid().into_iter().fold(copy, |copy, cid| copy.with_cid(*cid));
    copy.with_source(Arc::clone(error))
}

fn too_large(bytes: u64, most: u64) -> DagError {
    let what = format!(
        "bytes of the commit in the journal: {bytes}, and the journal takes {most} at once"
    );
    DagError::new(ErrorKind::Limit, what)
}

fn contended() -> DagError {
    DagError::new(
        ErrorKind::Contended,
        "other writers of the journal came first, again and again; try again later",
    )
}
