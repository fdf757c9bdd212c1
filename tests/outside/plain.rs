//! A second implementation of `DagStore`, as someone else would write it: against the public API, with
//! nothing in mind but being right. Everything is worked out anew, from a map of the nodes.

mod graph;
use dag_store::{
    BoxFuture, BoxStream, CarWriter, Change, ChangeKind, Changes, Cid, Commit, CommitFilter,
    CommitId, Condition, Cursor, DagError, DagNode, DagStore, ErrorKind, ExportQuery, Limits,
    ListQuery, Order, Page, Proof, Result, Scope, Span, StateHash, ToCid as _, TreeAddress,
    TreeAnswer, Verified, WalkPage, WalkQuery,
};
use futures::stream;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use crate::reference::{self, Leaf};

/// A store in a map.
#[derive(Debug)]
pub(crate) struct PlainStore {
    limits: Limits,
    /// `None` once closed.
    state: Mutex<Option<State>>,
    /// Who waits for a commit, or for the end.
    watchers: Mutex<Vec<Waker>>,
}

/// What is in the store.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    /// The nodes, each with its place in the order of insertion.
    pub(crate) nodes: HashMap<Cid, (u64, DagNode)>,
    /// The place of the next node.
    pub(crate) next: u64,
    /// How many commits there were.
    pub(crate) sequence: u64,
    /// What each of them did.
    pub(crate) past: Vec<Done>,
}

/// What a commit did.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    commit: Commit,
    inserted: Vec<DagNode>,
    removed: Vec<DagNode>,
    /// The place of the next node after it.
    next: u64,
}

impl PlainStore {
    pub(crate) fn new(limits: Limits) -> Self {
        let state = Mutex::new(Some(State::default()));
        PlainStore { limits, state, watchers: Mutex::default() }
    }

