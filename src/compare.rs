//! What differs between two stores, found from the top of their trees down: equal parts are never walked.

mod frontier;

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use futures::future::try_join;
use futures::stream::{self, TryStreamExt as _};

use self::frontier::{Frontier, Sub};
use crate::digest::StateHash;
use crate::id;
use crate::pace::Pace;
use crate::platform::{self, BoxFuture, BoxStream};
use crate::state_trie;
use crate::tree;
use crate::{Cid, DagError, DagStore, ErrorKind, Result, TreeAddress, TreeAnswer, TreePart};

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
/// about 2 · log₂ n parts for each difference among n nodes, fewer where differences lie together, and one
/// where there is none. It asks about up to 256 places at a time, in about as many rounds as the tree is deep,
/// and keeps some thousands of parts in memory, whatever the stores hold, and the scopes that differ.
///
/// The stores may be written to meanwhile. What is found is about the two states whose hashes it names: the
/// hash of each part is checked against what stood above it. Where a part has changed before it was read, the
/// comparison begins anew, and after some times ends with [`ErrorKind::Contended`]. A store whose answers don't
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
        let found = stream::try_unfold((self, None), |(compare, walk)| async move {
            let pace = &mut Pace::default();
            let mut walk = match walk {
                Some(walk) => walk,
                None => Walk::begin(&compare, &mut 0, pace).await?,
            };
            let found = walk.next(&mut 0, pace).await?;
            Ok::<_, DagError>(found.map(|found| (found, (compare, Some(walk)))))
        });
        Box::pin(found.map_ok(|found| stream::iter(found.into_iter().map(Ok))).try_flatten())
    }

    /// Makes the comparison, at this pace.
    pub(crate) async fn at(self, pace: &mut Pace) -> Result<Comparison> {
        let mut visited = 0;
        for _ in 1..TRIES {
            match self.attempt(&mut visited, pace).await {
                Err(error) if error.kind() == ErrorKind::Contended => pace.worked(READING).await?,
                outcome => return outcome,
            }
        }
        self.attempt(&mut visited, pace).await
    }

    async fn attempt(&self, visited: &mut u64, pace: &mut Pace) -> Result<Comparison> {
        let mut walk = Walk::begin(self, visited, pace).await?;
        let (mut only_here, mut only_there) = (Vec::new(), Vec::new());
        while let Some(found) = walk.next(visited, pace).await? {
            for Difference { side, cid, .. } in found {
                let list = if side == Side::Here { &mut only_here } else { &mut only_there };
                if list.len() == list.capacity() {
                    platform::reserve(2 * size_of_val(list.as_slice()))?;
                }
                list.push(cid);
            }
        }
        let state_hashes = walk.state_hashes;
        Ok(Comparison { only_here, only_there, state_hashes, visited: *visited })
    }
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

/// A comparison on its way.
struct Walk<S: DagStore + ?Sized, O: DagStore + ?Sized> {
    here: Arc<S>,
    there: Arc<O>,
    /// The hashes of the states that are compared, or of the scope in them.
    state_hashes: [StateHash; 2],
    /// The state hashes of the stores when their tops were read.
    moments: [StateHash; 2],
    /// The scopes that differ and are yet to be compared, the next one last.
    scopes: Vec<(Arc<str>, [Sub; 2])>,
    /// Where it is, in the scope with this id.
    at: Option<(Arc<str>, Frontier)>,
}

impl<S: DagStore + ?Sized, O: DagStore + ?Sized> Walk<S, O> {
    /// Reads the tops of both trees and, of whole stores, which scopes differ.
    async fn begin(compare: &Compare<S, O>, visited: &mut u64, pace: &mut Pace) -> Result<Self> {
        let Compare { here, there, scope_id } = compare;
        let (here, there) = (Arc::clone(here), Arc::clone(there));
        let place = scope_id.clone().map_or_else(TreeAddress::scopes, TreeAddress::scope);
        let places = std::slice::from_ref(&place);
        let (one, other) = try_join(here.tree(places), there.tree(places)).await?;
        *visited += 2;
        let moments = [one.state_hash, other.state_hash];
        let ((one, one_hash), (other, other_hash)) = (top(&place, one)?, top(&place, other)?);
        let state_hashes = [one_hash, other_hash];
        let mut frontier = Frontier::new(place, [one, other]);
        let mut walk = Walk { here, there, state_hashes, moments, scopes: Vec::new(), at: None };
        if let Some(scope_id) = scope_id {
            walk.at = Some((Arc::clone(scope_id), frontier));
            return Ok(walk);
        }
        loop {
            while let Some(found) = frontier.found() {
                let mut name = None;
                let subs = found.map(|part| match part {
                    Some(TreePart::Scope { scope_id, nodes, root }) => {
                        name = Some(scope_id);
                        Sub::Promised { hash: root, most: nodes }
                    }
                    _ => Sub::Nothing,
                });
                walk.scopes.extend(name.map(|name| (name.into(), subs)));
            }
            if frontier.is_done() {
                break;
            }
            walk.step(&mut frontier, visited, pace).await?;
        }
        // They came in the order of their hashes.
        walk.scopes.sort_unstable_by(|(one, _), (other, _)| other.cmp(one));
        Ok(walk)
    }

