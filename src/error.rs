//! What can go wrong, in one vocabulary for every storage and both languages.

use std::error::Error;
use std::fmt;

use crate::id::Text;
use crate::{Cid, CommitId};

/// The result of an operation on a store.
pub type Result<T, E = DagError> = core::result::Result<T, E>;

/// Why an operation was refused or failed.
///
/// Opaque, so that it can grow. What to do about it follows from [`kind`](DagError::kind); the node,
/// parent or commit that it speaks of are there where one is meant, and the error beneath it, where
/// there is one, is its [`source`](Error::source).
///
/// # Examples
///
/// ```
/// use dag_store::{DagNodeBuilder, ErrorKind};
///
/// let error = DagNodeBuilder::new().content("no event type").scope_id("s").build().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidNode);
/// assert_eq!(error.code(), "ERR_INVALID_NODE");
/// ```
pub struct DagError(Box<Repr>);

struct Repr {
    kind: ErrorKind,
    message: String,
    cid: Option<Cid>,
    parent: Option<Cid>,
    commit: Option<CommitId>,
    offset: Option<u64>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

macro_rules! error_kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $code:literal,)+) => {
        /// The kind of a [`DagError`], and its stable code in JavaScript.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[doc = $doc])+ #[doc = ""] #[doc = concat!("Code `", $code, "`.")] $kind,)+
        }

        impl ErrorKind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &'static [ErrorKind] = &[$(ErrorKind::$kind,)+];

            /// The stable code that JavaScript knows the kind by.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(ErrorKind::$kind => $code,)+
                }
            }
        }
    };
}

error_kinds! {
    /// A question about a node that is not in the store. Reading it by `get` gives none instead.
    NotFound = "ERR_NOT_FOUND",
    /// An id that is no CID, or a CID of another version, codec or hash than a node's, or one that
    /// the bytes given with it do not hash to.
    InvalidCid = "ERR_INVALID_CID",
    /// A node or block that breaks the format: a field missing, unknown or out of range, content that
    /// IPLD has no place for, an encoding that is not canonical.
    InvalidNode = "ERR_INVALID_NODE",
    /// An argument that makes no sense, other than a node or an id.
    InvalidArgument = "ERR_INVALID_ARGUMENT",
    /// A block of a later format (it has the key `v`). Update the library to read it.
    UnsupportedVersion = "ERR_UNSUPPORTED_VERSION",
    /// A node whose parent is neither in the store nor in the batch. Insert the parent first, or in
    /// the same batch.
    MissingParent = "ERR_MISSING_PARENT",
    /// A node that can't be removed while the store holds a child of it. Remove the children in the
    /// same batch.
    HasChildren = "ERR_HAS_CHILDREN",
    /// Something larger than the store's limits allow; see `Limits`.
    Limit = "ERR_LIMIT",
    /// A condition of the batch does not hold. Read the store again, and decide again.
    ConditionFailed = "ERR_CONDITION_FAILED",
    /// Other writers came first, again and again. Try again later.
    Contended = "ERR_CONTENDED",
    /// The storage is open elsewhere, and takes one writer alone. The message names who has it.
    Locked = "ERR_LOCKED",
    /// The storage gave bytes that are not what was written.
    Corrupt = "ERR_CORRUPT",
    /// A batch used after it was committed or rolled back.
    BatchClosed = "ERR_BATCH_CLOSED",
    /// A store used after it was closed.
    Closed = "ERR_CLOSED",
    /// A write was half applied; nothing is answered until the store is opened again.
    NeedsReopen = "ERR_NEEDS_REOPEN",
    /// The WebAssembly instance died of a panic or trap (JavaScript only). Make a new store.
    Poisoned = "ERR_POISONED",
    /// The storage died during a commit, which may or may not have happened. After reopening, the
    /// commit's id tells.
    OutcomeUnknown = "ERR_OUTCOME_UNKNOWN",
    /// The past that was asked for is no longer kept.
    Compacted = "ERR_COMPACTED",
    /// What a journal held is gone: a browser has deleted it (JavaScript only), or somebody has. Where
    /// there is another copy, begin anew from that.
    Evicted = "ERR_EVICTED",
    /// The storage has no room left, or a WebAssembly instance no memory: take fewer nodes at once,
    /// close other stores, or use another instance (a worker has its own). Nothing has changed.
    Quota = "ERR_QUOTA",
    /// The storage failed in another way; the source says how.
    Storage = "ERR_STORAGE",
    /// The caller gave the operation up.
    Aborted = "ERR_ABORTED",
}

impl DagError {
    /// Makes an error. Storages use this; so do other implementations of `DagStore`.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        DagError(Box::new(Repr {
            kind,
            message: message.into(),
            cid: None,
            parent: None,
            commit: None,
            offset: None,
            source: None,
        }))
    }

    /// Names the node that the error speaks of.
    #[must_use]
    pub fn with_cid(mut self, cid: Cid) -> Self {
        self.0.cid = Some(cid);
        self
    }

    /// Names the parent that is missing.
    #[must_use]
    pub fn with_parent(mut self, parent: Cid) -> Self {
        self.0.parent = Some(parent);
        self
    }

    /// Names the commit that the error speaks of.
    #[must_use]
    pub fn with_commit(mut self, commit: CommitId) -> Self {
        self.0.commit = Some(commit);
        self
    }

    /// Tells at which byte of a file the error is.
    #[must_use]
    pub fn with_offset(mut self, offset: u64) -> Self {
        self.0.offset = Some(offset);
        self
    }

    /// Keeps the error that this one comes from.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The kind's stable code, such as `ERR_NOT_FOUND`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.kind.code()
    }

    /// One sentence for people, without the CIDs.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The node that the error speaks of, where there is one.
    #[must_use]
    pub fn cid(&self) -> Option<&Cid> {
        self.0.cid.as_ref()
    }

    /// The parent that is missing, for [`ErrorKind::MissingParent`].
    #[must_use]
    pub fn parent(&self) -> Option<&Cid> {
        self.0.parent.as_ref()
    }

    /// The commit that the error speaks of, where there is one.
    #[must_use]
    pub fn commit_id(&self) -> Option<&CommitId> {
        self.0.commit.as_ref()
    }

    /// The byte of a CAR file at which the part begins that is at fault, or at which the file ends too
    /// early.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }
}

impl fmt::Display for DagError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Repr { message, cid, parent, commit, offset, .. } = &*self.0;
        f.write_str(message)?;
        if let Some(cid) = cid {
            write!(f, " (node {}", Text(cid))?;
            if let Some(parent) = parent {
                write!(f, ", parent {}", Text(parent))?;
            }
            f.write_str(")")?;
        }
        if let Some(commit) = commit {
            write!(f, " (commit {commit})")?;
        }
        if let Some(offset) = offset {
            write!(f, " (at byte {offset})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for DagError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)?;
        match &self.0.source {
            Some(source) => write!(f, ": {source:?}"),
            None => Ok(()),
        }
    }
}

impl Error for DagError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
