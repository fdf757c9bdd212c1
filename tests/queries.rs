//! Lists by scope and time, and counts, against what a look at every node gives: over stores with many
//! and few scopes, with nodes that lie together and far apart, with removals and rebuilds.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod numbers;

use std::collections::BTreeMap;

use dag_store::{
    Changes, DagEventType, DagNode, ErrorKind, ListQuery, Order, Page, Result, Scope,
    SharedDagStore,
};
use futures::TryStreamExt as _;
use futures::executor::block_on;
use numbers::Numbers;

const TYPES: [&str; 3] = ["vote", "proposal", "ballot-opened"];

/// What a store is like.
#[derive(Debug)]
struct Kind {
    nodes: u64,
    scopes: u64,
    /// How many nodes one after the other are of one scope, and close in time.
    together: u64,
    /// How many of a hundred go again.
    gone: u64,
}

const KINDS: [Kind; 6] = [
    Kind { nodes: 0, scopes: 1, together: 1, gone: 0 },
    Kind { nodes: 40, scopes: 2, together: 1, gone: 30 },
    Kind { nodes: 300, scopes: 7, together: 40, gone: 10 },
    Kind { nodes: 300, scopes: 300, together: 1, gone: 60 },
    Kind { nodes: 900, scopes: 30, together: 5, gone: 20 },
    // So many are gone that the rest is copied together.
    Kind { nodes: 3_000, scopes: 5, together: 300, gone: 80 },
];

fn scope(number: u64) -> String {
    format!("scope {number}")
}

fn node(numbers: &mut Numbers, number: u64, kind: &Kind) -> DagNode {
    let group = number / kind.together;
    DagNode::builder()
        .content(i128::from(number))
        .event_type(TYPES[usize::try_from(numbers.below(3)).unwrap()])
        .scope_id(scope(group * group % kind.scopes.max(1)))
        .timestamp(group * 7 % 100 + numbers.below(5))
        .build()
        .unwrap()
}

fn filled(numbers: &mut Numbers, kind: &Kind) -> SharedDagStore {
    let store = SharedDagStore::new();
    for from in (0..kind.nodes).step_by(100) {
        let nodes: Vec<_> =
            (from..kind.nodes.min(from + 100)).map(|i| node(numbers, i, kind)).collect();
        let inserted = block_on(store.insert_many(nodes)).unwrap().inserted;
        let mut gone = Changes::new();
        for cid in inserted {
            if numbers.below(100) < kind.gone {
                gone.remove(cid).unwrap();
            }
        }
        block_on(store.commit(gone)).unwrap();
    }
    store
}

fn some<T>(numbers: &mut Numbers, value: impl FnOnce(&mut Numbers) -> T) -> Option<T> {
    (numbers.below(3) > 0).then(|| value(numbers))
}

fn query(numbers: &mut Numbers, kind: &Kind) -> ListQuery {
    let mut query = ListQuery::default();
    query.scope_id = some(numbers, |numbers| scope(numbers.below(kind.scopes + 1)));
    query.since = some(numbers, |numbers| numbers.below(106));
    query.until = some(numbers, |numbers| numbers.below(106));
    let types = usize::try_from(numbers.below(3)).unwrap();
    query.event_types = TYPES[..types].iter().map(|name| DagEventType::from(*name)).collect();
    query.reverse = numbers.below(2) == 0;
    let by_time = query.scope_id.is_some() && numbers.below(3) == 0;
    query.order = if by_time { Order::Time } else { Order::Insertion };
    query.limit = usize::try_from(1 + numbers.below(9) * numbers.below(9)).unwrap();
    query
}

fn matches(query: &ListQuery, node: &DagNode) -> bool {
    let types = &query.event_types;
    query.scope_id.as_ref().is_none_or(|scope| scope == node.scope_id())
        && (types.is_empty() || types.contains(&node.event_type()))
        && query.since.is_none_or(|since| node.timestamp() >= since)
        && query.until.is_none_or(|until| node.timestamp() <= until)
}

/// What a query gives, of these nodes in insertion order.
fn expected(nodes: &[DagNode], query: &ListQuery) -> Vec<DagNode> {
    let mut found: Vec<_> = nodes.iter().filter(|node| matches(query, node)).cloned().collect();
    if query.order == Order::Time {
        found.sort_by_key(|node| (node.timestamp(), node.cid().unwrap().hash().digest().to_vec()));
    }
    if query.reverse {
        found.reverse();
    }
    found
}

fn pages(store: &SharedDagStore, query: &ListQuery) -> Vec<DagNode> {
    let (mut query, mut found) = (query.clone(), Vec::new());
    loop {
        let page = block_on(store.list_page(&query)).unwrap();
        assert!(page.nodes.len() <= query.limit);
        found.extend(page.nodes);
        query.cursor = page.next;
        if query.cursor.is_none() {
            return found;
        }
    }
}

#[test]
fn lists_and_counts_are_those_of_a_scan() {
    let mut numbers = Numbers(7);
    let mut found = 0;
    for kind in KINDS {
        let store = filled(&mut numbers, &kind);
        let nodes = block_on(async { store.list().await }).unwrap();
        for _ in 0..200 {
            let query = query(&mut numbers, &kind);
            let expected = expected(&nodes, &query);
            assert_eq!(pages(&store, &query), expected, "{kind:?} {query:?}");
            let count = block_on(store.count(&query)).unwrap();
            assert_eq!(count, expected.len() as u64, "{kind:?} {query:?}");
            found += usize::from(expected.len() > query.limit);
        }
    }
    assert!(found > 200, "{found} queries had more than a page");
}

