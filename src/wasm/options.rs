//! Options, once JavaScript has checked and copied them: objects of its own making, without a
//! prototype, that hold nothing but what is named here.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;

use crate::cbor::MAX_SAFE;
use crate::{
    Cid, Condition, Cursor, DagError, DagStoreBatch, ErrorKind, ListQuery, Order, Result,
    SharedDagStore, Span, ToCid,
};

/// Reads options.
pub(super) fn read<T: DeserializeOwned>(options: JsValue) -> Result<T> {
    serde_wasm_bindgen::from_value(options)
        .map_err(|error| DagError::new(ErrorKind::InvalidArgument, error.to_string()))
}

/// What to list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListOptions {
    scope_id: Option<String>,
    event_types: Vec<String>,
    since: Option<u64>,
    until: Option<u64>,
    by_time: bool,
    reverse: bool,
    limit: usize,
    cursor: Option<String>,
}

impl ListOptions {
    pub(super) fn into_query(self) -> ListQuery {
        ListQuery {
            scope_id: self.scope_id,
            event_types: self.event_types.into_iter().map(Into::into).collect(),
            since: self.since,
            until: self.until,
            order: if self.by_time { Order::Time } else { Order::Insertion },
            reverse: self.reverse,
            limit: self.limit,
            cursor: self.cursor.map(Cursor::new),
        }
    }
}

/// A scope and a time.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RangeOptions {
    scope_id: String,
    since: Option<u64>,
    until: Option<u64>,
}

impl RangeOptions {
    pub(super) fn into_span(self) -> Result<Span> {
        let times = self.since.unwrap_or(0)..=self.until.unwrap_or(MAX_SAFE);
        Span::of_time(self.scope_id, times)
    }
}

/// How to commit.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CommitOptions {
    id: Option<String>,
    conditions: Vec<ConditionOption>,
    state_hash: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum ConditionOption {
    #[serde(rename_all = "camelCase")]
    Heads {
        scope_id: Option<String>,
        cids: Vec<Vec<u8>>,
    },
    StateHash(String),
    Absent(Vec<u8>),
}

impl ConditionOption {
    fn into_condition(self) -> Result<Condition> {
        Ok(match self {
            ConditionOption::Heads { scope_id, cids } => {
                let heads = cids.iter().map(ToCid::to_cid).collect::<Result<Vec<Cid>>>()?;
                Condition::Heads { scope_id, heads }
            }
            ConditionOption::StateHash(hash) => Condition::StateHash(hash.parse()?),
            ConditionOption::Absent(cid) => Condition::Absent(cid.to_cid()?),
        })
    }
}

impl CommitOptions {
    pub(super) fn apply(self, batch: &mut DagStoreBatch<SharedDagStore>) -> Result<()> {
        if let Some(id) = self.id {
            batch.set_id(id.parse()?)?;
        }
        for condition in self.conditions {
            batch.require(condition.into_condition()?)?;
        }
        batch.want_state_hash(self.state_hash)
    }
}
