//! Writing canonical DAG-CBOR.

use super::{
    FALSE, FLOAT64, LINK, LINK_PREFIX, NULL, TRUE, invalid, major, safe_integer, too_deep,
};
use crate::limits;
use crate::{Cid, Ipld, Result};

/// Writes a head: a major type and its argument, in the fewest bytes.
#[allow(clippy::cast_possible_truncation, reason = "each arm has checked that the value fits")]
fn write_head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let high = major << 5;
    match argument {
        0..=23 => out.push(high | argument as u8),
        24..=0xff => out.extend([high | 0x18, argument as u8]),
        0x100..=0xffff => {
            out.push(high | 0x19);
            out.extend((argument as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(high | 0x1a);
            out.extend((argument as u32).to_be_bytes());
        }
        _ => {
            out.push(high | 0x1b);
            out.extend(argument.to_be_bytes());
        }
    }
}

pub(crate) fn write_null(out: &mut Vec<u8>) {
    out.push(NULL);
}

pub(crate) fn write_unsigned(out: &mut Vec<u8>, value: u64) {
    write_head(out, major::UNSIGNED, value);
}

pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    write_head(out, major::TEXT, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

pub(crate) fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_head(out, major::BYTES, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

pub(crate) fn write_list(out: &mut Vec<u8>, items: usize) {
    write_head(out, major::LIST, items as u64);
}

pub(crate) fn write_map(out: &mut Vec<u8>, entries: usize) {
    write_head(out, major::MAP, entries as u64);
}

fn write_link(out: &mut Vec<u8>, cid: &Cid) {
    write_head(out, major::TAG, LINK);
    let bytes = cid.to_bytes();
    write_head(out, major::BYTES, 1 + bytes.len() as u64);
    out.push(LINK_PREFIX);
    out.extend_from_slice(&bytes);
}

fn write_float(out: &mut Vec<u8>, float: f64) -> Result<()> {
    if !float.is_finite() {
        return Err(invalid("content has a number that is not finite (NaN or infinity)"));
    }
    if let Some(integer) = safe_integer(float) {
        return write_integer(out, i128::from(integer));
    }
    out.push(FLOAT64);
    out.extend(float.to_be_bytes());
    Ok(())
}

fn write_integer(out: &mut Vec<u8>, integer: i128) -> Result<()> {
    let (major, argument) =
        if integer < 0 { (major::NEGATIVE, -1 - integer) } else { (major::UNSIGNED, integer) };
    let argument = u64::try_from(argument)
        .map_err(|_| invalid("content has an integer outside of −2^64 … 2^64−1"))?;
    write_head(out, major, argument);
    Ok(())
}

/// What is left to write of the lists and maps around the current value.
enum Writing<'a> {
    List(std::slice::Iter<'a, Ipld>),
    Map(std::vec::IntoIter<(&'a String, &'a Ipld)>),
}

/// Writes a value, and tells how deep its lists and maps nest; refuses one that nests deeper, or
/// makes `out` longer, than is allowed.
pub(crate) fn write_value(
    out: &mut Vec<u8>,
    value: &Ipld,
    most_depth: usize,
    most_bytes: usize,
) -> Result<usize> {
    let mut around = Vec::new();
    let mut deepest = 0;
    let mut next = Some(value);
    loop {
        if let Some(value) = next.take() {
            let opened = write_one(out, value)?;
            limits::check("bytes of the block", out.len(), most_bytes)?;
            if let Some(opened) = opened {
                if around.len() == most_depth {
                    return Err(too_deep(most_depth));
                }
                around.push(opened);
                deepest = deepest.max(around.len());
            }
        }
        match around.last_mut() {
            None => return Ok(deepest),
            Some(Writing::List(items)) => next = items.next(),
            Some(Writing::Map(entries)) => {
                if let Some((key, value)) = entries.next() {
                    write_text(out, key);
                    next = Some(value);
                }
            }
        }
        if next.is_none() {
            around.pop();
        }
    }
}

/// Writes a scalar, or the head of a list or map, which it then returns.
fn write_one<'a>(out: &mut Vec<u8>, value: &'a Ipld) -> Result<Option<Writing<'a>>> {
    match value {
        Ipld::Null => out.push(NULL),
        Ipld::Bool(bool) => out.push(if *bool { TRUE } else { FALSE }),
        Ipld::Integer(integer) => write_integer(out, *integer)?,
        Ipld::Float(float) => write_float(out, *float)?,
        Ipld::String(text) => write_text(out, text),
        Ipld::Bytes(bytes) => write_bytes(out, bytes),
        Ipld::Link(cid) => write_link(out, cid),
        Ipld::List(items) => {
            write_list(out, items.len());
            return Ok(Some(Writing::List(items.iter())));
        }
        Ipld::Map(map) => {
            write_map(out, map.len());
            let mut entries: Vec<_> = map.iter().collect();
            // A BTreeMap is in byte order already, and the sort is stable.
            entries.sort_by_key(|(key, _)| key.len());
            return Ok(Some(Writing::Map(entries.into_iter())));
        }
    }
    Ok(None)
}
