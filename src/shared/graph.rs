//! Questions about the graph, asked of the store in memory.

use std::sync::Arc;

use super::SharedDagStore;
use crate::graph::{self, Graph};
use crate::id;
use crate::pace::Pace;
use crate::platform;
use crate::store::not_there;
use crate::walk::{Diff, Direction, Walk, WalkPage, WalkQuery, to_cids};
use crate::{Cid, Result, ToCid};

impl SharedDagStore {
    /// The parents of a node, in the node's own order.
    pub async fn parents(&self, id: impl ToCid) -> Result<Vec<Cid>> {
        let cid = id.to_cid()?;
        let digest = id::digest_of(&cid)?;
        self.read(|state| {
            let (_, parents) = state.find(&digest).ok_or_else(|| not_there(cid))?;
            Ok(parents.map(id::cid_of).collect())
        })
        .await?
    }

    /// The children of a node, in insertion order.
    pub async fn children(&self, id: impl ToCid) -> Result<Vec<Cid>> {
        let cid = id.to_cid()?;
        let state = self.shared.state.read().await;
        let state = state.as_ref().ok_or_else(|| self.shared.gone())?;
        state.children_in_order(state.node(&cid)?, &mut Pace::default()).await
    }

    /// The roots of the store or of a scope, in insertion order; see
    /// [`DagStore::roots`](crate::DagStore::roots).
    pub async fn roots(&self, scope_id: Option<&str>) -> Result<Vec<Cid>> {
        let state = self.shared.state.read().await;
        state
            .as_ref()
            .ok_or_else(|| self.shared.gone())?
            .roots(scope_id, &mut Pace::default())
            .await
    }

    /// Walks from nodes to their ancestors; see
    /// [`DagStoreExt::ancestors`](crate::DagStoreExt::ancestors).
    pub fn ancestors(&self, ids: impl IntoIterator<Item = impl ToCid>) -> Walk<SharedDagStore> {
        Walk::new(Arc::new(self.clone()), Direction::Ancestors, ids)
    }

    /// Walks from nodes to their descendants; see
    /// [`DagStoreExt::descendants`](crate::DagStoreExt::descendants).
    pub fn descendants(&self, ids: impl IntoIterator<Item = impl ToCid>) -> Walk<SharedDagStore> {
        Walk::new(Arc::new(self.clone()), Direction::Descendants, ids)
    }

    /// Walks over all nodes; see [`DagStoreExt::topological`](crate::DagStoreExt::topological).
    pub fn topological(&self) -> Walk<SharedDagStore> {
        Walk::new(Arc::new(self.clone()), Direction::All, std::iter::empty::<Cid>())
    }

    /// The difference of two sets of heads; see [`DagStoreExt::diff`](crate::DagStoreExt::diff).
    pub fn diff(
        &self,
        left: impl IntoIterator<Item = impl ToCid>,
        right: impl IntoIterator<Item = impl ToCid>,
    ) -> Result<Diff<SharedDagStore>> {
        Diff::new(&Arc::new(self.clone()), left, right)
    }

    /// Reads one page of a walk.
    pub async fn walk_page(&self, query: &WalkQuery) -> Result<WalkPage> {
        let mut pace = Pace::default();
        let state = self.shared.state.read().await;
        let state = state.as_ref().ok_or_else(|| self.shared.gone())?;
        if query.direction == Direction::All {
            graph::sorted_page(state, query, &mut pace).await
        } else {
            graph::walk_page(state, query, &mut pace).await
        }
    }

    /// Tells whether a node is an ancestor of another, or that node itself; see
    /// [`DagStore::is_ancestor`](crate::DagStore::is_ancestor).
    pub async fn is_ancestor(&self, ancestor: impl ToCid, descendant: impl ToCid) -> Result<bool> {
        let [ancestor, descendant] = [ancestor.to_cid()?, descendant.to_cid()?];
        self.is_ancestor_at(&mut Pace::default(), &ancestor, &descendant).await
    }

    pub(crate) async fn is_ancestor_at(
        &self,
        pace: &mut Pace,
        ancestor: &Cid,
        descendant: &Cid,
    ) -> Result<bool> {
        let state = self.shared.state.read().await;
        let state = state.as_ref().ok_or_else(|| self.shared.gone())?;
        graph::is_ancestor(state, state.node(ancestor)?, state.node(descendant)?, pace).await
    }

    /// The best common ancestors of all these nodes; see
    /// [`DagStore::merge_bases`](crate::DagStore::merge_bases).
    pub async fn merge_bases(&self, ids: impl IntoIterator<Item = impl ToCid>) -> Result<Vec<Cid>> {
        let cids = to_cids(ids)?;
        self.merge_bases_at(&mut Pace::default(), &cids).await
    }

    pub(crate) async fn merge_bases_at(&self, pace: &mut Pace, cids: &[Cid]) -> Result<Vec<Cid>> {
        let state = self.shared.state.read().await;
        let state = state.as_ref().ok_or_else(|| self.shared.gone())?;
        let nodes = cids.iter().map(|cid| state.node(cid)).collect::<Result<Vec<_>>>()?;
        let bases = graph::merge_bases(state, &nodes, pace).await?;
        Ok(bases.into_iter().map(|base| id::cid_of(state.digest(base))).collect())
    }

    /// A shortest path between two nodes; see [`DagStore::path`](crate::DagStore::path).
    pub async fn path(&self, from: impl ToCid, to: impl ToCid) -> Result<Option<Vec<Cid>>> {
        let [from, to] = [from.to_cid()?, to.to_cid()?];
        self.path_at(&mut Pace::default(), &from, &to).await
    }

    pub(crate) async fn path_at(
        &self,
        pace: &mut Pace,
        from: &Cid,
        to: &Cid,
    ) -> Result<Option<Vec<Cid>>> {
        let state = self.shared.state.read().await;
        let state = state.as_ref().ok_or_else(|| self.shared.gone())?;
        let Some(path) = graph::path(state, state.node(from)?, state.node(to)?, pace).await? else {
            return Ok(None);
        };
        platform::reserve(path.len() * size_of::<Cid>())?;
        let mut cids = Vec::with_capacity(path.len());
        for node in path {
            cids.push(id::cid_of(state.digest(node)));
            pace.worked(1).await?;
        }
        Ok(Some(cids))
    }
}
