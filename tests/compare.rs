//! Comparing two stores: against the difference of the sets, with writers in between, and with stores
//! that lie.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod numbers;

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dag_store::verify::NodeKey;
use dag_store::{
    BoxFuture, BoxStream, Changes, Cid, Commit, CommitFilter, DagError, DagEventType, DagNode,
    DagStore, DagStoreExt as _, ErrorKind, ExportQuery, Limits, ListQuery, Page, Proof, Result,
    Scope, SharedDagStore, Side, Span, StateHash, TreeAddress, TreeAnswer, TreePart, Verified,
    WalkPage, WalkQuery,
};
use futures::executor::block_on;
use futures::{FutureExt as _, TryStreamExt as _};
use numbers::Numbers;
use sha2::{Digest as _, Sha256};

type Store = Arc<SharedDagStore>;

fn node(number: u64, scope: u64, time: u64) -> DagNode {
    let node = DagNode::builder().content(i128::from(number)).event_type("vote");
    node.scope_id(format!("scope {scope}")).timestamp(time).build().unwrap()
}

fn store_of<'a>(nodes: impl IntoIterator<Item = &'a DagNode>) -> Store {
    let store = Arc::new(SharedDagStore::new());
    let nodes: Vec<DagNode> = nodes.into_iter().cloned().collect();
    block_on(store.insert_many(nodes)).unwrap();
    store
}

/// What has its answer at once: within a comparison there is no other executor.
fn now<T>(answer: impl Future<Output = Result<T>>) -> T {
    answer.now_or_never().unwrap().unwrap()
}

/// Where a comparison has a node.
fn place(node: &DagNode) -> (String, u64, Vec<u8>) {
    let digest = node.cid().unwrap().hash().digest().to_vec();
    (node.scope_id().to_owned(), node.timestamp(), digest)
}

// ------------------------------------------------------------------------------- what it finds

#[test]
fn comparisons_are_the_difference_of_the_sets() {
    let mut numbers = Numbers(1);
    for round in 0..60 {
        let (count, scopes, times) =
            ([0, 1, 3, 50, 700][round % 5], [1, 4, 90][round % 3], [1, 50, 1 << 40][round / 3 % 3]);
        let mut nodes: Vec<DagNode> =
            (0..count).map(|i| node(i, numbers.below(scopes), numbers.below(times))).collect();
        nodes.sort_by_key(place);
        // How many of a hundred each store has.
        let share = [[100, 100], [0, 100], [50, 50], [99, 99], [100, 95]][round / 2 % 5];
        let has: Vec<[bool; 2]> =
            nodes.iter().map(|_| share.map(|share| numbers.below(100) < share)).collect();
        let of = |side: usize| nodes.iter().zip(&has).filter(move |(_, has)| has[side]);
        let [one, other] = [0, 1].map(|side| store_of(of(side).map(|(node, _)| node)));
        let only = |side: usize| -> Vec<Cid> {
            of(side)
                .filter(|(_, has)| !has[1 - side])
                .map(|(node, _)| node.cid().unwrap())
                .collect()
        };

        let found = block_on(async { one.compare(&other).await }).unwrap();
        assert_eq!((found.only_here, found.only_there), (only(0), only(1)));
        let hashes = [&one, &other].map(|store| block_on(store.state_hash(None)).unwrap());
        assert_eq!(found.state_hashes, hashes);

        let streamed: Vec<_> = block_on(one.compare(&other).stream().try_collect()).unwrap();
        let expected: Vec<_> = nodes
            .iter()
            .zip(&has)
            .filter(|(_, has)| has[0] != has[1])
            .map(|(node, has)| {
                let side = if has[0] { Side::Here } else { Side::There };
                (side, node.cid().unwrap(), node.scope_id().to_owned(), node.timestamp())
            })
            .collect();
        let streamed: Vec<_> = streamed
            .into_iter()
            .map(|found| (found.side, found.cid, found.scope_id.to_string(), found.timestamp))
            .collect();
        assert_eq!(streamed, expected);
    }
}

