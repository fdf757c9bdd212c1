//! How large proofs are, and how long they take to check, in stores of a thousand to a million nodes.
//!
//! ```sh
//! cargo run --release --example proof_sizes
//! ```

#![allow(clippy::cast_precision_loss, reason = "means of small numbers")]

use std::sync::Arc;
use std::time::Instant;

use dag_store::verify::{verify_absence, verify_presence, verify_range};
use dag_store::{DagNode, DagStoreExt, Result, SharedDagStore};

const SCOPES: u64 = 50;
/// Nodes whose proofs are looked at.
const SAMPLE: u64 = 200;

fn node(number: u64) -> Result<DagNode> {
    // Some scopes have many nodes and most have few, as in life.
    let scope = (number * 7919 % (SCOPES * SCOPES)).isqrt();
    DagNode::builder()
        .content(format!("node {number}"))
        .event_type("vote")
        .scope_id(format!("scope {scope}"))
        .timestamp(1_735_689_600_000 + number * 1000)
        .build()
}

fn main() -> Result<()> {
    futures::executor::block_on(async {
        println!("   nodes   presence     absence   range of 100   checking one, µs");
        let store = Arc::new(SharedDagStore::new());
        let mut count = 0;
        for size in [1_000, 10_000, 100_000, 1_000_000] {
            store.insert_many((count..size).map(node).collect::<Result<Vec<_>>>()?).await?;
            count = size;
            let root = *store.get_state_hash().await?.as_bytes();
            let (mut presence, mut absence, mut range) = (0, 0, 0);
            let mut seconds = 0.0;
            for i in 0..SAMPLE {
                let there = node(i * (size / SAMPLE))?;
                let proof = store.prove(there.cid()?).await?;
                let start = Instant::now();
                assert!(verify_presence(&root, there.as_bytes(), proof.as_bytes()).is_ok());
                seconds += start.elapsed().as_secs_f64();
                presence += proof.as_bytes().len();

                let absent = node(size + i)?;
                let proof = store.prove_absent(&absent).await?;
                assert!(verify_absence(&root, absent.as_bytes(), proof.as_bytes()).is_ok());
                absence += proof.as_bytes().len();
            }
            let list =
                store.list().scope_id("scope 49").order(dag_store::Order::Time).limit(100).await?;
            if let [first, .., last] = list.as_slice() {
                let times = first.timestamp()..=last.timestamp();
                let proof = store.prove_range("scope 49", times.clone()).await?;
                let votes = verify_range(&root, "scope 49", times, proof.as_bytes());
                assert_eq!(votes.map(|votes| votes.len()), Ok(list.len()));
                range = proof.as_bytes().len();
            }
            let mean = |total: usize| total as f64 / SAMPLE as f64;
            println!(
                "{size:8}   {:8.0}    {:8.0}   {range:12}   {:16.1}",
                mean(presence),
                mean(absence),
                seconds * 1e6 / SAMPLE as f64
            );
        }
        Ok(())
    })
}
