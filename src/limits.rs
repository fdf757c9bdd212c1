//! How large things may be.

use crate::{DagError, ErrorKind, Result};

/// The limits of a store, each with a typed error ([`ErrorKind::Limit`], unless it says another) beyond
/// it.
///
/// Every limit can be set lower or higher, up to a ceiling that keeps decoding safe; a value above the
/// ceiling is taken as the ceiling.
///
/// # Examples
///
/// ```
/// use dag_store::{Limits, SharedDagStore};
///
/// let limits = Limits::default().with_block_bytes(16 * 1024).with_parents(2);
/// let store = SharedDagStore::with_limits(limits);
/// # drop(store);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one block: 1 MiB unless set, 64 MiB at most.
    pub block_bytes: usize,
    /// Parents of one node: 1,024 unless set, 65,536 at most.
    pub parents: usize,
    /// Lists and maps within one another in a node's content: 127 unless set, 1,024 at most. A value
    /// that is neither has nesting 0.
    pub content_depth: usize,
    /// Operations of one batch: 1,000,000 unless set, 16,000,000 at most.
    pub batch_operations: usize,
    /// Bytes of all the blocks that one batch inserts: 256 MiB unless set, 1 GiB at most.
    pub batch_bytes: usize,
    /// How many commits a store remembers, at least, for those who
    /// [watch](crate::DagStoreExt::watch) it and for lists that begin
    /// [after a commit](crate::List::after_commit), and how many removed nodes: 65,536 of each unless
    /// set, 16,777,216 at most. Beyond it is [`ErrorKind::Compacted`].
    ///
    /// A store in memory takes some 70 bytes for a commit and 110 for a removed node. Inserts of single
    /// nodes in a row count as one commit.
    pub history: usize,
}

const CEILING: Limits = Limits {
    block_bytes: 64 << 20,
    parents: 1 << 16,
    content_depth: 1 << 10,
    batch_operations: 16_000_000,
    batch_bytes: 1 << 30,
    history: 1 << 24,
};

impl Default for Limits {
    fn default() -> Self {
        Limits {
            block_bytes: 1 << 20,
            parents: 1 << 10,
            content_depth: 127,
            batch_operations: 1_000_000,
            batch_bytes: 256 << 20,
            history: 1 << 16,
        }
    }
}

macro_rules! setters {
    ($($setter:ident $field:ident,)+) => {
        impl Limits {
            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](Limits::", stringify!($field), ").")]
                #[must_use]
                pub fn $setter(mut self, most: usize) -> Self {
                    self.$field = most.min(CEILING.$field);
                    self
                }
            )+

            /// The highest that any limit can be.
            pub(crate) const fn ceiling() -> Self {
                CEILING
            }

            /// The same limits, none above its ceiling.
            pub(crate) fn capped(&self) -> Self {
                Limits { $($field: self.$field.min(CEILING.$field),)+ }
            }
        }
    };
}

setters! {
    with_block_bytes block_bytes,
    with_parents parents,
    with_content_depth content_depth,
    with_batch_operations batch_operations,
    with_batch_bytes batch_bytes,
    with_history history,
}

/// Refuses what is over its limit, naming both figures.
pub(crate) fn check(what: &str, found: usize, most: usize) -> Result<()> {
    if found <= most {
        return Ok(());
    }
    Err(DagError::new(ErrorKind::Limit, format!("{what}: {found}, and the limit is {most}")))
}