#[test]
fn what_is_common_is_not_read() {
    const NODES: u64 = 100_000;
    // 2^17 is more than there are.
    const DEPTH: u64 = 17;
    let nodes: Vec<DagNode> = (0..NODES).map(|i| node(i, i * 7919 % 50, i * 1000)).collect();
    let [one, other] = [store_of(&nodes), store_of(&nodes)];
    let compare = || block_on(async { one.compare(&other).await }).unwrap();
    assert_eq!(compare().visited, 2);

    for number in [0, 31_415, NODES - 1] {
        let gone = &nodes[usize::try_from(number).unwrap()];
        block_on(other.remove(gone.cid().unwrap())).unwrap();
        let found = compare();
        assert_eq!(found.only_here, [gone.cid().unwrap()]);
        assert!(found.visited <= 4 * DEPTH, "{} parts for one node", found.visited);
        block_on(other.insert(gone.clone())).unwrap();
    }
    for number in 0..100 {
        block_on(other.remove(nodes[number * 997].cid().unwrap())).unwrap();
    }
    let found = compare();
    assert_eq!(found.only_here.len(), 100);
    assert!(found.visited <= 100 * 4 * DEPTH, "{} parts for 100 nodes", found.visited);

    // The newest, which lie together.
    let newest: Vec<DagNode> = (0..100).map(|i| node(NODES + i, 3, (NODES + i) * 1000)).collect();
    let later = store_of(&nodes);
    block_on(later.insert_many(newest.clone())).unwrap();
    let found = block_on(async { one.compare(&later).scope_id("scope 3").await }).unwrap();
    assert_eq!(found.only_there.len(), newest.len());
    assert!(found.visited <= 2 * 100 + 2 * DEPTH, "{} parts for the newest", found.visited);
}

// ------------------------------------------------------------------------- others, and liars

type Answering = dyn Fn(usize, &[TreeAddress], TreeAnswer) -> TreeAnswer + Send + Sync;

/// A store that answers about its tree what it likes.
struct Other {
    store: Store,
    calls: AtomicUsize,
    answering: Box<Answering>,
}

impl Other {
    fn new(
        store: &Store,
        answering: impl Fn(usize, &[TreeAddress], TreeAnswer) -> TreeAnswer + Send + Sync + 'static,
    ) -> Arc<Self> {
        let (store, calls) = (Arc::clone(store), AtomicUsize::new(0));
        Arc::new(Other { store, calls, answering: Box::new(answering) })
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("another store")
    }
}

impl DagStore for Other {
    fn limits(&self) -> &Limits {
        self.store.limits()
    }

    fn tree<'a>(&'a self, places: &'a [TreeAddress]) -> BoxFuture<'a, Result<TreeAnswer>> {
        Box::pin(async move {
            let call = self.calls.fetch_add(1, Ordering::Relaxed);
            Ok((self.answering)(call, places, self.store.tree(places).await?))
        })
    }

