//! What differs between two stores, found from the top of their trees down: equal parts are never walked.

mod comparing;
mod frontier;

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use futures::stream::{self, TryStreamExt as _};

use self::comparing::Comparing;
use crate::digest::StateHash;
use crate::pace::Pace;
use crate::platform::{self, BoxFuture, BoxStream};
use crate::{Cid, DagError, DagStore, ErrorKind, Result};

/// Units of work that it takes to read a part of a tree, on each side.
const READING: usize = 4;
/// How often a comparison begins anew because somebody has written meanwhile.
const TRIES: usize = 8;

/// Which of two stores has a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The store that was asked to compare itself.
    Here,
    /// The other one.
    There,
}

/// A node that one of two stores has, and the other has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which store has it.
    pub side: Side,
    /// The node.
    pub cid: Cid,
    /// Its scope.
    pub scope_id: Arc<str>,
    /// Its time, in Unix milliseconds.
    pub timestamp: u64,
}

/// How two stores, or one scope of two stores, differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The nodes that only this store has: by scope (by the bytes of its id), then by time, then by digest.
    pub only_here: Vec<Cid>,
    /// The nodes that only the other one has, in the same order.
    pub only_there: Vec<Cid>,
    /// The state hashes of this store and of the other one, or of the scope in them: what was compared.
    pub state_hashes: [StateHash; 2],
    /// How many parts of their trees were read, in both together.
    pub visited: u64,
}

/// A comparison of two stores that is yet to be made: await it for all differences at once, or take them
/// as a [`stream`](Compare::stream).
///
/// Both trees are read from the top down ([`DagStore::tree`]), and only where their hashes differ. So it takes
/// about 2 · log₂ n parts for each difference among n nodes, fewer where differences lie together, and the
/// two tops where there is none. It asks about up to 256 places at a time, in about as many rounds as the tree is deep,
/// and keeps some thousands of parts in memory, whatever the stores hold, and the scopes that differ.
///
/// The stores may be written to meanwhile. What is found is about the two states whose hashes it names: the
/// hash of each part is checked against what stood above it. Where a part has changed before it was read, the
/// comparison begins anew, and after some times ends with [`ErrorKind::Contended`]. That is for differences so
/// large, in a store so busy, that no part of it rests for as long as the comparison takes: bring over the most of
/// them in a CAR file first ([`export_car`](crate::DagStoreExt::export_car) is of one state, whatever is inserted
/// meanwhile), and compare then; or compare a copy that was made so, or scope by scope. A store whose answers don't
/// hash to what it has promised ends it with [`ErrorKind::Corrupt`].
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// use std::sync::Arc;
/// use dag_store::{DagNode, DagStoreExt, SharedDagStore};
///
/// let [one, other] = [(); 2].map(|()| Arc::new(SharedDagStore::new()));
/// let vote = |choice: &str| {
///     let node = DagNode::builder().content(choice).event_type("vote").scope_id("garden");
///     node.timestamp(0).build()
/// };
/// for store in [&one, &other] {
///     store.insert(vote("yes")?).await?;
/// }
/// let late = other.insert(vote("no")?).await?;
///
/// let difference = one.compare(&other).await?;
/// assert_eq!((difference.only_here, difference.only_there), (vec![], vec![late]));
/// # Ok::<(), dag_store::DagError>(())
/// # }).unwrap();
/// ```
#[must_use = "a comparison reads nothing until it is awaited or streamed"]
pub struct Compare<S: DagStore + ?Sized, O: DagStore + ?Sized> {
    here: Arc<S>,
    there: Arc<O>,
    scope_id: Option<Arc<str>>,
}

impl<S: DagStore + ?Sized, O: DagStore + ?Sized> Compare<S, O> {
    pub(crate) fn new(here: Arc<S>, there: Arc<O>) -> Self {
        Compare { here, there, scope_id: None }
    }

    /// Only nodes of this scope.
    pub fn scope_id(mut self, scope_id: impl Into<Arc<str>>) -> Self {
        self.scope_id = Some(scope_id.into());
        self
    }

