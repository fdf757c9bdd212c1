//! The vectors of `docs/vectors`, which an independent implementation has confirmed: same blocks, same
//! CIDs, same content, same refusals, same state hashes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "reference/files.rs"]
mod files;
#[path = "reference/folded.rs"]
mod folded;
mod reference;
#[path = "reference/typed_json.rs"]
mod typed_json;

use std::sync::Arc;

use dag_store::{
    Cid, DagNode, DagNodeBuilder, DagStoreExt, ErrorKind, Ipld, SharedDagStore, ToCid,
};
use files::{list, read, text};
use folded::bytes;
use futures::executor::block_on;
use reference::Leaf;
use serde_json::Value;
use typed_json::{base64, ipld};

const KNOWN_TYPES: [&str; 7] =
    ["genesis", "proposal", "vote", "execution", "attestation", "receipt", "anchor"];

// ------------------------------------------------------------------------------------------ nodes

fn parents(node: &Value) -> Vec<Cid> {
    list(node, "parents")
        .iter()
        .map(|link| text(link, "/").to_cid().expect("a node's CID"))
        .collect()
}

/// The node as a builder, with this content.
fn builder(node: &Value, content: Ipld) -> DagNodeBuilder {
    let builder = DagNodeBuilder::new()
        .content(content)
        .parents(parents(node))
        .event_type(text(node, "event_type"))
        .scope_id(text(node, "scope_id"))
        .timestamp(node["timestamp"].as_u64().unwrap());
    match node.get("nonce") {
        Some(nonce) => builder.nonce(base64(text(&nonce["/"], "bytes"))),
        None => builder,
    }
}

fn build(node: &Value) -> DagNode {
    builder(node, ipld(&node["content"])).build().expect("a node")
}

fn kind(code: &str) -> ErrorKind {
    *ErrorKind::ALL.iter().find(|kind| kind.code() == code).expect("a code of an error kind")
}

#[test]
fn the_first_vector_is_the_one_of_the_design() {
    let node = DagNodeBuilder::new()
        .content("node content")
        .event_type("proposal")
        .scope_id("test-scope")
        .timestamp(0)
        .build()
        .unwrap();
    let first = &read("nodes.json")["accepted"][0];
    assert_eq!(node.cid().unwrap().to_string(), text(first, "cid"));
    assert_eq!(node.as_bytes(), bytes(text(first, "block")));
}

#[test]
fn accepted_nodes_encode_to_their_blocks() {
    let file = read("nodes.json");
    let vectors = list(&file, "accepted");
    assert!(vectors.len() >= 32, "as many as promised");
    for vector in vectors {
        let (name, block) = (text(vector, "name"), bytes(text(vector, "block")));
        let same_as = vector.get("same_as").and_then(Value::as_array).into_iter().flatten();
        for content in same_as.chain([&vector["node"]["content"]]) {
            let node = builder(&vector["node"], ipld(content)).build();
            let node = node.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(node.as_bytes() == block, "{name}: {}", hex::encode(node.as_bytes()));
            assert_eq!(node.cid().unwrap().to_string(), text(vector, "cid"), "{name}");
        }
    }
}

#[test]
fn accepted_blocks_decode_to_their_nodes() {
    let file = read("nodes.json");
    for vector in list(&file, "accepted") {
        let (name, block) = (text(vector, "name"), bytes(text(vector, "block")));
        let node = DagNode::decode(&block).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected = &vector["node"];
        assert_eq!(node.cid().unwrap().to_string(), text(vector, "cid"), "{name}");
        assert_eq!(node.as_bytes(), block, "{name}");
        assert_eq!(node.content().unwrap(), ipld(&expected["content"]), "{name}");
        assert_eq!(node.parents(), parents(expected), "{name}");
        assert_eq!(node.event_type().as_str(), text(expected, "event_type"), "{name}");
        assert_eq!(node.scope_id(), text(expected, "scope_id"), "{name}");
        assert_eq!(Some(node.timestamp()), expected["timestamp"].as_u64(), "{name}");
        let nonce = expected.get("nonce").map(|nonce| base64(text(&nonce["/"], "bytes")));
        assert_eq!(node.nonce(), nonce.as_deref(), "{name}");
        let again = node.to_builder().unwrap().build().unwrap();
        assert_eq!(again.as_bytes(), block, "{name}");
    }
}