    /// Does something with the state, unless the store is closed.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let done = match &mut *self.lock() {
            Some(state) => work(state),
            None => Err(DagError::new(ErrorKind::Closed, "closed")),
        };
        self.wake();
        done
    }

    /// Waits until this finds something, or fails.
    pub(crate) async fn wait_for<T>(
        &self,
        find: impl Fn(&State) -> Result<Option<T>>,
    ) -> Result<T> {
        poll_fn(|context| {
            match &mut *self.lock() {
                None => return Poll::Ready(Err(DagError::new(ErrorKind::Closed, "closed"))),
                Some(state) => {
                    if let Some(found) = find(state).transpose() {
                        return Poll::Ready(found);
                    }
                }
            }
            let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
            watchers.retain(|watcher| !watcher.will_wake(context.waker()));
            watchers.push(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Has all who wait look again, though there may be nothing new.
    fn wake(&self) {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *watchers).into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Applies changes: all of them to a copy, which takes the place of the state if none fails.
    pub(crate) fn commit(&mut self, changes: &Changes, limits: &Limits) -> Result<Commit> {
        within(limits, changes)?;
        for condition in changes.conditions() {
            if !self.meets(condition) {
                return Err(DagError::new(ErrorKind::ConditionFailed, format!("{condition:?}")));
            }
        }
        let mut after = self.clone();
        let (inserted, removed) = after.apply(changes)?;
        after.sequence += u64::from(!inserted.is_empty() || !removed.is_empty());
        let id = changes.id().unwrap_or_else(CommitId::random);
        let mut commit = Commit::new(after.sequence, id, inserted, removed);
        if changes.wants_state_hash() {
            commit = commit.with_state_hash(after.state_hash(None));
        }
        if !commit.is_empty() {
            let nodes = |state: &State, cids: &[Cid]| -> Vec<DagNode> {
                cids.iter().map(|cid| state.nodes[cid].1.clone()).collect()
            };
            let (inserted, removed) =
                (nodes(&after, &commit.inserted), nodes(self, &commit.removed));
            let next = after.next;
            after.past.push(Done { commit: commit.clone(), inserted, removed, next });
            *self = after;
        }
        Ok(commit)
    }

    /// The first commit after this one with a node for the filter.
    pub(crate) fn commit_after(&self, after: u64, filter: &CommitFilter) -> Result<Option<Commit>> {
        if after > self.sequence {
            return Err(DagError::new(ErrorKind::InvalidArgument, "not yet"));
        }
        for Done { commit, inserted, removed, .. } in &self.past {
            let pick = |nodes: &[DagNode], kind: ChangeKind| -> Result<Vec<Cid>> {
                let wanted = nodes.iter().filter(|node| {
                    filter.only.is_none_or(|only| only == kind)
                        && filter.scope_id.as_ref().is_none_or(|scope| node.scope_id() == scope)
                        && filter
                            .event_types
                            .as_ref()
                            .is_none_or(|types| types.contains(&node.event_type()))
                });
                wanted.map(DagNode::cid).collect()
            };
            let mut told = commit.clone();
            told.inserted = pick(inserted, ChangeKind::Inserted)?;
            told.removed = pick(removed, ChangeKind::Removed)?;
            if commit.sequence > after && !told.is_empty() {
                return Ok(Some(told));
            }
        }
        Ok(None)
    }

    fn apply(&mut self, changes: &Changes) -> Result<(Vec<Cid>, Vec<Cid>)> {
        let (mut removed, mut waiting) = (Vec::new(), Vec::new());
        for change in changes.operations() {
            match change {
                Change::Remove(cid) => removed.extend(self.nodes.remove(cid).map(|_| *cid)),
                Change::Insert(node) if self.nodes.contains_key(&node.cid()?) => {}
                Change::Insert(node) => waiting.push(node),
            }
        }
        for (_, node) in self.nodes.values() {
            if let Some(parent) = node.parents().into_iter().find(|cid| removed.contains(cid)) {
                return Err(DagError::new(ErrorKind::HasChildren, "has children").with_cid(parent));
            }
        }
        let mut inserted = Vec::new();
        while let Some(first) = waiting.first() {
            let ready = |node: &&DagNode| self.missing_parent(node).is_none();
            let Some(next) = waiting.iter().position(ready) else {
                let error = DagError::new(ErrorKind::MissingParent, "a parent is missing");
                let staged: HashSet<Cid> = waiting.iter().flat_map(|node| node.cid()).collect();
                let orphan = |node: &&DagNode| {
                    node.parents().into_iter().any(|cid| self.lacks(&cid) && !staged.contains(&cid))
                };
                let node = waiting.iter().copied().find(orphan).unwrap_or(first);
                let mut parents = node.parents().into_iter();
                let parent = parents.find(|cid| self.lacks(cid) && !staged.contains(cid));
                let error = error.with_cid(node.cid()?);
                return Err(parent.into_iter().fold(error, DagError::with_parent));
            };
            inserted.push(self.place(waiting.remove(next))?);
        }
        Ok((inserted, removed))
    }

    /// Puts a node after all the others.
    pub(crate) fn place(&mut self, node: &DagNode) -> Result<Cid> {
        let cid = node.cid()?;
        self.nodes.insert(cid, (self.next, node.clone()));
        self.next += 1;
        Ok(cid)
    }

    /// The place of the first node after this commit, or of all.
    fn first_after(&self, commit: Option<u64>) -> Result<u64> {
        let Some(commit) = commit else { return Ok(0) };
        if commit > self.sequence {
            return Err(DagError::new(ErrorKind::InvalidArgument, "not yet"));
        }
        let mut latest_first = self.past.iter().rev();
        let last = latest_first.find(|done| done.commit.sequence <= commit);
        Ok(last.map_or(0, |done| done.next))
    }

    fn lacks(&self, cid: &Cid) -> bool {
        !self.nodes.contains_key(cid)
    }

    fn missing_parent(&self, node: &DagNode) -> Option<Cid> {
        node.parents().into_iter().find(|cid| self.lacks(cid))
    }

    pub(crate) fn meets(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Heads { scope_id, heads } => {
                let found: HashSet<Cid> = self.heads(scope_id.as_deref()).into_iter().collect();
                found == heads.iter().copied().collect()
            }
            Condition::StateHash(hash) => self.state_hash(None) == *hash,
            Condition::Absent(cid) => self.lacks(cid),
            // A condition that this store has not heard of can't be vouched for.
            _ => false,
        }
    }

    /// The nodes of the store or of a scope, in the order of insertion, each with its place.
    pub(crate) fn in_order(&self, scope: Option<&str>) -> Vec<&(u64, DagNode)> {
        let of_scope = |node: &DagNode| scope.is_none_or(|scope| node.scope_id() == scope);
        let mut nodes: Vec<_> = self.nodes.values().filter(|(_, node)| of_scope(node)).collect();
        nodes.sort_by_key(|(place, _)| *place);
        nodes
    }

    pub(crate) fn heads(&self, scope: Option<&str>) -> Vec<Cid> {
        let nodes = self.in_order(scope);
        let parents: HashSet<Cid> = nodes.iter().flat_map(|(_, node)| node.parents()).collect();
        let mut heads: Vec<Cid> = nodes.iter().flat_map(|(_, node)| node.cid()).collect();
        heads.retain(|cid| !parents.contains(cid));
        heads
    }

    pub(crate) fn state_hash(&self, scope: Option<&str>) -> StateHash {
        StateHash::from(match scope {
            Some(scope) => reference::scope_hash(scope, &self.leaves()),
            None => reference::state_hash(&self.leaves()),
        })
    }

    pub(crate) fn prove(&self, span: &Span) -> Proof {
        let [first, last] = [span.first(), span.last()].map(|key| {
            let mut bytes = [0; 40];
            bytes[..8].copy_from_slice(&key.timestamp.to_be_bytes());
            bytes[8..].copy_from_slice(&key.digest);
            bytes
        });
        let proof = reference::proof::proof(&self.leaves(), span.scope_id(), &first, &last);
        Proof::new(self.state_hash(None), proof)
    }

    pub(crate) fn tree(&self, places: &[TreeAddress]) -> Result<TreeAnswer> {
        if places.len() > TreeAddress::MOST {
            return Err(DagError::new(ErrorKind::Limit, "too many places"));
        }
        let leaves = self.leaves();
        let parts = places.iter().map(|place| reference::tree::part(&leaves, place)).collect();
        Ok(TreeAnswer { state_hash: self.state_hash(None), parts })
    }

    pub(crate) fn count(&self, query: &ListQuery) -> Result<u64> {
        let first = self.first_after(query.after_commit)?;
        let is_new = |place: u64| place >= first;
        let of_scope = self.in_order(query.scope_id.as_deref()).into_iter();
        Ok(of_scope.filter(|(place, node)| is_new(*place) && matches(query, node)).count() as u64)
    }

    pub(crate) fn scopes(&self, after: Option<&str>, limit: usize) -> Vec<Scope> {
        let mut scopes: BTreeMap<&str, u64> = BTreeMap::new();
        for (_, node) in self.nodes.values() {
            *scopes.entry(node.scope_id()).or_default() += 1;
        }
        let scopes = scopes.into_iter().filter(|(id, _)| after.is_none_or(|after| *id > after));
        scopes.take(limit).map(|(id, nodes)| Scope { id: id.to_owned(), nodes }).collect()
    }

    fn leaves(&self) -> Vec<Leaf> {
        let leaf = |(cid, (_, node)): (&Cid, &(u64, DagNode))| Leaf {
            scope_id: node.scope_id().to_owned(),
            timestamp: node.timestamp(),
            event_type: node.event_type().as_str().to_owned(),
            digest: digest(cid),
        };
        self.nodes.iter().map(leaf).collect()
    }

    /// A page: what sorts after the cursor, by the order's own key.
    pub(crate) fn list_page(&self, query: &ListQuery) -> Result<Page> {
        if query.order == Order::Time && query.scope_id.is_none() {
            let message = "the order by time needs a scope";
            return Err(DagError::new(ErrorKind::InvalidArgument, message));
        }
        // A key of equal length for all, so that keys compare as their texts do.
        let key = |place: u64, node: &DagNode| -> Result<String> {
            Ok(match query.order {
                Order::Insertion => format!("i{place:016x}"),
                Order::Time => {
                    format!("t{:016x}{}", node.timestamp(), hex::encode(digest(&node.cid()?)))
                }
            })
        };
        let first = self.first_after(query.after_commit)?;
        let mut found = Vec::new();
        for (place, node) in self.in_order(query.scope_id.as_deref()) {
            if *place >= first && matches(query, node) {
                found.push((key(*place, node)?, node.clone()));
            }
        }
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        if query.reverse {
            found.reverse();
        }
        if let Some(cursor) = query.cursor.as_ref().map(Cursor::as_str) {
            found.retain(
                |(key, _)| {
                    if query.reverse { key.as_str() < cursor } else { key.as_str() > cursor }
                },
            );
        }
        let more = found.len() > query.limit;
        found.truncate(query.limit);
        let next = found.last().filter(|_| more).map(|(key, _)| Cursor::new(key));
        Ok(Page { nodes: found.into_iter().map(|(_, node)| node).collect(), next })
    }

    /// A CAR file, all at once.
    pub(crate) fn export(&self, query: &ExportQuery) -> Result<Vec<u8>> {
        let mut chosen: Vec<&(u64, DagNode)> = Vec::new();
        let past = query.past_of.as_ref().map(|cids| self.past(cids)).transpose()?;
        let there = query.not_past_of.iter().filter(|cid| !self.lacks(cid)).copied();
        let not = self.past(&there.collect::<Vec<_>>())?;
        let after = self.first_after(query.after_commit)?;
        for entry in self.in_order(query.scope_id.as_deref()) {
            let cid = entry.1.cid()?;
            if entry.0 >= after
                && past.as_ref().is_none_or(|past| past.contains(&cid))
                && !not.contains(&cid)
            {
                chosen.push(entry);
            }
        }
        let parents: HashSet<Cid> = chosen.iter().flat_map(|(_, node)| node.parents()).collect();
        let mut roots: Vec<Cid> = chosen.iter().flat_map(|(_, node)| node.cid()).collect();
        roots.retain(|cid| !parents.contains(cid));
        let newest = roots.len().saturating_sub(CarWriter::MOST_ROOTS);
        let mut writer = CarWriter::new(&roots[newest..])?;
        for (_, node) in chosen {
            writer.write(node);
        }
        Ok(writer.take())
    }

    /// These nodes and their ancestors.
    fn past(&self, cids: &[Cid]) -> Result<HashSet<Cid>> {
        let mut past = HashSet::new();
        let mut next = cids.to_vec();
        while let Some(cid) = next.pop() {
            let Some((_, node)) = self.nodes.get(&cid) else {
                return Err(DagError::new(ErrorKind::NotFound, "not there").with_cid(cid));
            };
            if past.insert(cid) {
                next.extend(node.parents());
            }
        }
        Ok(past)
    }

    pub(crate) fn verify(&self) -> Result<Verified> {
        let mut links = 0;
        for (cid, (_, node)) in &self.nodes {
            let read = DagNode::decode_as(cid, node.as_bytes())?;
            if let Some(parent) = self.missing_parent(&read) {
                let message = "a parent is not there";
                return Err(DagError::new(ErrorKind::Corrupt, message).with_cid(parent));
            }
            links += read.parents().len() as u64;
        }
        let state_hash = self.state_hash(None);
        Ok(Verified { nodes: self.nodes.len() as u64, links, state_hash })
    }
}

/// Whether a node of the right scope passes the filters.
fn matches(query: &ListQuery, node: &DagNode) -> bool {
    let types = &query.event_types;
    (types.is_empty() || types.contains(&node.event_type()))
        && query.since.is_none_or(|since| node.timestamp() >= since)
        && query.until.is_none_or(|until| node.timestamp() <= until)
}

/// Refuses what is over a limit.
fn within(limits: &Limits, changes: &Changes) -> Result<()> {
    if changes.len() > limits.batch_operations || changes.block_bytes() > limits.batch_bytes {
        return Err(DagError::new(ErrorKind::Limit, "the batch is too large"));
    }
    for change in changes.operations() {
        if let Change::Insert(node) = change {
            DagNode::decode_with(node.as_bytes(), limits)?;
        }
    }
    Ok(())
}

fn digest(cid: &Cid) -> [u8; 32] {
    cid.hash().digest().try_into().unwrap_or_default()
}

impl DagStore for PlainStore {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn commit(&self, changes: Changes) -> BoxFuture<'_, Result<Commit>> {
        Box::pin(async move { self.with(|state| state.commit(&changes, &self.limits)) })
    }

    fn sequence(&self) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async move { self.with(|state| Ok(state.sequence)) })
    }

    fn next_commit<'a>(
        &'a self,
        after: u64,
        filter: &'a CommitFilter,
    ) -> BoxFuture<'a, Result<Commit>> {
        Box::pin(self.wait_for(move |state| state.commit_after(after, filter)))
    }

    fn get_many<'a>(&'a self, cids: &'a [Cid]) -> BoxFuture<'a, Result<Vec<Option<DagNode>>>> {
        Box::pin(async move {
            self.with(|state| {
                let get = |cid: &Cid| {
                    let found = state.nodes.get(&cid.to_cid()?);
                    Ok(found.map(|(_, node)| node.clone()))
                };
                cids.iter().map(get).collect()
            })
        })
    }

    fn has_many<'a>(&'a self, cids: &'a [Cid]) -> BoxFuture<'a, Result<Vec<bool>>> {
        Box::pin(async move {
            self.with(|state| cids.iter().map(|cid| Ok(!state.lacks(&cid.to_cid()?))).collect())
        })
    }

    fn list_page<'a>(&'a self, query: &'a ListQuery) -> BoxFuture<'a, Result<Page>> {
        Box::pin(async move { self.with(|state| state.list_page(query)) })
    }

    fn count<'a>(&'a self, query: &'a ListQuery) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move { self.with(|state| state.count(query)) })
    }

    fn scopes<'a>(
        &'a self,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Scope>>> {
        Box::pin(async move { self.with(|state| Ok(state.scopes(after, limit))) })
    }

    fn heads<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<Vec<Cid>>> {
        Box::pin(async move { self.with(|state| Ok(state.heads(scope_id))) })
    }

    fn len<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move { self.with(|state| Ok(state.in_order(scope_id).len() as u64)) })
    }

    fn children<'a>(&'a self, cid: &'a Cid) -> BoxFuture<'a, Result<Vec<Cid>>> {
        Box::pin(async move { self.with(|state| state.children(cid)) })
    }

    fn roots<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<Vec<Cid>>> {
        Box::pin(async move { self.with(|state| Ok(state.roots(scope_id))) })
    }

    fn walk_page<'a>(&'a self, query: &'a WalkQuery) -> BoxFuture<'a, Result<WalkPage>> {
        Box::pin(async move { self.with(|state| state.walk_page(query)) })
    }

    fn is_ancestor<'a>(
        &'a self,
        ancestor: &'a Cid,
        descendant: &'a Cid,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { self.with(|state| state.is_ancestor(ancestor, descendant)) })
    }

    fn merge_bases<'a>(&'a self, cids: &'a [Cid]) -> BoxFuture<'a, Result<Vec<Cid>>> {
        Box::pin(async move { self.with(|state| state.merge_bases(cids)) })
    }

    fn path<'a>(&'a self, from: &'a Cid, to: &'a Cid) -> BoxFuture<'a, Result<Option<Vec<Cid>>>> {
        Box::pin(async move { self.with(|state| state.path(from, to)) })
    }

    fn state_hash<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<StateHash>> {
        Box::pin(async move { self.with(|state| Ok(state.state_hash(scope_id))) })
    }

    fn prove_span<'a>(&'a self, span: &'a Span) -> BoxFuture<'a, Result<Proof>> {
        Box::pin(async move { self.with(|state| Ok(state.prove(span))) })
    }

    fn tree<'a>(&'a self, places: &'a [TreeAddress]) -> BoxFuture<'a, Result<TreeAnswer>> {
        Box::pin(async move { self.with(|state| state.tree(places)) })
    }

    fn export(self: Arc<Self>, query: ExportQuery) -> BoxStream<'static, Result<Vec<u8>>> {
        Box::pin(stream::once(async move { self.with(|state| state.export(&query)) }))
    }

    fn verify(&self) -> BoxFuture<'_, Result<Verified>> {
        Box::pin(async move { self.with(|state| state.verify()) })
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            *self.lock() = None;
            self.wake();
            Ok(())
        })
    }
}
