//! Building a node from its fields.

use std::sync::Arc;

use crate::cbor;
use crate::digest::Digest;
use crate::id;
use crate::layout::{LINK_PREFIX, LONGEST_NAME, LONGEST_NONCE, Layout, Span, has_repeats, key};
use crate::limits;
use crate::platform;
use crate::{DagError, DagEventType, DagNode, ErrorKind, Ipld, Limits, Result, ToCid};

/// Builds a [`DagNode`]: content, event type and scope id are needed, the rest is optional.
///
/// Without a timestamp, `build` takes the platform's clock. Setters only note what they are given;
/// `build` checks it.
///
/// # Examples
///
/// ```
/// use dag_store::{DagEventType, DagNodeBuilder};
///
/// let proposal = DagNodeBuilder::new()
///     .content("Plant an orchard")
///     .event_type(DagEventType::Proposal)
///     .scope_id("garden-coop")
///     .build()?;
/// let vote = DagNodeBuilder::new()
///     .content(true)
///     .event_type(DagEventType::Vote)
///     .scope_id("garden-coop")
///     .parent(proposal.cid()?)
///     .build()?;
/// assert_eq!(vote.parents(), [proposal.cid()?]);
/// # Ok::<(), dag_store::DagError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `build`"]
pub struct DagNodeBuilder {
    content: Option<Ipld>,
    event_type: Option<DagEventType>,
    scope_id: Option<String>,
    timestamp: Option<u64>,
    parents: Vec<Digest>,
    nonce: Option<Vec<u8>>,
    /// The first parent given that is not the id of a node.
    bad_parent: Option<Arc<DagError>>,
}

impl DagNodeBuilder {
    /// An empty builder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the content: any IPLD value, or what turns into one (text, numbers, bytes, a CID, …).
    ///
    /// A float that is an integer within ±(2^53−1) is stored as that integer. NaN and infinities, and
    /// integers outside of −2^64 … 2^64−1, are refused by `build`.
    pub fn content(mut self, content: impl Into<Ipld>) -> Self {
        if let Some(replaced) = self.content.replace(content.into()) {
            cbor::dismantle(replaced);
        }
        self
    }

    /// Sets the event type: one of the known types, or a name of 1 to 255 bytes.
    pub fn event_type(mut self, event_type: impl Into<DagEventType>) -> Self {
        self.event_type = Some(event_type.into());
        self
    }

    /// Sets the scope, 1 to 255 bytes.
    pub fn scope_id(mut self, scope_id: impl Into<String>) -> Self {
        self.scope_id = Some(scope_id.into());
        self
    }

    /// Sets when it happened, in Unix milliseconds: 0 … 2^53−1.
    pub fn timestamp(mut self, timestamp: u64) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// Adds a parent. Their order counts, and none may stand there twice.
    pub fn parent(mut self, parent: impl ToCid) -> Self {
        match parent.to_cid().and_then(|cid| id::digest_of(&cid)) {
            Ok(digest) => self.parents.push(digest),
            Err(error) => _ = self.bad_parent.get_or_insert_with(|| Arc::new(error)),
        }
        self
    }

    /// Adds parents.
    pub fn parents(self, parents: impl IntoIterator<Item = impl ToCid>) -> Self {
        parents.into_iter().fold(self, Self::parent)
    }

    /// Sets the nonce, 1 to 64 bytes, which tells two otherwise identical events apart.
    pub fn nonce(mut self, nonce: impl Into<Vec<u8>>) -> Self {
        self.nonce = Some(nonce.into());
        self
    }

    /// Builds the node within the default [`Limits`].
    pub fn build(self) -> Result<DagNode> {
        self.build_with(&Limits::default())
    }

