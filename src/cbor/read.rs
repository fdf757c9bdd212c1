//! Reading and checking canonical DAG-CBOR.

use std::collections::BTreeMap;

use super::{
    FALSE, FLOAT64, LINK, LINK_PREFIX, NULL, TRUE, invalid, major, safe_integer, too_deep,
};
use crate::{Cid, DagError, Ipld, Result};

/// Reads canonical DAG-CBOR from front to back; every error says at which byte.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Whether text is known to be UTF-8, because it was found to be when the block came in.
    trusted: bool,
}

/// A value that holds no others, or the head of one that does.
enum Item<'a> {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(&'a [u8]),
    Bytes(&'a [u8]),
    Link(Cid),
    List(usize),
    Map(usize),
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, at: 0, trusted: false }
    }

    /// A reader of bytes that one like `new` has passed over before.
    pub(crate) fn trusted(bytes: &'a [u8]) -> Self {
        Reader { bytes, at: 0, trusted: true }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(crate) fn fault(&self, what: &str) -> DagError {
        invalid(format!("the block is not a node's: {what}, at byte {}", self.at))
    }

    /// Takes these bytes, if they are what comes next.
    #[inline]
    pub(crate) fn take_exactly(&mut self, expected: &[u8]) -> bool {
        let found = self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(expected));
        if found {
            self.at += expected.len();
        }
        found
    }

    #[inline]
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(count);
        match end.and_then(|end| self.bytes.get(self.at..end)) {
            Some(taken) => {
                self.at += count;
                Ok(taken)
            }
            None => Err(self.fault("it ends too early")),
        }
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(crate) fn end(&self) -> Result<()> {
        if self.left() == 0 { Ok(()) } else { Err(self.fault("bytes follow the node")) }
    }

    /// Reads a head, which must be the shortest for its argument.
    #[inline]
    fn head(&mut self) -> Result<(u8, u64)> {
        if let Some(&first) = self.bytes.get(self.at)
            && first & 0x1f < 24
        {
            self.at += 1;
            return Ok((first >> 5, u64::from(first & 0x1f)));
        }
        self.long_head()
    }

    fn long_head(&mut self) -> Result<(u8, u64)> {
        let start = *self;
        let [first] = self.take_array()?;
        let (argument, least) = match first & 0x1f {
            24 => (u64::from(u8::from_be_bytes(self.take_array()?)), 24),
            25 => (u64::from(u16::from_be_bytes(self.take_array()?)), 1 << 8),
            26 => (u64::from(u32::from_be_bytes(self.take_array()?)), 1 << 16),
            27 => (u64::from_be_bytes(self.take_array()?), 1 << 32),
            31 => return Err(start.fault("an indefinite length or a stray break")),
            // 28 to 30; what is below 24 has been dealt with.
            _ => return Err(start.fault("a reserved head")),
        };
        if argument < least {
            return Err(start.fault("an integer or length that is not in its shortest form"));
        }
        Ok((first >> 5, argument))
    }

    /// Reads a head of this major type, and gives its argument.
    fn expect(&mut self, expected: u8, what: &str) -> Result<u64> {
        let start = *self;
        match self.head()? {
            (major, argument) if major == expected => Ok(argument),
            _ => Err(start.fault(what)),
        }
    }

    /// How many items follow: never more than there are bytes left, since each takes one or more.
    fn count(&self, claimed: u64, bytes_each: usize) -> Result<usize> {
        usize::try_from(claimed)
            .ok()
            .filter(|count| *count <= self.left() / bytes_each)
            .ok_or_else(|| self.fault("it ends too early"))
    }

    pub(crate) fn unsigned(&mut self, what: &str) -> Result<u64> {
        self.expect(major::UNSIGNED, what)
    }

    pub(crate) fn list(&mut self, what: &str) -> Result<usize> {
        let claimed = self.expect(major::LIST, what)?;
        self.count(claimed, 1)
    }

    pub(crate) fn map(&mut self, what: &str) -> Result<u64> {
        self.expect(major::MAP, what)
    }

    pub(crate) fn text(&mut self, what: &str) -> Result<&'a [u8]> {
        let claimed = self.expect(major::TEXT, what)?;
        self.text_of(claimed)
    }

    pub(crate) fn bytes(&mut self, what: &str) -> Result<&'a [u8]> {
        let claimed = self.expect(major::BYTES, what)?;
        let length = self.count(claimed, 1)?;
        self.take(length)
    }

    fn text_of(&mut self, claimed: u64) -> Result<&'a [u8]> {
        let start = *self;
        let length = self.count(claimed, 1)?;
        let text = self.take(length)?;
        if self.trusted || std::str::from_utf8(text).is_ok() {
            return Ok(text);
        }
        Err(start.fault("text that is not UTF-8"))
    }

    /// What text reads, as a string.
    fn string(&self, text: &[u8]) -> Result<String> {
        String::from_utf8(text.to_vec()).map_err(|_| self.fault("text that is not UTF-8"))
    }

    /// Reads a link with its tag.
    pub(crate) fn tagged_link(&mut self) -> Result<Cid> {
        let start = *self;
        match self.expect(major::TAG, "not a link")? {
            LINK => self.link(),
            _ => Err(start.fault("a tag other than 42 (link)")),
        }
    }

    fn link(&mut self) -> Result<Cid> {
        let start = *self;
        let bytes = self.bytes("a link (tag 42) that is no byte string")?;
        match bytes.split_first() {
            Some((&LINK_PREFIX, cid)) => Cid::try_from(cid)
                .ok()
                // The parser stops where the CID ends, and takes varints of ten bytes, of which it
                // drops bits. Varints have nine bytes at most (unsigned-varint spec).
                .filter(|parsed| parsed.codec() >> 63 == 0 && parsed.hash().code() >> 63 == 0)
                .filter(|parsed| parsed.to_bytes() == cid)
                .ok_or_else(|| start.fault("a link that is no CID")),
            _ => Err(start.fault("a link without its leading zero byte")),
        }
    }

    fn item(&mut self) -> Result<Item<'a>> {
        let start = *self;
        // Simple values come first: their low bits are not an argument.
        match self.bytes.get(self.at) {
            Some(&(FALSE | TRUE)) => return Ok(Item::Bool(self.take_array::<1>()? == [TRUE])),
            Some(&NULL) => {
                self.at += 1;
                return Ok(Item::Null);
            }
            Some(&FLOAT64) => {
                self.at += 1;
                return self.float(start);
            }
            Some(byte) if byte >> 5 == major::SIMPLE => {
                return Err(start
                    .fault("a simple value other than true, false, null and floats of 64 bits"));
            }
            _ => {}
        }
        let (major, argument) = self.head()?;
        Ok(match major {
            major::UNSIGNED => Item::Integer(i128::from(argument)),
            major::NEGATIVE => Item::Integer(-1 - i128::from(argument)),
            major::TEXT => Item::Text(self.text_of(argument)?),
            major::BYTES => {
                let length = self.count(argument, 1)?;
                Item::Bytes(self.take(length)?)
            }
            major::LIST => Item::List(self.count(argument, 1)?),
            // A key and a value take a byte each, at least.
            major::MAP => Item::Map(self.count(argument, 2)?),
            _ if argument == LINK => Item::Link(self.link()?),
            _ => return Err(start.fault("a tag other than 42 (link)")),
        })
    }

    fn float(&mut self, start: Self) -> Result<Item<'a>> {
        let float = f64::from_be_bytes(self.take_array()?);
        if !float.is_finite() {
            return Err(start.fault("a float that is not finite"));
        }
        if safe_integer(float).is_some() {
            return Err(start.fault("a float that must be written as an integer"));
        }
        Ok(Item::Float(float))
    }

    /// Reads a map's next key, which must come after the one before.
    fn key(&mut self, before: Option<&'a [u8]>) -> Result<&'a [u8]> {
        let start = *self;
        let key = self.text("a map key that is not text")?;
        let in_order = before.is_none_or(|before| (before.len(), before) < (key.len(), key));
        if in_order { Ok(key) } else { Err(start.fault("map keys out of order, or one twice")) }
    }

    /// Passes over one value, checking all of it, and tells how deep its lists and maps nest.
    pub(crate) fn skip_value(&mut self, most: usize) -> Result<usize> {
        enum Around<'a> {
            List { left: usize },
            Map { left: usize, before: Option<&'a [u8]> },
        }
        let mut around: Vec<Around<'a>> = Vec::new();
        let mut deepest = 0;
        loop {
            let opened = match self.item()? {
                Item::List(left) => Some(Around::List { left }),
                Item::Map(left) => Some(Around::Map { left, before: None }),
                _ => None,
            };
            if let Some(opened) = opened {
                if around.len() == most {
                    return Err(too_deep(most));
                }
                around.push(opened);
                deepest = deepest.max(around.len());
            }
            // On to the next value, out of whatever is at its end.
            loop {
                match around.last_mut() {
                    None => return Ok(deepest),
                    Some(Around::List { left: 0 } | Around::Map { left: 0, .. }) => {
                        around.pop();
                    }
                    Some(Around::List { left }) => {
                        *left -= 1;
                        break;
                    }
                    Some(Around::Map { left, before }) => {
                        *left -= 1;
                        *before = Some(self.key(*before)?);
                        break;
                    }
                }
            }
        }
    }

    /// Reads one value. Only for bytes that [`skip_value`](Self::skip_value) has passed: the depth of
    /// what is built is the depth of what is there.
    pub(crate) fn value(&mut self) -> Result<Ipld> {
        enum Building<'a> {
            List(usize, Vec<Ipld>),
            Map(usize, BTreeMap<String, Ipld>, &'a [u8]),
        }
        let mut around: Vec<Building<'a>> = Vec::new();
        loop {
            let mut done = match self.item()? {
                Item::Null => Ipld::Null,
                Item::Bool(bool) => Ipld::Bool(bool),
                Item::Integer(integer) => Ipld::Integer(integer),
                Item::Float(float) => Ipld::Float(float),
                Item::Text(text) => Ipld::String(self.string(text)?),
                Item::Bytes(bytes) => Ipld::Bytes(bytes.to_vec()),
                Item::Link(cid) => Ipld::Link(cid),
                Item::List(0) => Ipld::List(Vec::new()),
                Item::Map(0) => Ipld::Map(BTreeMap::new()),
                Item::List(left) => {
                    around.push(Building::List(left, Vec::new()));
                    continue;
                }
                Item::Map(left) => {
                    let key = self.key(None)?;
                    around.push(Building::Map(left, BTreeMap::new(), key));
                    continue;
                }
            };
            // Hand the value to what is around it, and that to what is around that, while full.
            loop {
                match around.pop() {
                    None => return Ok(done),
                    Some(Building::List(left, mut items)) => {
                        items.push(done);
                        if left > 1 {
                            around.push(Building::List(left - 1, items));
                            break;
                        }
                        done = Ipld::List(items);
                    }
                    Some(Building::Map(left, mut entries, key)) => {
                        entries.insert(self.string(key)?, done);
                        if left > 1 {
                            let next = self.key(Some(key))?;
                            around.push(Building::Map(left - 1, entries, next));
                            break;
                        }
                        done = Ipld::Map(entries);
                    }
                }
            }
        }
    }
}
