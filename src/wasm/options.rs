//! Options, once JavaScript has checked and copied them: a little DAG-CBOR, in which a struct is the list of its fields, in their
//! order, and what is missing is null. `packed.js` writes it.

use crate::cbor::{MAX_SAFE, NULL, Reader, TRUE};
use crate::{
    Cid, Condition, Cursor, DagStoreBatch, ListQuery, Order, Result, SharedDagStore, Span, ToCid,
};

/// Reads options. JavaScript has checked them, so what can't be read is a mistake of ours.
pub(super) fn read<T: Packed>(options: &[u8]) -> Result<T> {
    T::unpack(&mut Reader::new(options))
}

/// What can stand in options.
pub(super) trait Packed: Sized {
    /// Reads it from where the reader is.
    fn unpack(reader: &mut Reader<'_>) -> Result<Self>;
}

const NO_LIST: &str = "options that are no list";
const OTHER_KIND: &str = "options of another kind";

/// Reads the head of a struct of so many fields.
pub(super) fn fields(reader: &mut Reader<'_>, count: usize) -> Result<()> {
    if reader.list(NO_LIST)? == count { Ok(()) } else { Err(reader.fault(OTHER_KIND)) }
}

impl Packed for bool {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(reader.take(1)? == [TRUE])
    }
}

impl Packed for u64 {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self> {
        reader.unsigned("no number")
    }
}

impl Packed for usize {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self> {
        // What is beyond the memory's 32 bits is beyond all that is counted here.
        Ok(usize::try_from(u64::unpack(reader)?).unwrap_or(usize::MAX))
    }
}

impl Packed for String {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(String::from_utf8_lossy(reader.text("no text")?).into_owned())
    }
}

impl Packed for Cid {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self> {
        reader.bytes("no bytes")?.to_cid()
    }
}

impl<T: Packed> Packed for Option<T> {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self> {
        if reader.take_exactly(&[NULL]) { Ok(None) } else { T::unpack(reader).map(Some) }
    }
}

impl<T: Packed> Packed for Vec<T> {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self> {
        (0..reader.list(NO_LIST)?).map(|_| T::unpack(reader)).collect()
    }
}

/// What to list.
impl Packed for ListQuery {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self> {
        fields(reader, 9)?;
        Ok(ListQuery {
            scope_id: Packed::unpack(reader)?,
            event_types: Vec::<String>::unpack(reader)?.into_iter().map(Into::into).collect(),
            since: Packed::unpack(reader)?,
            until: Packed::unpack(reader)?,
            order: if bool::unpack(reader)? { Order::Time } else { Order::Insertion },
            reverse: Packed::unpack(reader)?,
            limit: Packed::unpack(reader)?,
            cursor: Option::<String>::unpack(reader)?.map(Cursor::new),
            after_commit: Packed::unpack(reader)?,
        })
    }
}

/// A scope and a time.
impl Packed for Span {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self> {
        fields(reader, 3)?;
        let scope_id = String::unpack(reader)?;
        let since = Option::unpack(reader)?.unwrap_or(0);
        let until = Option::unpack(reader)?.unwrap_or(MAX_SAFE);
        Span::of_time(scope_id, since..=until)
    }
}

/// How to commit.
pub(super) struct CommitOptions {
    id: Option<String>,
    conditions: Vec<Condition>,
    state_hash: bool,
}

impl CommitOptions {
    pub(super) fn apply(self, batch: &mut DagStoreBatch<SharedDagStore>) -> Result<()> {
        if let Some(id) = self.id {
            batch.set_id(id.parse()?)?;
        }
        for condition in self.conditions {
            batch.require(condition)?;
        }
        batch.want_state_hash(self.state_hash)
    }
}

impl Packed for CommitOptions {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self> {
        fields(reader, 3)?;
        Ok(CommitOptions {
            id: Packed::unpack(reader)?,
            conditions: Packed::unpack(reader)?,
            state_hash: Packed::unpack(reader)?,
        })
    }
}

/// The number of its kind, which `commit.js` knows, and what it asks for.
impl Packed for Condition {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self> {
        let values = reader.list(NO_LIST)?;
        match (u64::unpack(reader)?, values) {
            (0, 3) => Ok(Condition::Heads {
                scope_id: Packed::unpack(reader)?,
                heads: Packed::unpack(reader)?,
            }),
            (1, 2) => Ok(Condition::StateHash(String::unpack(reader)?.parse()?)),
            (2, 2) => Ok(Condition::Absent(Packed::unpack(reader)?)),
            _ => Err(reader.fault(OTHER_KIND)),
        }
    }
}