    fn commit(&self, changes: Changes) -> BoxFuture<'_, Result<Commit>> {
        DagStore::commit(&*self.store, changes)
    }

    fn get_many<'a>(&'a self, cids: &'a [Cid]) -> BoxFuture<'a, Result<Vec<Option<DagNode>>>> {
        DagStore::get_many(&*self.store, cids)
    }

    fn has_many<'a>(&'a self, cids: &'a [Cid]) -> BoxFuture<'a, Result<Vec<bool>>> {
        DagStore::has_many(&*self.store, cids)
    }

    fn list_page<'a>(&'a self, query: &'a ListQuery) -> BoxFuture<'a, Result<Page>> {
        DagStore::list_page(&*self.store, query)
    }

    fn count<'a>(&'a self, query: &'a ListQuery) -> BoxFuture<'a, Result<u64>> {
        DagStore::count(&*self.store, query)
    }

    fn scopes<'a>(
        &'a self,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Scope>>> {
        DagStore::scopes(&*self.store, after, limit)
    }

    fn heads<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<Vec<Cid>>> {
        DagStore::heads(&*self.store, scope_id)
    }

    fn len<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<u64>> {
        DagStore::len(&*self.store, scope_id)
    }

    fn sequence(&self) -> BoxFuture<'_, Result<u64>> {
        DagStore::sequence(&*self.store)
    }

    fn next_commit<'a>(
        &'a self,
        after: u64,
        filter: &'a CommitFilter,
    ) -> BoxFuture<'a, Result<Commit>> {
        DagStore::next_commit(&*self.store, after, filter)
    }

    fn children<'a>(&'a self, cid: &'a Cid) -> BoxFuture<'a, Result<Vec<Cid>>> {
        Box::pin(DagStore::children(&*self.store, cid))
    }

    fn roots<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<Vec<Cid>>> {
        Box::pin(DagStore::roots(&*self.store, scope_id))
    }

    fn walk_page<'a>(&'a self, query: &'a WalkQuery) -> BoxFuture<'a, Result<WalkPage>> {
        Box::pin(DagStore::walk_page(&*self.store, query))
    }

    fn is_ancestor<'a>(
        &'a self,
        ancestor: &'a Cid,
        descendant: &'a Cid,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(DagStore::is_ancestor(&*self.store, ancestor, descendant))
    }

    fn merge_bases<'a>(&'a self, cids: &'a [Cid]) -> BoxFuture<'a, Result<Vec<Cid>>> {
        Box::pin(DagStore::merge_bases(&*self.store, cids))
    }

    fn path<'a>(&'a self, from: &'a Cid, to: &'a Cid) -> BoxFuture<'a, Result<Option<Vec<Cid>>>> {
        Box::pin(DagStore::path(&*self.store, from, to))
    }

    fn state_hash<'a>(&'a self, scope_id: Option<&'a str>) -> BoxFuture<'a, Result<StateHash>> {
        DagStore::state_hash(&*self.store, scope_id)
    }

    fn prove_span<'a>(&'a self, span: &'a Span) -> BoxFuture<'a, Result<Proof>> {
        DagStore::prove_span(&*self.store, span)
    }

    fn export(self: Arc<Self>, query: ExportQuery) -> BoxStream<'static, Result<Vec<u8>>> {
        DagStore::export(Arc::clone(&self.store), query)
    }

    fn verify(&self) -> BoxFuture<'_, Result<Verified>> {
        DagStore::verify(&*self.store)
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        DagStore::close(&*self.store)
    }
}

/// Two stores of 400 nodes, some of which only the one has and some only the other.
fn two() -> [Store; 2] {
    let nodes: Vec<DagNode> = (0..400).map(|i| node(i, i % 3, i * 37 % 1000)).collect();
    [store_of(&nodes[..380]), store_of(&nodes[30..])]
}

fn compare(one: &Store, other: &Arc<Other>) -> std::result::Result<[usize; 2], ErrorKind> {
    match block_on(async { one.compare(other).await }) {
        Ok(found) => Ok([found.only_here.len(), found.only_there.len()]),
        Err(error) => Err(error.kind()),
    }
}

#[test]
fn what_is_found_is_of_the_states_that_are_named() {
    let [one, store] = two();
    // Somebody writes before each answer but the last few.
    for writes in [0, 1, 3, 6, 7] {
        let [behind, other] = [Arc::clone(&store), Arc::clone(&store)];
        let other = Other::new(&other, move |call, places, _| {
            // A commit of its own for each attempt, which begins with the top.
            let begins = places[0] == TreeAddress::scopes() && call > 0;
            let late = call as u64;
            if !begins && late <= writes && late > 0 {
                for scope in 0..3 {
                    let late = node(10_000 + late, scope, 500);
                    now(behind.insert(late));
                }
            }
            now(behind.tree(places))
        });
        let found = block_on(async { one.compare(&other).await }).unwrap();
        let now = block_on(async { one.compare(&store).await }).unwrap();
        assert_eq!(found.state_hashes[1], block_on(store.state_hash(None)).unwrap());
        assert_eq!((found.only_here, found.only_there), (now.only_here, now.only_there));
        assert_eq!(writes == 0, found.visited == now.visited);
    }
}

