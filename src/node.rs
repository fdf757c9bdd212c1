//! The node: one event, as its canonical block.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::cbor::Reader;
use crate::dag_json;
use crate::digest::{self, Digest};
use crate::id;
use crate::layout::{Layout, Span};
use crate::limits;
use crate::{Cid, DagError, DagEventType, DagNodeBuilder, ErrorKind, Ipld, Limits, Result};

/// One event of the DAG, immutable and valid: whoever holds a `DagNode` holds a canonical block that
/// hashes to its CID.
///
/// It *is* its block: the bytes as they were built or came in, and where the fields stand in them.
/// Cloning it copies nothing. Made by [`DagNodeBuilder`], or from a block by [`decode`](Self::decode).
///
/// # Examples
///
/// ```
/// use dag_store::{DagEventType, DagNode, DagNodeBuilder};
///
/// let node = DagNodeBuilder::new()
///     .content("node content")
///     .event_type(DagEventType::Proposal)
///     .scope_id("test-scope")
///     .timestamp(0)
///     .build()?;
/// assert_eq!(node.scope_id(), "test-scope");
/// assert_eq!(DagNode::decode(node.as_bytes())?, node);
/// # Ok::<(), dag_store::DagError>(())
/// ```
#[derive(Clone)]
pub struct DagNode {
    bytes: Arc<[u8]>,
    digest: Digest,
    layout: Layout,
}

impl DagNode {
    /// Starts building a node; the same as [`DagNodeBuilder::new`].
    pub fn builder() -> DagNodeBuilder {
        DagNodeBuilder::new()
    }

    /// Reads a block from outside, within the default [`Limits`].
    ///
    /// The bytes are kept as they are. Refused are a block that is not a node in canonical DAG-CBOR
    /// ([`ErrorKind::InvalidNode`], which says at which byte), one of a later format
    /// ([`ErrorKind::UnsupportedVersion`]) and one over a limit ([`ErrorKind::Limit`]).
    pub fn decode(bytes: impl AsRef<[u8]>) -> Result<DagNode> {
        Self::decode_with(bytes, &Limits::default())
    }

    /// Reads a block from outside, within these limits.
    pub fn decode_with(bytes: impl AsRef<[u8]>, limits: &Limits) -> Result<DagNode> {
        let bytes = bytes.as_ref();
        let layout = Layout::read(bytes, limits)?;
        Ok(DagNode { bytes: bytes.into(), digest: digest::sha256(bytes), layout })
    }

    /// Reads a block from outside that was hashed already.
    pub(crate) fn hashed(bytes: &[u8], digest: Digest, limits: &Limits) -> Result<DagNode> {
        let layout = Layout::read(bytes, limits)?;
        Ok(DagNode { bytes: bytes.into(), digest, layout })
    }

    /// Reads a block from outside that claims to be the node `cid`; [`ErrorKind::InvalidCid`] where it
    /// hashes to another.
    ///
    /// # Examples
    ///
    /// ```
    /// use dag_store::{DagNode, ErrorKind};
    ///
    /// let node = DagNode::builder().content(1).event_type("vote").scope_id("s").timestamp(1).build()?;
    /// let other = DagNode::builder().content(2).event_type("vote").scope_id("s").timestamp(1).build()?;
    /// assert!(DagNode::decode_as(&node.cid()?, node.as_bytes()).is_ok());
    /// let error = DagNode::decode_as(&node.cid()?, other.as_bytes()).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidCid);
    /// # Ok::<(), dag_store::DagError>(())
    /// ```
    pub fn decode_as(cid: &Cid, bytes: impl AsRef<[u8]>) -> Result<DagNode> {
        let claimed = id::digest_of(cid)?;
        let node = Self::decode(bytes)?;
        if node.digest == claimed {
            return Ok(node);
        }
        Err(DagError::new(
            ErrorKind::InvalidCid,
            "the block does not hash to the CID given with it",
        )
        .with_cid(*cid))
    }

    /// The block that a builder has written, with where it put the fields.
    pub(crate) fn built(block: Vec<u8>, layout: Layout) -> DagNode {
        debug_assert_eq!(Layout::read(&block, &Limits::ceiling()).ok(), Some(layout));
        let digest = digest::sha256(&block);
        DagNode { bytes: block.into(), digest, layout }
    }

    /// A block that was checked and hashed when it came in. Its form is walked again, since that is
    /// how the fields are found.
    pub(crate) fn trusted(bytes: &[u8], digest: Digest, limits: &Limits) -> Result<DagNode> {
        match Layout::trusted(bytes, limits) {
            Ok(layout) => Ok(DagNode { bytes: bytes.into(), digest, layout }),
            Err(error) => Err(DagError::new(ErrorKind::Corrupt, "a stored block has changed")
                .with_cid(id::cid_of(&digest))
                .with_source(error)),
        }
    }