    /// The differences as they are found: by scope (by the bytes of its id), then by time, then by digest.
    ///
    /// What has been given can't be taken back, so this begins nothing anew: it ends with
    /// [`ErrorKind::Contended`] where somebody has written in a place that was yet to be read. After an
    /// error the stream ends.
    #[must_use = "a stream reads nothing until it is polled"]
    pub fn stream<'a>(self) -> BoxStream<'a, Result<Difference>>
    where
        S: 'a,
        O: 'a,
    {
        let comparing = Comparing::new(self.scope_id.clone());
        let found = stream::try_unfold((self, comparing), |(compare, mut comparing)| async move {
            let found = compare.go_on(&mut comparing, &mut Pace::default()).await?;
            Ok::<_, DagError>(found.map(|found| (found, (compare, comparing))))
        });
        Box::pin(found.map_ok(|found| stream::iter(found.into_iter().map(Ok))).try_flatten())
    }

    /// Makes the comparison, at this pace.
    pub(crate) async fn at(self, pace: &mut Pace) -> Result<Comparison> {
        let mut comparing = Comparing::new(self.scope_id.clone());
        let mut only = [Vec::new(), Vec::new()];
        let mut tries = 1;
        loop {
            match self.go_on(&mut comparing, pace).await {
                Ok(Some(found)) => sort(found, &mut only)?,
                Ok(None) => break,
                Err(error) if error.kind() == ErrorKind::Contended && tries < TRIES => {
                    tries += 1;
                    only.iter_mut().for_each(Vec::clear);
                    comparing.begin_anew();
                }
                Err(error) => return Err(error),
            }
        }
        let Comparing { state_hashes, visited, .. } = comparing;
        let [here, there] = only;
        Ok(Comparison { only_here: here, only_there: there, state_hashes, visited })
    }

    /// Asks both stores until there are more differences; `None` at the end.
    async fn go_on(
        &self,
        comparing: &mut Comparing,
        pace: &mut Pace,
    ) -> Result<Option<Vec<Difference>>> {
        loop {
            let found = comparing.found()?;
            if !found.is_empty() {
                return Ok(Some(found));
            }
            if comparing.is_done() {
                return Ok(None);
            }
            let mut asked = 0;
            for side in [Side::Here, Side::There] {
                let places = comparing.questions(side);
                if places.is_empty() {
                    continue;
                }
                asked += places.len();
                let answer = match side {
                    Side::Here => self.here.tree(&places),
                    Side::There => self.there.tree(&places),
                };
                comparing.answer(side, answer.await?)?;
            }
            comparing.go_on()?;
            let read = usize::try_from(comparing.visited).unwrap_or(usize::MAX);
            pace.expect(READING.saturating_mul(read.saturating_add(comparing.left())));
            pace.worked(READING * asked).await?;
        }
    }
}

/// Puts what was found with what only this store has, and what only the other has.
fn sort(found: Vec<Difference>, only: &mut [Vec<Cid>; 2]) -> Result<()> {
    for Difference { side, cid, .. } in found {
        let list = &mut only[usize::from(side == Side::There)];
        if list.len() == list.capacity() {
            platform::reserve(2 * size_of_val(list.as_slice()))?;
        }
        list.push(cid);
    }
    Ok(())
}

impl<S, O> IntoFuture for Compare<S, O>
where
    S: DagStore + ?Sized + 'static,
    O: DagStore + ?Sized + 'static,
{
    type Output = Result<Comparison>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.at(&mut Pace::default()).await })
    }
}

impl<S: DagStore + ?Sized, O: DagStore + ?Sized> fmt::Debug for Compare<S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compare").field("scope_id", &self.scope_id).finish_non_exhaustive()
    }
}

/// The error of a store that can't be what it says.
fn lie() -> DagError {
    let message = "a store's tree is not what its hashes promise: don't trust it, or verify it";
    DagError::new(ErrorKind::Corrupt, message)
}

/// The error of a store that has been written to.
fn changed() -> DagError {
    let message = "a store has changed again and again while it was compared: compare when less is \
                   written, or scope by scope, or a copy that was made by export_car and import_car";
    DagError::new(ErrorKind::Contended, message)
}