#[test]
fn a_store_that_is_never_at_rest_is_given_up() {
    let [one, store] = two();
    let behind = Arc::clone(&store);
    let other = Other::new(&store, move |call, places, answer| {
        for scope in 0..3 {
            now(behind.insert(node(20_000 + call as u64, scope, 500)));
        }
        if call == 0 { answer } else { now(behind.tree(places)) }
    });
    assert_eq!(compare(&one, &other), Err(ErrorKind::Contended));
    let streamed: Result<Vec<_>> = block_on(one.compare(&other).stream().try_collect());
    assert_eq!(streamed.unwrap_err().kind(), ErrorKind::Contended);
}

/// A write elsewhere disturbs no comparison: the parts it reads are those that were promised.
#[test]
fn writes_to_other_parts_disturb_nothing() {
    let [one, store] = two();
    let behind = Arc::clone(&store);
    let other = Other::new(&store, move |call, places, _| {
        now(behind.insert(node(30_000 + call as u64, 7, 500)));
        now(behind.tree(places))
    });
    let found = block_on(async { one.compare(&other).scope_id("scope 1").await }).unwrap();
    let now = block_on(async { one.compare(&store).scope_id("scope 1").await }).unwrap();
    assert_eq!(found, now);
}

#[test]
fn lies_are_found_out() {
    type Lie = fn(&TreeAddress, &mut TreePart);
    let lies: [(&str, Lie); 11] = [
        ("nothing is there", |_, part| *part = TreePart::Nothing),
        ("a node more", |_, part| {
            if let TreePart::Inner { nodes, .. } = part {
                *nodes += 1;
            }
        }),
        ("no nodes", |_, part| {
            if let TreePart::Inner { nodes, .. } | TreePart::Scope { nodes, .. } = part {
                *nodes = 0;
            }
        }),
        ("another child", |_, part| {
            if let TreePart::Inner { children, .. } = part {
                children[1][7] ^= 1;
            }
        }),
        ("the same child twice", |_, part| {
            if let TreePart::Inner { children, .. } = part {
                children[0] = children[1];
            }
        }),
        ("more bits than there are", |_, part| {
            if let TreePart::Inner { bits, .. } = part {
                *bits = u16::MAX;
            }
        }),
        ("as many bits as there are", |place, part| {
            if let TreePart::Inner { bits, .. } = part {
                *bits = if place.scope_id().is_some() { 320 } else { 256 };
            }
        }),
        ("fewer bits than are known", |place, part| {
            if let (TreePart::Inner { bits, .. }, Some(less)) = (part, place.bits().checked_sub(1))
            {
                *bits = less;
            }
        }),
        ("bits set behind the prefix", |_, part| {
            if let TreePart::Inner { prefix, .. } = part {
                prefix[31] ^= 1;
            }
        }),
        ("another type", |_, part| {
            if let TreePart::Node { event_type, .. } = part {
                *event_type = DagEventType::Proposal;
            }
        }),
        ("another scope", |_, part| {
            if let TreePart::Scope { scope_id, .. } = part {
                scope_id.push('!');
            }
        }),
    ];
    let [one, store] = two();
    for (what, lie) in lies {
        let mut told = 0;
        for from in [0, 1, 2, 5] {
            let other = Other::new(&store, move |call, places, mut answer| {
                if call >= from {
                    answer.parts.iter_mut().zip(places).for_each(|(part, place)| lie(place, part));
                }
                answer
            });
            match compare(&one, &other) {
                Err(ErrorKind::Corrupt) => told += 1,
                // It came too late to be a lie about anything.
                found => assert_eq!(found, Ok([30, 20]), "{what} from {from}"),
            }
        }
        assert!(told > 0, "{what}");
    }
}