    /// The CID: `CIDv1`, codec dag-cbor, hash sha2-256.
    ///
    /// It was computed when the node was made and never fails. The `Result` is for code written
    /// against the node this one descends from, which computed its CID on demand.
    pub fn cid(&self) -> Result<Cid> {
        Ok(id::cid_of(&self.digest))
    }

    pub(crate) fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The content, decoded anew with each call. It never fails for a node that a store gave or that
    /// was built.
    pub fn content(&self) -> Result<Ipld> {
        Reader::new(self.slice(self.layout.content)).value()
    }

    /// The content's canonical DAG-CBOR, as it stands in the block.
    #[must_use]
    pub fn content_bytes(&self) -> &[u8] {
        self.slice(self.layout.content)
    }

    /// The event type.
    #[must_use]
    pub fn event_type(&self) -> DagEventType {
        self.event_type_name().into()
    }

    pub(crate) fn event_type_name(&self) -> &str {
        self.text(self.layout.event_type)
    }

    /// The scope the event belongs to, 1 to 255 bytes.
    #[must_use]
    pub fn scope_id(&self) -> &str {
        self.text(self.layout.scope_id)
    }

    /// When it happened, in Unix milliseconds: 0 … 2^53−1.
    #[must_use]
    pub fn timestamp(&self) -> u64 {
        self.layout.timestamp
    }

    /// The parents, in the order given.
    #[must_use]
    pub fn parents(&self) -> Vec<Cid> {
        self.parent_digests().map(id::cid_of).collect()
    }

    pub(crate) fn parent_digests(&self) -> impl ExactSizeIterator<Item = &Digest> {
        self.layout.parent_digests(&self.bytes)
    }

    /// The nonce, 1 to 64 bytes, where the node has one.
    #[must_use]
    pub fn nonce(&self) -> Option<&[u8]> {
        let nonce = self.slice(self.layout.nonce);
        (!nonce.is_empty()).then_some(nonce)
    }

    /// The block: canonical DAG-CBOR, what the CID is the hash of.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The block, shared.
    #[must_use]
    pub fn to_block(&self) -> Arc<[u8]> {
        Arc::clone(&self.bytes)
    }

    /// The node as [DAG-JSON](https://ipld.io/specs/codecs/dag-json/spec/), for people to read: the
    /// fields of its block under their names there, links as `{"/":"<CID>"}`, bytes as
    /// `{"/":{"bytes":"<base64>"}}`. The CID is of the block, not of this text.
    ///
    /// # Examples
    ///
    /// ```
    /// use dag_store::DagNode;
    ///
    /// let node = DagNode::builder().content(1.5).event_type("vote").scope_id("s").timestamp(7).build()?;
    /// let expected = r#"{"content":1.5,"event_type":"vote","parents":[],"scope_id":"s","timestamp":7}"#;
    /// assert_eq!(node.to_dag_json()?, expected);
    /// # Ok::<(), dag_store::DagError>(())
    /// ```
    pub fn to_dag_json(&self) -> Result<String> {
        Reader::new(&self.bytes).value().map(|value| dag_json::write(&value))
    }

    /// A builder that starts from this node's fields.
    pub fn to_builder(&self) -> Result<DagNodeBuilder> {
        let builder = DagNodeBuilder::new()
            .content(self.content()?)
            .event_type(self.event_type())
            .scope_id(self.scope_id())
            .timestamp(self.timestamp())
            .parents(self.parents());
        Ok(match self.nonce() {
            Some(nonce) => builder.nonce(nonce),
            None => builder,
        })
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Refuses a node that was made within wider limits than these.
    pub(crate) fn check(&self, limits: &Limits) -> Result<()> {
        let (parents, depth) = (self.layout.parent_count(), self.layout.depth);
        limits::check("bytes of the block", self.bytes.len(), limits.block_bytes)
            .and_then(|()| limits::check("parents of the node", parents, limits.parents))
            .and_then(|()| limits::check("nesting of content", depth, limits.content_depth))
            .map_err(|error| error.with_cid(id::cid_of(&self.digest)))
    }

    fn slice(&self, field: Span) -> &[u8] {
        field.of(&self.bytes)
    }

    fn text(&self, field: Span) -> &str {
        std::str::from_utf8(self.slice(field)).unwrap_or_default()
    }
}

impl PartialEq for DagNode {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for DagNode {}

impl Hash for DagNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

impl fmt::Debug for DagNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DagNode")
            .field("cid", &id::cid_of(&self.digest).to_string())
            .field("event_type", &self.event_type_name())
            .field("scope_id", &self.scope_id())
            .field("timestamp", &self.timestamp())
            .field("parents", &self.layout.parent_count())
            .field("bytes", &self.bytes.len())
            .finish()
    }
}