    /// Builds the node within these limits: a store's own, where it has others than the default.
    pub fn build_with(mut self, limits: &Limits) -> Result<DagNode> {
        let content = self.content.take();
        let encoded = match &content {
            Some(content) => self.encode(content, &limits.capped()),
            None => Err(missing("content")),
        };
        match encoded {
            Ok((block, layout)) => Ok(DagNode::built(block, layout)),
            Err(error) => {
                if let Some(content) = content {
                    cbor::dismantle(content);
                }
                Err(error)
            }
        }
    }

    fn encode(&self, content: &Ipld, limits: &Limits) -> Result<(Vec<u8>, Layout)> {
        let event_type = self.event_type.as_ref().ok_or_else(|| missing("event type"))?;
        let scope_id = self.scope_id.as_ref().ok_or_else(|| missing("scope id"))?;
        if let Some(error) = &self.bad_parent {
            return Err(DagError::new(
                error.kind(),
                format!("a parent is refused: {}", error.message()),
            )
            .with_source(Arc::clone(error)));
        }
        limits::check("parents of the node", self.parents.len(), limits.parents)?;
        check_length("scope id", scope_id.len(), LONGEST_NAME)?;
        check_length("event type", event_type.as_str().len(), LONGEST_NAME)?;
        let timestamp = self.timestamp.unwrap_or_else(platform::now_millis);
        if timestamp > cbor::MAX_SAFE {
            return Err(DagError::new(
                ErrorKind::InvalidNode,
                "the timestamp is over 2^53−1 (milliseconds)",
            ));
        }
        if has_repeats(self.parents.iter()) {
            return Err(DagError::new(ErrorKind::InvalidNode, "a parent is given twice"));
        }

        let mut block = Vec::with_capacity(512);
        cbor::write_map(&mut block, if self.nonce.is_some() { 6 } else { 5 });
        let mut nonce = Span::default();
        if let Some(bytes) = &self.nonce {
            check_length("nonce", bytes.len(), LONGEST_NONCE)?;
            block.extend_from_slice(key::NONCE);
            cbor::write_bytes(&mut block, bytes);
            nonce = Span::ending_at(block.len(), bytes.len());
        }

        block.extend_from_slice(key::CONTENT);
        let before = block.len();
        let depth =
            cbor::write_value(&mut block, content, limits.content_depth, limits.block_bytes)?;
        let content = Span::ending_at(block.len(), block.len() - before);

        block.extend_from_slice(key::PARENTS);
        cbor::write_list(&mut block, self.parents.len());
        let before = block.len();
        for digest in &self.parents {
            block.extend_from_slice(&LINK_PREFIX);
            block.extend_from_slice(digest);
        }
        let parents = Span::ending_at(block.len(), block.len() - before);

        block.extend_from_slice(key::SCOPE_ID);
        cbor::write_text(&mut block, scope_id);
        let scope_id = Span::ending_at(block.len(), scope_id.len());

        block.extend_from_slice(key::TIMESTAMP);
        cbor::write_unsigned(&mut block, timestamp);

        block.extend_from_slice(key::EVENT_TYPE);
        cbor::write_text(&mut block, event_type.as_str());
        let event_type = Span::ending_at(block.len(), event_type.as_str().len());

        limits::check("bytes of the block", block.len(), limits.block_bytes)?;
        Ok((block, Layout { nonce, content, depth, parents, scope_id, timestamp, event_type }))
    }
}

/// A builder may hold content of any depth, which `build` would refuse.
impl Drop for DagNodeBuilder {
    fn drop(&mut self) {
        if let Some(content) = self.content.take() {
            cbor::dismantle(content);
        }
    }
}

fn missing(what: &str) -> DagError {
    DagError::new(ErrorKind::InvalidNode, format!("the node has no {what}"))
}

fn check_length(what: &str, found: usize, most: usize) -> Result<()> {
    if (1..=most).contains(&found) {
        return Ok(());
    }
    Err(DagError::new(
        ErrorKind::InvalidNode,
        format!("the {what} has {found} bytes; it must have 1 to {most}"),
    ))
}