#[test]
fn answers_are_one_for_each_place() {
    let [one, store] = two();
    for more in [false, true] {
        for from in [0, 1, 3] {
            let other = Other::new(&store, move |call, _, mut answer| {
                if call >= from && more {
                    answer.parts.push(TreePart::Nothing);
                } else if call >= from {
                    answer.parts.pop();
                }
                answer
            });
            assert_eq!(compare(&one, &other), Err(ErrorKind::Corrupt));
        }
    }
}

/// One that says each time that it has changed.
#[test]
fn a_liar_is_not_asked_for_ever() {
    let [one, store] = two();
    let other = Other::new(&store, |call, _, mut answer| {
        if call > 0 {
            answer.parts.fill(TreePart::Nothing);
        }
        answer
    });
    assert_eq!(compare(&one, &other), Err(ErrorKind::Corrupt));
    let other = Other::new(&store, |call, places, mut answer| {
        if places[0] != TreeAddress::scopes() {
            answer.parts.fill(TreePart::Nothing);
            answer.state_hash = StateHash::from([u8::try_from(call % 251).unwrap(); 32]);
        }
        answer
    });
    assert_eq!(compare(&one, &other), Err(ErrorKind::Contended));
    assert!(other.calls() < 50, "{} calls", other.calls());
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    Sha256::digest(parts.concat()).into()
}

/// The first node of time 8: of a key whose first one is bit 60.
fn right() -> TreePart {
    let key = NodeKey { timestamp: 8, digest: [0; 32] };
    TreePart::Node { key, event_type: DagEventType::Vote }
}

/// A store whose answers all hash to what they should, since they are about a tree made with malice: one
/// scope, and in it whatever `parts` has, the top first, each above the next on the left, and above
/// [`right`] on the right.
fn malicious(parts: Vec<TreePart>) -> Arc<Other> {
    let place = TreeAddress::scope("scope 0");
    let mut below: Option<[u8; 32]> = None;
    let mut tree = Vec::new();
    for mut part in parts.into_iter().rev() {
        if let (TreePart::Inner { children, .. }, Some(below)) = (&mut part, below) {
            children[0] = below;
        }
        below = Some(part.hash(&place));
        tree.insert(0, part);
    }
    let nodes = tree[0].nodes();
    let scope_id = "scope 0".to_owned();
    let scope = TreePart::Scope { scope_id, nodes, root: below.unwrap() };
    let hash = scope.hash(&TreeAddress::scopes());
    let state_hash = sha256(&[b"dag-store state 1", &nodes.to_be_bytes(), &hash]);
    let depth = AtomicUsize::new(0);
    Other::new(&two()[1], move |_, places, _| {
        let part = |place: &TreeAddress| {
            if place.scope_id().is_none() {
                depth.store(0, Ordering::Relaxed);
                return scope.clone();
            }
            if place.prefix()[7] != 0 {
                return right();
            }
            tree[depth.fetch_add(1, Ordering::Relaxed) % tree.len()].clone()
        };
        let parts = places.iter().map(part).collect();
        TreeAnswer { state_hash: state_hash.into(), parts }
    })
}

