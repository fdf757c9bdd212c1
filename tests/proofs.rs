//! Proofs: what is proved verifies, and nothing else does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may panic")]

#[path = "reference/files.rs"]
mod files;
#[path = "reference/folded.rs"]
mod folded;
mod numbers;
#[allow(dead_code, reason = "the other tests need more of it")]
mod reference;

use std::ops::RangeInclusive;
use std::sync::Arc;

use dag_store::verify::{
    Entry, EventType, ProofError, verify_absence, verify_presence, verify_range,
};
use dag_store::{DagNode, DagStoreExt, ErrorKind, Proof, SharedDagStore};
use futures::executor::block_on;

use numbers::Numbers;
use reference::Leaf;
use serde_json::json;

type Store = Arc<SharedDagStore>;

const MAX_TIME: u64 = (1 << 53) - 1;

const SCOPES: [&str; 6] = ["garden", "a", "aa", "genossenschaft", "\u{1f331}", "test-scope"];

fn event_type(number: u64) -> String {
    match number {
        0 => "vote".to_owned(),
        1 => "proposal".to_owned(),
        2 => "t".repeat(64),
        3 => "t".repeat(65),
        _ => "é".repeat(127),
    }
}

fn node(numbers: &mut Numbers, scopes: u64, times: u64) -> DagNode {
    DagNode::builder()
        .content(i128::from(numbers.below(1 << 40)))
        .event_type(event_type(numbers.below(5)).as_str())
        .scope_id(SCOPES[usize::try_from(numbers.below(scopes)).unwrap()])
        .timestamp(
            [numbers.below(times), numbers.below(times) << 20][usize::from(numbers.below(9) == 0)],
        )
        .build()
        .unwrap()
}

fn store_of(nodes: &[DagNode]) -> Store {
    let store = Arc::new(SharedDagStore::new());
    block_on(store.insert_many(nodes.iter().cloned())).unwrap();
    store
}

/// Stores of every small size, some with many scopes, some with many nodes at the same time.
fn stores() -> impl Iterator<Item = (Store, Vec<DagNode>)> {
    let mut numbers = Numbers(1);
    (0..60_usize).map(move |i| {
        let size = [i % 20, i, 40, 150][i % 4];
        let (scopes, times) = ([1, 2, 6][i % 3], [1, 4, 1000][i / 3 % 3]);
        let nodes: Vec<_> = (0..size).map(|_| node(&mut numbers, scopes, times)).collect();
        (store_of(&nodes), nodes)
    })
}

fn key(node: &DagNode) -> (u64, [u8; 32]) {
    (node.timestamp(), node.cid().unwrap().hash().digest().try_into().unwrap())
}

fn leaves(nodes: &[DagNode]) -> Vec<Leaf> {
    let leaf = |node: &DagNode| Leaf {
        scope_id: node.scope_id().to_owned(),
        timestamp: node.timestamp(),
        event_type: node.event_type().as_str().to_owned(),
        digest: key(node).1,
    };
    nodes.iter().map(leaf).collect()
}

/// What a range must give, from the nodes themselves.
fn expected<'a>(
    nodes: &'a [DagNode],
    scope: &str,
    times: &RangeInclusive<u64>,
) -> Vec<&'a DagNode> {
    let within = |node: &&DagNode| node.scope_id() == scope && times.contains(&node.timestamp());
    let mut found: Vec<_> = nodes.iter().filter(within).collect();
    found.sort_by_key(|node| key(node));
    found
}

fn assert_same(entries: &[Entry<'_>], nodes: &[&DagNode]) {
    assert_eq!(entries.len(), nodes.len());
    for (entry, node) in entries.iter().zip(nodes) {
        assert_eq!((entry.key.timestamp, entry.key.digest), key(node));
        let name = node.event_type().to_string();
        match entry.event_type {
            EventType::Text(text) => assert_eq!(text, name),
            EventType::Hash(_) => assert!(name.len() > 64),
        }
        entry.check_block(node.scope_id(), node.as_bytes()).unwrap();
    }
}

fn root(proof: &Proof) -> &[u8; 32] {
    proof.state_hash().as_bytes()
}

#[test]
fn what_is_there_is_proved_present_and_what_is_not_absent() {
    let mut numbers = Numbers(2);
    let mut counted = [0; 2];
    for (store, nodes) in stores() {
        let state_hash = block_on(store.get_state_hash()).unwrap();
        for node in &nodes {
            let proof = block_on(store.prove(node.cid().unwrap())).unwrap();
            assert_eq!(*proof.state_hash(), state_hash);
            verify_presence(root(&proof), node.as_bytes(), proof.as_bytes()).unwrap();
            let absence = verify_absence(root(&proof), node.as_bytes(), proof.as_bytes());
            assert_eq!(absence, Err(ProofError::Present));
            let refused = block_on(store.prove_absent(node)).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ConditionFailed);
            assert_eq!(refused.cid(), Some(&node.cid().unwrap()));
            counted[0] += 1;
        }
        for _ in 0..40 {
            let absent = node(&mut numbers, 6, 1000);
            let proof = block_on(store.prove_absent(&absent)).unwrap();
            assert_eq!(*proof.state_hash(), state_hash);
            verify_absence(root(&proof), absent.as_bytes(), proof.as_bytes()).unwrap();
            let presence = verify_presence(root(&proof), absent.as_bytes(), proof.as_bytes());
            assert_eq!(presence, Err(ProofError::Absent));
            let refused = block_on(store.prove(absent.cid().unwrap())).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::NotFound);
            counted[1] += 1;
        }
    }
    assert!(counted[0] > 1000 && counted[1] == 2400, "{counted:?}");
}