#[test]
fn a_block_is_checked_against_the_cid_given_with_it() {
    let file = read("nodes.json");
    let vectors = list(&file, "accepted");
    for (vector, other) in vectors.iter().zip(vectors.iter().skip(1)) {
        let block = bytes(text(vector, "block"));
        let cid = text(vector, "cid").to_cid().unwrap();
        assert!(DagNode::decode_as(&cid, &block).is_ok(), "{}", text(vector, "name"));
        let error = DagNode::decode_as(&text(other, "cid").to_cid().unwrap(), &block).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidCid, "{}", text(vector, "name"));
    }
}

#[test]
fn refused_blocks_are_refused_with_their_kind() {
    let file = read("nodes.json");
    let vectors = list(&file, "refused");
    assert!(vectors.len() >= 60, "as many as promised");
    let store = Arc::new(SharedDagStore::new());
    let mut wrong = Vec::new();
    for vector in vectors {
        let (name, block) = (text(vector, "name"), bytes(text(vector, "block")));
        let expected = kind(text(vector, "error"));
        let decoded = DagNode::decode(&block).map_err(|error| error.kind()).err();
        let inserted = block_on(store.insert_block(&block)).map_err(|error| error.kind()).err();
        if [decoded, inserted] != [Some(expected); 2] {
            wrong.push(format!("{name}: {decoded:?} and {inserted:?} instead of {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(block_on(store.len(None)).unwrap(), 0);
}

#[test]
fn parents_are_counted_up_to_the_limit() {
    let with_parents = |count: u32| {
        let cids = (0..count).map(|i| {
            let digest = [[0; 28].as_slice(), &i.to_be_bytes()].concat();
            [&[0x01, 0x71, 0x12, 0x20][..], &digest].concat()
        });
        builder(&read("nodes.json")["accepted"][0]["node"], Ipld::Null).parents(cids)
    };
    let most = with_parents(1024).build().unwrap();
    assert_eq!(DagNode::decode(most.as_bytes()).unwrap().parents().len(), 1024);
    assert_eq!(with_parents(1025).build().unwrap_err().kind(), ErrorKind::Limit);

    // The same as a block: the head of the list counts one more, and a link follows the last.
    let link_bytes = 41;
    let end = most.as_bytes().len()
        - b"\x68scope_id\x6atest-scope\x69timestamp\x00\x6aevent_type\x68proposal".len();
    let (links, rest) = most.as_bytes().split_at(end);
    let mut block = [links, &links[end - link_bytes..], rest].concat();
    block[end + link_bytes - 1] ^= 0x80;
    let head = block.windows(3).position(|bytes| bytes == [0x99, 0x04, 0x00]).unwrap();
    block[head + 2] += 1;
    assert_eq!(DagNode::decode(&block).unwrap_err().kind(), ErrorKind::Limit);
}

// ------------------------------------------------------------------------------------------- CIDs

#[test]
fn cids_are_read_and_refused() {
    let file = read("cids.json");
    let mut wrong = Vec::new();
    let mut check = |vector: &Value, found: dag_store::Result<Cid>| {
        let found = found.map(|cid| cid.to_string()).map_err(|error| error.kind());
        let expected = match vector.get("cid") {
            Some(cid) => Ok(cid.as_str().unwrap().to_owned()),
            None => Err(kind(text(vector, "error"))),
        };
        if found != expected {
            let name = text(vector, "name");
            wrong.push(format!("{name}: {found:?} instead of {expected:?}"));
        }
    };
    for vector in list(&file, "accepted_texts").iter().chain(list(&file, "refused_texts")) {
        check(vector, text(vector, "text").to_cid());
    }
    for vector in list(&file, "accepted_bytes").iter().chain(list(&file, "refused_bytes")) {
        check(vector, bytes(text(vector, "bytes")).to_cid());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

// ------------------------------------------------------------------------------------- state hash

/// The nodes of a state, where it is told in nodes.
fn nodes_of(state: &Value) -> Option<Vec<DagNode>> {
    if let Some(count) = state.get("generated") {
        return Some(generated(count.as_u64().unwrap()));
    }
    let nodes = state.get("nodes")?.as_array()?.iter();
    Some(
        nodes
            .map(|sealed| {
                let node = build(&sealed["node"]);
                assert_eq!(hex::encode(leaf_of(&node).digest), text(sealed, "digest"));
                node
            })
            .collect(),
    )
}

/// The rule of `docs/vectors/README.md`.
fn generated(count: u64) -> Vec<DagNode> {
    let mut nodes: Vec<DagNode> = Vec::new();
    for i in 0..count {
        let mut parents = Vec::new();
        if i % 10 != 0 {
            parents.push(i - 1);
        }
        if i % 10 == 5 {
            parents.push(i - 5);
        }
        let cid = |parent: &u64| nodes[usize::try_from(*parent).unwrap()].cid().unwrap();
        let node = DagNodeBuilder::new()
            .content(i128::from(i))
            .parents(parents.iter().map(cid))
            .event_type(KNOWN_TYPES[usize::try_from(i % 7).unwrap()])
            .scope_id(format!("scope-{}", i * i % 11))
            .timestamp(i * 2_654_435_761 % (1 << 32));
        nodes.push(node.build().unwrap());
    }
    nodes
}

fn leaf_of(node: &DagNode) -> Leaf {
    Leaf {
        scope_id: node.scope_id().to_owned(),
        timestamp: node.timestamp(),
        event_type: node.event_type().as_str().to_owned(),
        digest: node.cid().unwrap().hash().digest().try_into().unwrap(),
    }
}

fn leaves_of(state: &Value) -> Vec<Leaf> {
    if let Some(nodes) = nodes_of(state) {
        return nodes.iter().map(leaf_of).collect();
    }
    let leaves = list(state, "leaves").iter();
    leaves
        .map(|leaf| Leaf {
            scope_id: text(leaf, "scope_id").to_owned(),
            timestamp: leaf["timestamp"].as_u64().unwrap(),
            event_type: text(leaf, "event_type").to_owned(),
            digest: bytes(text(leaf, "digest")).try_into().unwrap(),
        })
        .collect()
}

/// The store's hashes are the ones the vector tells.
async fn assert_state(store: &SharedDagStore, state: &Value, how: &str) {
    let name = text(state, "name");
    let hash = store.state_hash(None).await.unwrap();
    assert_eq!(hash.to_string(), text(state, "state_hash"), "{name}, {how}");
    assert_eq!(store.len(None).await.unwrap(), state["count"].as_u64().unwrap(), "{name}, {how}");
    for scope in list(state, "scopes") {
        let id = text(scope, "id");
        let hash = store.state_hash(Some(id)).await.unwrap();
        assert_eq!(hash.to_string(), text(scope, "hash"), "{name}, {how}, scope {id}");
        let count = store.len(Some(id)).await.unwrap();
        assert_eq!(Some(count), scope["count"].as_u64(), "{name}, {how}, scope {id}");
    }
}

#[test]
fn states_by_the_reference() {
    let file = read("state-hash.json");
    let states = list(&file, "states");
    assert!(states.len() >= 20, "as many as promised");
    for state in states {
        let (name, leaves) = (text(state, "name"), leaves_of(state));
        assert_eq!(Some(leaves.len() as u64), state["count"].as_u64(), "{name}");
        for scope in list(state, "scopes") {
            let id = text(scope, "id");
            assert_eq!(
                hex::encode(reference::scope_root(id, &leaves)),
                text(scope, "root"),
                "{name}"
            );
            assert_eq!(
                hex::encode(reference::scope_hash(id, &leaves)),
                text(scope, "hash"),
                "{name}"
            );
        }
        assert_eq!(hex::encode(reference::root(&leaves)), text(state, "root"), "{name}");
        assert_eq!(
            hex::encode(reference::state_hash(&leaves)),
            text(state, "state_hash"),
            "{name}"
        );
    }
}

#[test]
fn states_by_the_store() {
    let file = read("state-hash.json");
    let empty = &file["states"][0];
    assert_eq!(text(empty, "name"), "empty");
    for state in list(&file, "states") {
        let Some(nodes) = nodes_of(state) else {
            continue;
        };
        block_on(async {
            let store = Arc::new(SharedDagStore::new());
            for node in &nodes {
                store.insert(node.clone()).await.unwrap();
            }
            assert_state(&store, state, "one by one").await;

            // Hashed along the way, and down to nothing again, children first.
            for node in nodes.iter().rev() {
                store.get_state_hash().await.unwrap();
                assert!(store.remove(node.cid().unwrap()).await.unwrap());
            }
            assert_state(&store, empty, "after all were removed").await;

            let mut batch = store.begin_batch().await;
            for node in nodes.iter().rev() {
                batch.insert(node.clone()).await.unwrap();
            }
            batch.commit().await.unwrap();
            assert_state(&store, state, "in one batch, children first").await;
        });
    }
}
