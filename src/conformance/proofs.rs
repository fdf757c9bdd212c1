//! Proofs of what is in a store, and of what is not.

use dag_store_verify::{
    Entry, EventType, ProofError, verify_absence, verify_presence, verify_range,
};

use super::contract;
use super::failure::{Outcome, different, ensure, precondition, refused, same};
use super::lab::Lab;
use super::sample::{Dice, SCOPES, dag, fill, removals, root};
use crate::{DagEventType, DagNode, DagStoreExt, ErrorKind, Proof, Span};

contract! {
    /// Every node that is there can be proved to be there, and no other.
    what_is_there_is_proved,
    /// Every node that is not there can be proved not to be there, and no other.
    what_is_not_there_is_proved,
    /// A range is proved with all of its nodes, by time and then digest, and with no others.
    ranges_are_proved_whole,
    /// A proof is of the state as it was at some moment of the call, and names its hash.
    proofs_are_of_the_state_as_it_is,
    /// There is one proof for each state and question, whatever came and went before.
    proofs_have_one_form,
}

fn holds(what: &str, verified: Result<(), ProofError>) -> Outcome {
    same(what, verified, Ok(()))
}

fn present(node: &DagNode, proof: &Proof) -> Result<(), ProofError> {
    verify_presence(proof.state_hash().as_bytes(), node.as_bytes(), proof.as_bytes())
}

fn absent(node: &DagNode, proof: &Proof) -> Result<(), ProofError> {
    verify_absence(proof.state_hash().as_bytes(), node.as_bytes(), proof.as_bytes())
}

async fn what_is_there_is_proved(lab: Lab) -> Outcome {
    let nodes = dag(&mut Dice::new(31), 40)?;
    for count in [1, 2, 40] {
        let store = lab.store().await?;
        fill(&store, &nodes[..count]).await?;
        for node in &nodes[..count] {
            let proof = store.prove(node.cid()?).await?;
            holds("a node that is there", present(node, &proof))?;
            same("it is not absent", absent(node, &proof), Err(ProofError::Present))?;
            let refusal = store.prove_absent(node).await;
            refused("its absence", refusal, ErrorKind::ConditionFailed)?;
        }
        let other = root("another node")?;
        refused("a node that is not there", store.prove(other.cid()?).await, ErrorKind::NotFound)?;
    }
    Ok(())
}

async fn what_is_not_there_is_proved(lab: Lab) -> Outcome {
    let nodes = dag(&mut Dice::new(32), 60)?;
    let stranger = root("of a scope that nobody has used")?;
    for count in [0, 1, 30] {
        let store = lab.store().await?;
        fill(&store, &nodes[..count]).await?;
        for node in nodes[count..].iter().chain([&stranger]) {
            let proof = store.prove_absent(node).await?;
            holds("a node that is not there", absent(node, &proof))?;
            same("it is not present", present(node, &proof), Err(ProofError::Absent))?;
        }
    }
    Ok(())
}

async fn ranges_are_proved_whole(lab: Lab) -> Outcome {
    let nodes = dag(&mut Dice::new(33), 60)?;
    let store = lab.store().await?;
    fill(&store, &nodes).await?;
    let mut most = 0;
    for scope in SCOPES.into_iter().chain(["nobody's"]) {
        for times in [0..=u64::MAX, 0..=0, 1000..=4000, 1001..=1999, 7000..=7000, 9000..=9999] {
            let proof = store.prove_range(scope, times.clone()).await?;
            let hash = proof.state_hash().as_bytes();
            let entries = verify_range(hash, scope, times.clone(), proof.as_bytes());
            let entries = entries.map_err(|error| super::Failure::new(error.to_string()))?;
            let within =
                |node: &&DagNode| node.scope_id() == scope && times.contains(&node.timestamp());
            let mut expected: Vec<&DagNode> = nodes.iter().filter(within).collect();
            expected.sort_by_key(|node| (node.timestamp(), *node.digest()));
            most = most.max(expected.len());
            let found: Vec<_> = entries.iter().map(|entry| entry.key).collect();
            let keys: Vec<_> = expected.iter().map(|node| Span::of_node(node).first()).collect();
            same("the keys in a range", found, keys)?;
            for (entry, node) in entries.iter().zip(expected) {
                let checked = entry.check_block(scope, node.as_bytes());
                holds("a block against its entry", checked)?;
                let name = node.event_type();
                let lie = Entry { event_type: EventType::Text("lie"), ..entry.clone() };
                let answer = lie.check_block(scope, node.as_bytes());
                ensure(name != DagEventType::from("lie") && answer.is_err(), "types are checked")?;
            }
        }
    }
    precondition(most > 10, "a range has many nodes")
}

async fn proofs_are_of_the_state_as_it_is(lab: Lab) -> Outcome {
    let nodes = dag(&mut Dice::new(34), 12)?;
    let store = lab.store().await?;
    let mut before = store.prove_absent(&nodes[0]).await?;
    for node in &nodes {
        fill(&store, [node]).await?;
        let proof = store.prove(node.cid()?).await?;
        same("the hash in a proof", *proof.state_hash(), store.get_state_hash().await?)?;
        different("the hash after a commit", *proof.state_hash(), *before.state_hash())?;
        let hash = proof.state_hash().as_bytes();
        let stale = verify_presence(hash, node.as_bytes(), before.as_bytes());
        ensure(stale.is_err(), "a proof of the state before says nothing about the state after")?;
        before = proof;
    }
    Ok(())
}

async fn proofs_have_one_form(lab: Lab) -> Outcome {
    let mut dice = Dice::new(35);
    let mut nodes = dag(&mut dice, 40)?;
    nodes.retain(|node| node.parents().is_empty());
    let (kept, gone) = nodes.split_at(nodes.len() / 2);
    precondition(kept.len() > 5, "there are some")?;
    let (one, other) = (lab.store().await?, lab.store().await?);
    fill(&one, kept).await?;
    let mut shuffled = nodes.clone();
    dice.shuffle(&mut shuffled);
    fill(&other, &shuffled).await?;
    other.commit(removals(gone)?).await?;
    for node in &nodes {
        let span = Span::of_node(node);
        let [one, other] = [one.prove_span(&span).await?, other.prove_span(&span).await?];
        same("the proof of one node", one, other)?;
    }
    for scope in SCOPES {
        let span = Span::of_time(scope, 1000..=5000)?;
        let [one, other] = [one.prove_span(&span).await?, other.prove_span(&span).await?];
        same("the proof of a range", one, other)?;
    }
    Ok(())
}