#[test]
fn ranges_give_all_there_is_and_nothing_else() {
    let mut numbers = Numbers(3);
    for (store, nodes) in stores() {
        for round in 0..30 {
            let (from, to) = (numbers.below(1100), numbers.below(1100));
            let times = match round {
                0 => 0..=u64::MAX,
                1 => 0..=0,
                2 => u64::MAX..=u64::MAX,
                _ => from.min(to)..=from.max(to),
            };
            for scope in SCOPES {
                let proof = block_on(store.prove_range(scope, times.clone())).unwrap();
                let entries = verify_range(root(&proof), scope, times.clone(), proof.as_bytes());
                assert_same(&entries.unwrap(), &expected(&nodes, scope, &times));
                if round < 5 {
                    let [first, last] = [(times.start(), 0), (times.end(), 0xff)]
                        .map(|(time, fill)| [&time.to_be_bytes()[..], &[fill; 32]].concat());
                    let [first, last] = [first, last].map(|key| key.try_into().unwrap());
                    let slow = reference::proof::proof(&leaves(&nodes), scope, &first, &last);
                    assert_eq!(proof.as_bytes(), slow);
                }
            }
        }
    }
    let store = store_of(&[]);
    #[allow(clippy::reversed_empty_ranges, reason = "that is the point")]
    let refused = block_on(store.prove_range("a", 2..=1)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn no_changed_proof_verifies() {
    let mut tried = 0;
    for (store, nodes) in stores().step_by(3) {
        let times = 1..=500;
        let scope = SCOPES[0];
        let proof = block_on(store.prove_range(scope, times.clone())).unwrap();
        let check = |bytes: &[u8]| verify_range(root(&proof), scope, times.clone(), bytes).is_ok();
        assert!(check(proof.as_bytes()));
        let whole = proof.as_bytes();
        // All bytes of the small ones, a sample of those that only have more of the same.
        for at in (0..whole.len()).step_by(1 + whole.len() / 300) {
            for bit in 0..8 {
                let mut changed = whole.to_vec();
                changed[at] ^= 1 << bit;
                assert!(!check(&changed), "bit {bit} of byte {at} of {whole:x?}");
            }
            assert!(!check(&whole[..at]), "cut short at {at}");
            let doubled = [&whole[..=at], &whole[at..]].concat();
            assert!(!check(&doubled), "byte {at} doubled");
            let without = [&whole[..at], &whole[at + 1..]].concat();
            assert!(!check(&without), "byte {at} left out");
            tried += 11;
        }
        assert!(!check(&[whole, &[0]].concat()) && !check(&[whole, whole].concat()));
        // For another state: one node more, anywhere.
        let mut more = nodes.clone();
        more.push(node(&mut Numbers(tried), 6, 1000));
        let other = block_on(store_of(&more).get_state_hash()).unwrap();
        assert_eq!(
            verify_range(other.as_bytes(), scope, times.clone(), whole),
            Err(ProofError::OtherState)
        );
    }
    assert!(tried > 20_000, "{tried}");
}

#[test]
fn no_proof_answers_another_question() {
    let mut numbers = Numbers(4);
    let mut tried = 0;
    for (store, nodes) in stores().filter(|(_, nodes)| nodes.len() > 3).step_by(2) {
        let mut ask = || {
            let (from, to) = (numbers.below(12), numbers.below(12));
            let scope = SCOPES[usize::try_from(numbers.below(3)).unwrap()];
            (scope, from.min(to)..=from.max(to))
        };
        for _ in 0..40 {
            let (asked, offered) = (ask(), ask());
            let proof = block_on(store.prove_range(offered.0, offered.1.clone())).unwrap();
            let entries = verify_range(root(&proof), asked.0, asked.1.clone(), proof.as_bytes());
            // One proof may be that of two questions: but never with a wrong answer.
            if let Ok(entries) = entries {
                assert_same(&entries, &expected(&nodes, asked.0, &asked.1));
                let own = block_on(store.prove_range(asked.0, asked.1)).unwrap();
                assert_eq!(own, proof);
            }
            tried += 1;
        }
        // A proof of one node says nothing about another.
        let [one, two] = [&nodes[0], &nodes[1]];
        let proof = block_on(store.prove(one.cid().unwrap())).unwrap();
        assert!(verify_presence(root(&proof), two.as_bytes(), proof.as_bytes()).is_err());
    }
    assert!(tried > 500);
}

/// Someone who makes both the proof and the blocks can't leave one out: here every entry of a range is
/// closed in turn, with the right hash.
#[test]
fn no_entry_can_be_left_out() {
    let nodes: Vec<_> = (0..2_u64)
        .map(|time| {
            let node = DagNode::builder().content("x").event_type("vote").scope_id("s");
            node.timestamp(time).build().unwrap()
        })
        .collect();
    let store = store_of(&nodes);
    let proof = block_on(store.prove_range("s", 0..=1)).unwrap();
    // Version; inner, 63 bits more, 8 bytes of them, count 2; then the two leaves, each from byte 8 on.
    let bytes = proof.as_bytes();
    let head = [&[1, 1, 63][..], &[0; 8], &[2]].concat();
    assert_eq!(bytes[..head.len()], head);
    let leaf = 1 + 32 + 1 + 4;
    let [first, second] = [0, 1].map(|i| &bytes[head.len() + i * leaf..][..leaf]);
    assert_eq!((first[0], second[0]), (2, 2));
    let rest = &bytes[head.len() + 2 * leaf..];
    assert_eq!(rest, [4], "the scope is the only one");

    let closed = |node: &DagNode| {
        let (timestamp, digest) = key(node);
        let leaf = [&[0][..], &timestamp.to_be_bytes(), &digest, b"vote"].concat();
        [&[0][..], &sha256(&leaf)].concat()
    };
    let honest = [&head[..], first, &closed(&nodes[1]), rest].concat();
    assert_eq!(block_on(store.prove_range("s", 0..=0)).unwrap().as_bytes(), honest);
    for forged in [honest, [&head[..], &closed(&nodes[0]), second, rest].concat()] {
        let answer = verify_range(root(&proof), "s", 0..=1, &forged);
        assert_eq!(answer, Err(ProofError::Incomplete));
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(bytes).into()
}

#[test]
fn blocks_are_held_against_their_entries() {
    let build = |scope: &str, time, kind: &str| {
        let node = DagNode::builder().content("x").event_type(kind).scope_id(scope);
        node.timestamp(time).build().unwrap()
    };
    let nodes = [build("s", 1, "vote"), build("s", 2, "vote"), build("t", 1, "vote")];
    let store = store_of(&nodes);
    let proof = block_on(store.prove_range("s", 0..=9)).unwrap();
    let entries = verify_range(root(&proof), "s", 0..=9, proof.as_bytes()).unwrap();
    entries[0].check_block("s", nodes[0].as_bytes()).unwrap();
    let wrong = [("s", &nodes[1]), ("t", &nodes[0]), ("s", &nodes[2])];
    for (scope, node) in wrong {
        let answer = entries[0].check_block(scope, node.as_bytes());
        assert_eq!(answer, Err(ProofError::OtherBlock));
    }
    let lie = Entry { event_type: EventType::Text("proposal"), ..entries[0].clone() };
    assert_eq!(lie.check_block("s", nodes[0].as_bytes()), Err(ProofError::OtherBlock));
    for end in 0..nodes[0].as_bytes().len() {
        let answer = entries[0].check_block("s", &nodes[0].as_bytes()[..end]);
        assert_eq!(answer, Err(ProofError::InvalidBlock));
    }
}

#[test]
fn a_proof_is_of_the_state_as_it_is_then() {
    let nodes: Vec<_> = stores().nth(7).unwrap().1;
    let store = Arc::new(SharedDagStore::new());
    let mut roots = Vec::new();
    for node in &nodes {
        block_on(store.insert(node.clone())).unwrap();
        let proof = block_on(store.prove(node.cid().unwrap())).unwrap();
        assert_eq!(*proof.state_hash(), block_on(store.get_state_hash()).unwrap());
        verify_presence(root(&proof), node.as_bytes(), proof.as_bytes()).unwrap();
        roots.push(proof);
    }
    let (last, earlier) = roots.split_last().unwrap();
    for (proof, node) in earlier.iter().zip(&nodes) {
        let answer = verify_presence(root(last), node.as_bytes(), proof.as_bytes());
        assert_eq!(answer, Err(ProofError::OtherState));
    }
}

/// Every block of the vectors: what the store takes, the verifier reads, and reads right.
#[test]
fn the_verifier_reads_the_blocks_of_the_vectors() {
    let vectors = files::read("nodes.json");
    let accepted = files::list(&vectors, "accepted");
    for vector in accepted {
        let block = folded::bytes(files::text(vector, "block"));
        let node = DagNode::decode(&block).unwrap();
        let empty = store_of(&[]);
        let proof = block_on(empty.prove_absent(&node)).unwrap();
        verify_absence(root(&proof), &block, proof.as_bytes()).unwrap();
        if node.parents().is_empty() {
            let store = store_of(std::slice::from_ref(&node));
            let proof = block_on(store.prove(node.cid().unwrap())).unwrap();
            verify_presence(root(&proof), &block, proof.as_bytes()).unwrap();
        }
    }
    assert!(accepted.len() > 100);
}

/// The example of `docs/spec.md`, section "Proofs".
#[test]
fn the_example_of_the_specification() {
    let build = |content: &str, parents: &[&DagNode], kind: &str, scope: &str, time| {
        let parents: Vec<_> = parents.iter().map(|parent| parent.cid().unwrap()).collect();
        let node = DagNode::builder().content(content).parents(parents).event_type(kind);
        node.scope_id(scope).timestamp(time).build().unwrap()
    };
    let a = build("node content", &[], "proposal", "test-scope", 1_735_689_600_000);
    let b = build("yes", &[&a], "vote", "test-scope", 1_735_689_600_001);
    let c = build("node content", &[], &"t".repeat(65), "garden", 0);
    let store = store_of(&[a, b, c]);
    let times = 1_735_689_600_001..=1_735_689_600_009;
    let proof = block_on(store.prove_range("test-scope", times)).unwrap();

    let spec = include_str!("../docs/spec.md");
    let (_, example) = spec.split_once("there is B alone. The proof:\n\n```text\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let is_hex = |word: &&str| word.len().is_multiple_of(2) && hex::decode(word).is_ok();
    let hex = |line: &str| line.split_whitespace().take_while(is_hex).collect::<String>();
    assert_eq!(hex::encode(proof.as_bytes()), example.lines().map(hex).collect::<String>());
}

/// The proofs of `docs/vectors/proofs.json`, which verifiers in other languages are held against, are
/// those of a store with the nodes there. Written anew where `DAG_STORE_WRITE_VECTORS` is set.
#[test]
fn the_vectors_are_what_a_store_proves() {
    let vectors = vectors();
    if std::env::var_os("DAG_STORE_WRITE_VECTORS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/vectors/proofs.json");
        std::fs::write(path, serde_json::to_string_pretty(&vectors).unwrap() + "\n").unwrap();
    }
    assert_eq!(files::read("proofs.json"), vectors);
}

fn vectors() -> serde_json::Value {
    let mut numbers = Numbers(5);
    let states: Vec<_> = [(0, 1), (1, 1), (2, 1), (30, 4)]
        .into_iter()
        .map(|(count, scopes)| {
            let nodes: Vec<_> = (0..count).map(|_| node(&mut numbers, scopes, 1000)).collect();
            let store = store_of(&nodes);
            let present = nodes.iter().step_by(6).map(|node| {
                let proof = block_on(store.prove(node.cid().unwrap())).unwrap();
                json!({ "block": hex::encode(node.as_bytes()), "proof": hex::encode(proof.as_bytes()) })
            });
            let absent = (0..4).map(|_| {
                let node = node(&mut numbers, 6, 1000);
                let proof = block_on(store.prove_absent(&node)).unwrap();
                json!({ "block": hex::encode(node.as_bytes()), "proof": hex::encode(proof.as_bytes()) })
            });
            let questions = [(0, 0, MAX_TIME), (0, 200, 700), (2, 0, 499), (3, 7, 7), (5, 0, MAX_TIME)];
            let ranges = questions.into_iter().map(|(scope, since, until)| {
                let scope = SCOPES[scope];
                let proof = block_on(store.prove_range(scope, since..=until)).unwrap();
                let entry = |node: &&DagNode| {
                    json!({
                        "cid": node.cid().unwrap().to_string(),
                        "timestamp": node.timestamp(),
                        "eventType": node.event_type().as_str(),
                        "block": hex::encode(node.as_bytes()),
                    })
                };
                json!({
                    "scopeId": scope,
                    "since": since,
                    "until": until,
                    "entries": expected(&nodes, scope, &(since..=until)).iter().map(entry).collect::<Vec<_>>(),
                    "proof": hex::encode(proof.as_bytes()),
                })
            });
            json!({
                "stateHash": block_on(store.get_state_hash()).unwrap().to_string(),
                "present": present.collect::<Vec<_>>(),
                "absent": absent.collect::<Vec<_>>(),
                "ranges": ranges.collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({ "states": states })
}