#[test]
fn trees_made_with_malice_are_refused() {
    let inner = |bits, prefix: [u8; 40], nodes| TreePart::Inner {
        bits,
        prefix,
        nodes,
        children: [[0; 32], right().hash(&TreeAddress::scope("scope 0"))],
    };
    let event_type = DagEventType::Vote;
    let leaf = |timestamp, first| {
        let mut digest = [0; 32];
        digest[0] = first;
        TreePart::Node { key: NodeKey { timestamp, digest }, event_type: event_type.clone() }
    };
    let scope = TreePart::Scope { scope_id: "scope 0".to_owned(), nodes: 1, root: [1; 32] };
    let top = || inner(60, [0; 40], 9);
    let one = store_of(&[node(1, 0, 1 << 52)]);
    let far = |first| {
        let mut prefix = [0; 40];
        prefix[0] = first;
        prefix
    };
    let trees: Vec<(&str, Vec<TreePart>)> = vec![
        ("an inner node above nothing", vec![top(), TreePart::Nothing]),
        ("one above itself", vec![top(), inner(60, [0; 40], 8)]),
        ("a chain that goes up", vec![top(), inner(50, [0; 40], 8)]),
        ("keys that don't belong there", vec![top(), inner(70, far(0x80), 8)]),
        ("a node that doesn't belong there", vec![top(), leaf(1 << 50, 0)]),
        ("more nodes below than above", vec![top(), inner(70, [0; 40], 10)]),
        ("as many nodes below as above", vec![top(), inner(70, [0; 40], 9)]),
        ("an inner node of one", vec![inner(60, [0; 40], 1), leaf(0, 0)]),
        ("an inner node with all bits", vec![inner(320, [0; 40], 9), leaf(0, 0)]),
        ("an inner node with more bits", vec![inner(u16::MAX, [0; 40], 9), leaf(0, 0)]),
        ("an inner node with dirt behind its bits", vec![inner(3, far(1), 9), leaf(0, 0)]),
        ("a scope within a scope", vec![top(), scope]),
    ];
    for (what, tree) in trees {
        let other = malicious(tree);
        assert_eq!(compare(&one, &other), Err(ErrorKind::Corrupt), "{what}");
        assert!(other.calls() < 10, "{what}: {} calls", other.calls());
    }
    // Without malice it is believed.
    let other = malicious(vec![inner(60, [0; 40], 2), leaf(0, 0)]);
    assert_eq!(compare(&one, &other), Ok([1, 2]));
}

/// The same node with two types: each store's answer is right, and one of them must be wrong.
#[test]
fn one_node_has_one_type() {
    let truth = node(1, 0, 5);
    let key = Span::of_node(&truth).first();
    let other = malicious(vec![TreePart::Node { key, event_type: DagEventType::Receipt }]);
    assert_eq!(compare(&store_of(&[truth]), &other), Err(ErrorKind::Corrupt));
}

/// Whatever an answer is changed to, the comparison ends, and says what differs or that it can't be.
#[test]
fn nothing_that_is_answered_does_harm() {
    let [one, store] = two();
    let mut ends = HashSet::new();
    for seed in 0..400 {
        let other = Other::new(&store, move |call, _, mut answer| {
            let mut numbers = Numbers(seed * 1000 + call as u64);
            for part in &mut answer.parts {
                if numbers.below(30) == 0 {
                    distort(&mut numbers, part);
                }
            }
            if numbers.below(30) == 0 {
                answer.state_hash = StateHash::from([7; 32]);
            }
            answer
        });
        let found = compare(&one, &other);
        assert!(
            matches!(found, Ok([30, 20]) | Err(ErrorKind::Corrupt | ErrorKind::Contended)),
            "{found:?}"
        );
        assert!(other.calls() < 500, "{} calls", other.calls());
        ends.insert(found);
    }
    assert!(ends.len() > 1, "{ends:?}");
}

fn distort(numbers: &mut Numbers, part: &mut TreePart) {
    let any = u8::try_from(numbers.below(256)).unwrap();
    match part {
        TreePart::Inner { bits, prefix, nodes, children } => match numbers.below(4) {
            0 => *bits ^= 1 << numbers.below(16),
            1 => prefix[usize::from(any) % 40] ^= 1,
            2 => *nodes ^= 1 << numbers.below(64),
            _ => children[usize::from(any) % 2] = [any; 32],
        },
        TreePart::Node { key, .. } => key.digest[usize::from(any) % 32] ^= 1,
        TreePart::Scope { nodes, root, .. } => {
            *nodes ^= 1;
            root[0] = any;
        }
        TreePart::Nothing => {
            *part = TreePart::Inner {
                bits: any.into(),
                prefix: [any; 40],
                nodes: 5,
                children: [[any; 32]; 2],
            };
        }
    }
}

/// What goes wrong in the other store is told as it is.
#[test]
fn errors_pass_through() {
    let [one, store] = two();
    block_on(store.close()).unwrap();
    let outcome: std::result::Result<_, DagError> = block_on(async { one.compare(&store).await });
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Closed);
}