    /// The next differences, in order; `None` at the end.
    async fn next(
        &mut self,
        visited: &mut u64,
        pace: &mut Pace,
    ) -> Result<Option<Vec<Difference>>> {
        loop {
            let Some((scope_id, mut frontier)) = self.at.take() else {
                let Some((scope_id, subs)) = self.scopes.pop() else {
                    return Ok(None);
                };
                let place = TreeAddress::scope(Arc::clone(&scope_id));
                self.at = Some((scope_id, Frontier::new(place, subs)));
                continue;
            };
            let mut differences = Vec::new();
            while let Some(found) = frontier.found() {
                for (side, part) in [Side::Here, Side::There].into_iter().zip(found) {
                    if let Some(TreePart::Node { key, .. }) = part {
                        let (cid, timestamp) = (id::cid_of(&key.digest), key.timestamp);
                        let scope_id = Arc::clone(&scope_id);
                        differences.push(Difference { side, cid, scope_id, timestamp });
                    }
                }
            }
            if !frontier.is_done() {
                if differences.is_empty() {
                    self.step(&mut frontier, visited, pace).await?;
                }
                self.at = Some((scope_id, frontier));
            }
            if !differences.is_empty() {
                return Ok(Some(differences));
            }
        }
    }

    /// Asks both stores what the frontier has to know next, and takes it a step further.
    async fn step(
        &self,
        frontier: &mut Frontier,
        visited: &mut u64,
        pace: &mut Pace,
    ) -> Result<()> {
        let [one, other] = frontier.questions();
        let asked = one.len() + other.len();
        let here = ask(&*self.here, &one, self.moments[0]);
        *visited += asked as u64;
        let answers = try_join(here, ask(&*self.there, &other, self.moments[1])).await?;
        frontier.go_on(answers.into())?;
        let read = usize::try_from(*visited).unwrap_or(usize::MAX);
        pace.expect(READING.saturating_mul(read.saturating_add(frontier.len())));
        pace.worked(READING * asked).await
    }
}

/// What a store answers about these places, and whether it is as it was at that moment.
async fn ask(
    store: &(impl DagStore + ?Sized),
    places: &[TreeAddress],
    moment: StateHash,
) -> Result<(Vec<TreePart>, bool)> {
    if places.is_empty() {
        return Ok((Vec::new(), true));
    }
    let TreeAnswer { state_hash, parts } = store.tree(places).await?;
    if parts.len() != places.len() {
        return Err(lie());
    }
    Ok((parts, state_hash == moment))
}

/// Reads what a store answered about the top of a trie, and the hash of the state or scope that follows.
fn top(place: &TreeAddress, answer: TreeAnswer) -> Result<(Sub, StateHash)> {
    let [part] = <[TreePart; 1]>::try_from(answer.parts).map_err(|_| lie())?;
    let root = part.hash(place);
    let hash = match place.scope_id() {
        Some(name) => tree::scope_hash(name, part.nodes(), &root).into(),
        None => state_trie::state_hash(part.nodes(), &root),
    };
    // Of a scope alone, the state hash says nothing.
    let leads_there = place.scope_id().is_some() || hash == answer.state_hash;
    if leads_there && part.fits(place) { Ok((Sub::read(part, root), hash)) } else { Err(lie()) }
}

/// The error of a store that can't be what it says.
fn lie() -> DagError {
    let message = "a store's tree is not what its hashes promise: don't trust it, or verify it";
    DagError::new(ErrorKind::Corrupt, message)
}

/// The error of a store that has been written to.
fn changed() -> DagError {
    let message = "a store has changed again and again while it was compared: try again later";
    DagError::new(ErrorKind::Contended, message)
}