/// What others write between two pages may or may not come; what stays comes once, in its order.
#[test]
fn cursors_hold_while_others_write() {
    let mut numbers = Numbers(8);
    for kind in &KINDS[1..] {
        for _ in 0..20 {
            let store = filled(&mut numbers, kind);
            let nodes = block_on(async { store.list().await }).unwrap();
            let mut query = query(&mut numbers, kind);
            let mut staying = expected(&nodes, &query);
            let mut found: Vec<DagNode> = Vec::new();
            let mut next = kind.nodes;
            loop {
                let page = block_on(store.list_page(&query)).unwrap();
                let read = (page.nodes.len() / 2) as u64;
                found.extend(page.nodes);
                query.cursor = page.next;
                if query.cursor.is_none() {
                    break;
                }
                let mut changes = Changes::new();
                // Fewer than were read, or else it would never come to the end.
                for _ in 0..numbers.below(4).min(read) {
                    changes.insert(node(&mut numbers, next, kind));
                    next += 1;
                }
                if !nodes.is_empty() && numbers.below(2) == 0 {
                    let at = usize::try_from(numbers.below(nodes.len() as u64)).unwrap();
                    changes.remove(nodes[at].cid().unwrap()).unwrap();
                    staying.retain(|node| *node != nodes[at]);
                }
                block_on(store.commit(changes)).unwrap();
            }
            assert!(found.iter().all(|node| matches(&query, node)));
            found.retain(|node| staying.contains(node));
            assert_eq!(found, staying, "{kind:?} {query:?}");
        }
    }
}

#[test]
fn scopes_are_those_of_the_nodes() {
    let mut numbers = Numbers(9);
    for kind in KINDS {
        let store = filled(&mut numbers, &kind);
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for node in block_on(async { store.list().await }).unwrap() {
            *counts.entry(node.scope_id().to_owned()).or_default() += 1;
        }
        let expected: Vec<_> = counts.into_iter().map(|(id, nodes)| Scope { id, nodes }).collect();
        let mut found: Vec<Scope> = Vec::new();
        loop {
            let after = found.last().map(|scope| scope.id.clone());
            let page = block_on(store.scopes(after.as_deref(), 3)).unwrap();
            found.extend(page.iter().cloned());
            if page.len() < 3 {
                break;
            }
        }
        assert_eq!(found, expected);
    }
}

/// Where nothing is wanted there is nothing; but a mistake in the question is told all the same.
#[test]
fn what_wants_nothing_is_asked_all_the_same() {
    let kind = &KINDS[2];
    let store = filled(&mut Numbers(10), kind);
    let nothing = Page { nodes: Vec::new(), next: None };
    let none: [DagEventType; 0] = [];
    let wants = [store.list().limit(0), store.list().event_types(none.clone()).limit(5)];
    for list in wants {
        assert_eq!(block_on(list.page(3)).unwrap(), nothing);
    }
    assert_eq!(block_on(store.list().limit(0).into_future()).unwrap(), []);
    assert_eq!(block_on(store.list().event_types(none.clone()).into_future()).unwrap(), []);
    assert_eq!(block_on(store.list().event_types(none.clone()).count()).unwrap(), 0);
    let refused = |outcome: Result<()>| {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::InvalidArgument);
    };
    for wrong in 0..3 {
        let list = || match wrong {
            0 => store.list().order(Order::Time),
            1 => store.list().after_commit(1_000_000),
            _ => store.list().after("no cursor".parse().unwrap()),
        };
        let of_no_type = || list().event_types(none.clone());
        refused(block_on(list().limit(0).page(3)).map(drop));
        refused(block_on(of_no_type().page(3)).map(drop));
        refused(block_on(list().limit(0).stream().try_collect::<Vec<_>>()).map(drop));
        refused(block_on(of_no_type().stream().try_collect::<Vec<_>>()).map(drop));
    }
    let beyond = store.list().after_commit(1_000_000).event_types(none.clone());
    refused(block_on(beyond.count()).map(drop));

    let stranger = node(&mut Numbers(11), 1_000_000, kind).cid().unwrap();
    let walk = || store.ancestors([stranger]);
    for walk in [walk().limit(0), walk().event_types(none.clone())] {
        assert_eq!(block_on(walk.page(3)).unwrap_err().kind(), ErrorKind::NotFound);
    }
    let streamed = block_on(walk().limit(0).cids().stream().try_collect::<Vec<_>>());
    assert_eq!(streamed.unwrap_err().kind(), ErrorKind::NotFound);
    let page = block_on(store.topological().limit(0).cids().page(3)).unwrap();
    assert_eq!((page.cids, page.next), (vec![], None));
    assert_eq!(block_on(store.topological().event_types(none).into_future()).unwrap(), []);
    // A page has room for one node at least.
    assert_eq!(block_on(store.list().page(0)).unwrap().nodes.len(), 1);
    assert_eq!(block_on(store.topological().page(0)).unwrap().nodes.len(), 1);
}
