//! What people write otherwise: the fastest that there is, and what is usual.

use std::collections::HashMap;

use dag_store::Cid;
use ipld_core::cid::multihash::Multihash;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::nodes::{EVENT, SCOPE, timestamp};

const DAG_CBOR: u64 = 0x71;
const SHA2_256: u64 = 0x12;

/// The floor: the node's bytes written into a buffer that is used again, and their hash. Nothing is kept.
#[derive(Debug, Default)]
pub struct Floor {
    buffer: Vec<u8>,
    pub last: Option<[u8; 32]>,
}

impl Floor {
    /// A node as the child of the one before, or with no parent.
    pub fn insert(&mut self, number: usize, text: &str, parent: bool) -> [u8; 32] {
        let out = &mut self.buffer;
        out.clear();
        out.push(0xa5);
        string(out, "content");
        string(out, text);
        string(out, "parents");
        match self.last.filter(|_| parent) {
            None => out.push(0x80),
            Some(digest) => {
                out.extend([0x81, 0xd8, 0x2a, 0x58, 0x25, 0x00, 0x01, 0x71, 0x12, 0x20]);
                out.extend(digest);
            }
        }
        string(out, "scope_id");
        string(out, SCOPE);
        string(out, "timestamp");
        out.push(0x1b);
        out.extend(timestamp(number).to_be_bytes());
        string(out, "event_type");
        string(out, EVENT);
        let digest = Sha256::digest(&*out).into();
        self.last = Some(digest);
        digest
    }
}

fn string(out: &mut Vec<u8>, text: &str) {
    match u8::try_from(text.len()) {
        Ok(length @ 0..24) => out.push(0x60 | length),
        Ok(length) => out.extend([0x78, length]),
        Err(_) => {
            out.push(0x79);
            out.extend((text.len() as u16).to_be_bytes());
        }
    }
    out.extend(text.as_bytes());
}

#[derive(Serialize)]
struct Node<'a> {
    content: &'a str,
    event_type: &'a str,
    parents: Vec<Cid>,
    scope_id: &'a str,
    timestamp: u64,
}

/// A node's block and its CID, as serde and `sha2` make them.
pub fn block(number: usize, text: &str, parent: Option<Cid>) -> anyhow::Result<(Cid, Vec<u8>)> {
    let node = Node {
        content: text,
        event_type: EVENT,
        parents: parent.into_iter().collect(),
        scope_id: SCOPE,
        timestamp: timestamp(number),
    };
    let block = serde_ipld_dagcbor::to_vec(&node)?;
    let cid = Cid::new_v1(DAG_CBOR, Multihash::wrap(SHA2_256, &Sha256::digest(&block))?);
    Ok((cid, block))
}

/// What is usual: serde, and a `HashMap` of blocks.
#[derive(Debug, Default)]
pub struct Map {
    blocks: HashMap<Cid, Vec<u8>>,
    pub last: Option<Cid>,
}

impl Map {
    /// A node as the child of the one before.
    pub fn insert(&mut self, number: usize, text: &str) -> anyhow::Result<()> {
        let (cid, block) = block(number, text, self.last)?;
        self.blocks.insert(cid, block);
        self.last = Some(cid);
        Ok(())
    }
}
