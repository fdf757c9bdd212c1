//! A node from a client, as DAG-JSON.

use dag_store::{DagError, DagNode, DagNodeBuilder, ErrorKind, Ipld, Limits, Result};

/// Reads a node from the form that `GET /nodes/{cid}` gives it in, of which `parents`, `timestamp` (then it is now) and
/// `nonce` may be left out.
pub(crate) fn node(json: &[u8], limits: &Limits) -> Result<DagNode> {
    let value: Ipld = serde_ipld_dagjson::from_slice(json)
        .map_err(|error| invalid("the body is no DAG-JSON").with_source(error))?;
    let Ipld::Map(fields) = value else { return Err(invalid("a node is a map")) };
    let mut builder = DagNodeBuilder::new();
    for (name, value) in fields {
        builder = match (name.as_str(), value) {
            ("content", content) => builder.content(content),
            ("event_type", Ipld::String(event_type)) => builder.event_type(event_type),
            ("scope_id", Ipld::String(scope_id)) => builder.scope_id(scope_id),
            ("timestamp", Ipld::Integer(millis)) => builder.timestamp(
                u64::try_from(millis).map_err(|_| invalid("a timestamp is not negative"))?,
            ),
            ("parents", Ipld::List(parents)) => with_parents(builder, parents)?,
            ("nonce", Ipld::Bytes(nonce)) => builder.nonce(nonce),
            (name, _) => return Err(invalid(format!("{name:?} is no field, or not of its kind"))),
        };
    }
    builder.build_with(limits)
}

fn with_parents(builder: DagNodeBuilder, parents: Vec<Ipld>) -> Result<DagNodeBuilder> {
    parents.into_iter().try_fold(builder, |builder, parent| match parent {
        Ipld::Link(cid) => Ok(builder.parent(cid)),
        // As other answers name nodes.
        Ipld::String(cid) => Ok(builder.parent(cid)),
        _ => Err(invalid("a parent is a link or a CID")),
    })
}

fn invalid(message: impl Into<String>) -> DagError {
    DagError::new(ErrorKind::InvalidNode, message)
}
