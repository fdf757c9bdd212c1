//! The questions about the graph that the class `DagStore` answers.

use wasm_bindgen::prelude::wasm_bindgen;

use super::answer::{Answer, if_there_is_room, settle, write_text};
use super::job::Job;
use super::options::{self, Packed, fields};
use super::record::read_cids;
use super::store::DagStore;
use crate::cbor::Reader;
use crate::walk::{Direction, WalkPage, WalkQuery};
use crate::{Cursor, DagError, ErrorKind, Result};

#[wasm_bindgen]
impl DagStore {
    /// Answers the CIDs of the nodes that stand in this relation to those in the question; of a scope,
    /// where one is given. (One method for all of them: each future costs kilobytes of wasm.)
    pub fn related(
        &self,
        relation: u8,
        length: usize,
        scope_id: Option<String>,
        job: &Job,
    ) -> bool {
        let cids = read_cids(length);
        let store = self.store.clone();
        let mut pace = job.pace();
        settle(async move {
            let cids = cids?;
            if_there_is_room(match (relation, cids.as_slice()) {
                (PARENTS, [cid]) => store.parents(cid).await,
                (CHILDREN, [cid]) => store.children(cid).await,
                (ROOTS, []) => store.roots(scope_id.as_deref()).await,
                (MERGE_BASES, cids) => store.merge_bases_at(&mut pace, cids).await,
                (PATH, [from, to]) => {
                    // None is told by an empty one.
                    store.path_at(&mut pace, from, to).await.map(Option::unwrap_or_default)
                }
                _ => Err(malformed()),
            })
        })
    }

    /// Answers whether the first node in the question is an ancestor of the second.
    #[wasm_bindgen(js_name = isAncestor)]
    pub fn is_ancestor(&self, length: usize, job: &Job) -> bool {
        let cids = read_cids(length);
        let store = self.store.clone();
        let mut pace = job.pace();
        settle(async move {
            match cids?.as_slice() {
                [ancestor, descendant] => {
                    store.is_ancestor_at(&mut pace, ancestor, descendant).await
                }
                _ => Err(malformed()),
            }
        })
    }

    /// Answers a page of a walk. The question is its starts, and then what is excluded.
    pub fn walk(&self, length: usize, options: &[u8]) -> bool {
        let cids = read_cids(length);
        let options = options::read::<WalkOptions>(options);
        let store = self.store.clone();
        settle(async move {
            let WalkOptions { starts, mut query } = options?;
            query.starts = cids?;
            query.excluding = query.starts.split_off(starts.min(query.starts.len()));
            if_there_is_room(store.walk_page(&query).await)
        })
    }
}

/// The relations, as `graph.js` has them.
const PARENTS: u8 = 0;
const CHILDREN: u8 = 1;
const ROOTS: u8 = 2;
const MERGE_BASES: u8 = 3;
const PATH: u8 = 4;

fn malformed() -> DagError {
    DagError::new(ErrorKind::InvalidArgument, "a question about too many nodes, or too few")
}

/// What to walk over, but for the CIDs.
struct WalkOptions {
    /// How many of the CIDs are starts.
    starts: usize,
    query: WalkQuery,
}

impl Packed for WalkOptions {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self> {
        fields(reader, 9)?;
        let starts = Packed::unpack(reader)?;
        let direction = match u64::unpack(reader)? {
            0 => Direction::Ancestors,
            1 => Direction::Descendants,
            _ => Direction::All,
        };
        let depth = Option::<usize>::unpack(reader)?;
        let query = WalkQuery {
            direction,
            depth: depth.map(|depth| u32::try_from(depth).unwrap_or(u32::MAX)),
            scope_id: Packed::unpack(reader)?,
            event_types: Vec::<String>::unpack(reader)?.into_iter().map(Into::into).collect(),
            since: Packed::unpack(reader)?,
            until: Packed::unpack(reader)?,
            limit: Packed::unpack(reader)?,
            cursor: Option::<String>::unpack(reader)?.map(Cursor::new),
            ..WalkQuery::default()
        };
        Ok(WalkOptions { starts, query })
    }
}

impl Answer for WalkPage {
    fn bytes(&self) -> usize {
        let cursor = self.next.as_ref().map_or(0, |cursor| cursor.as_str().len());
        self.cids.bytes() + size_of::<u32>() + cursor
    }

    fn write_piece(&self, piece: usize, out: &mut Vec<u8>) -> bool {
        let more = self.cids.write_piece(piece, out);
        if !more {
            write_text(self.next.as_ref().map(Cursor::as_str).unwrap_or_default(), out);
        }
        more
    }
}
