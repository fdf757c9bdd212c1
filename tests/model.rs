//! Random operations on `SharedDagStore` and on a model that is too simple to be wrong: a place in the
//! order, or none, for each of the nodes there are.
//!
//! 100,000 operations; `MODEL_OPERATIONS=1000000` makes it more. A run that fails prints its seed;
//! `MODEL_SEED=<seed> cargo test --test model` repeats it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod random;
mod reference;

use std::collections::HashMap;
use std::sync::Arc;

use dag_store::{
    Changes, Cid, Condition, DagEventType, DagNode, DagStoreExt, ErrorKind, ListQuery, Order,
    SharedDagStore, StateHash,
};
use futures::executor::block_on;
use random::Random;
use reference::Leaf;

/// How many nodes there are to insert and remove.
const NODES: usize = 240;
const SCOPES: [&str; 3] = ["a", "b", "assembly"];
const TYPES: [&str; 4] = ["vote", "proposal", "receipt", "ballot-opened"];

/// A scope, or none, half of the time.
fn some_scope(random: &mut Random) -> Option<&'static str> {
    random.one_in(2).then(|| SCOPES[random.below(SCOPES.len())])
}

/// Every node there may be, and its relatives, by number. Parents have lower numbers.
struct World {
    nodes: Vec<DagNode>,
    ids: Vec<Cid>,
    numbers: HashMap<Cid, usize>,
    parents: Vec<Vec<usize>>,
    children: Vec<Vec<usize>>,
}

impl World {
    fn new(random: &mut Random) -> Self {
        let mut world = World {
            nodes: Vec::new(),
            ids: Vec::new(),
            numbers: HashMap::new(),
            parents: Vec::new(),
            children: vec![Vec::new(); NODES],
        };
        for number in 0..NODES {
            let mut parents: Vec<usize> = Vec::new();
            for _ in 0..[0, 0, 1, 1, 1, 2, 4][random.below(7)].min(number) {
                let parent = number - 1 - random.below(number.min(30));
                if !parents.contains(&parent) {
                    parents.push(parent);
                }
            }
            // Blocks of very different sizes, so that memory is used unevenly.
            let content = "x".repeat([0, 10, 300, 5_000][random.below(4)]);
            let node = DagNode::builder()
                .content(format!("{number} {content}"))
                .event_type(TYPES[random.below(TYPES.len())])
                .scope_id(SCOPES[random.below(SCOPES.len())])
                .timestamp(random.below(9) as u64)
                .parents(parents.iter().map(|parent| world.ids[*parent]))
                .build()
                .unwrap();
            for parent in &parents {
                world.children[*parent].push(number);
            }
            let id = node.cid().unwrap();
            world.parents.push(parents);
            world.numbers.insert(id, number);
            world.ids.push(id);
            world.nodes.push(node);
        }
        world
    }
}

/// What the store should be: the place of each node, if it has one.
#[derive(Clone)]
struct Model {
    places: Vec<Option<u64>>,
    next: u64,
    sequence: u64,
}

/// What a commit should come to.
enum Expected {
    Done { inserted: Vec<usize>, removed: Vec<usize> },
    Refused(Vec<ErrorKind>),
}

impl Model {
    fn there(&self, number: usize) -> bool {
        self.places[number].is_some()
    }

    /// The nodes of the store or of a scope, in insertion order.
    fn order(&self, world: &World, scope: Option<&str>) -> Vec<usize> {
        let mut order: Vec<usize> = (0..NODES)
            .filter(|number| self.there(*number))
            .filter(|number| scope.is_none_or(|scope| world.nodes[*number].scope_id() == scope))
            .collect();
        order.sort_by_key(|number| self.places[*number]);
        order
    }

    fn heads(&self, world: &World, scope: Option<&str>) -> Vec<Cid> {
        let within = |number: &usize| {
            self.there(*number)
                && scope.is_none_or(|scope| world.nodes[*number].scope_id() == scope)
        };
        let mut order = self.order(world, scope);
        order.retain(|number| !world.children[*number].iter().any(within));
        order.into_iter().map(|number| world.ids[number]).collect()
    }

    fn state_hash(&self, world: &World) -> StateHash {
        let leaves: Vec<Leaf> = self
            .order(world, None)
            .into_iter()
            .map(|number| Leaf {
                scope_id: world.nodes[number].scope_id().to_owned(),
                timestamp: world.nodes[number].timestamp(),
                event_type: world.nodes[number].event_type().as_str().to_owned(),
                digest: world.ids[number].hash().digest().try_into().unwrap(),
            })
            .collect();
        StateHash::from(reference::state_hash(&leaves))
    }

    /// Does what is staged: `true` inserts, `false` removes; the last one on a node wins.
    fn commit(&mut self, world: &World, staged: &[(usize, bool)], conditions: bool) -> Expected {
        if !conditions {
            return Expected::Refused(vec![ErrorKind::ConditionFailed]);
        }
        // The place of an operation is where its last run of equal ones began.
        let mut operations: Vec<(usize, bool)> = Vec::new();
        for (number, insert) in staged {
            match operations.iter().position(|(other, _)| other == number) {
                Some(at) if operations[at].1 == *insert => {}
                Some(at) => {
                    operations.remove(at);
                    operations.push((*number, *insert));
                }
                None => operations.push((*number, *insert)),
            }
        }
        let mut after = self.clone();
        let (mut removed, mut waiting) = (Vec::new(), Vec::new());
        for (number, insert) in operations {
            if insert != self.there(number) {
                if insert {
                    waiting.push(number);
                } else {
                    after.places[number] = None;
                    removed.push(number);
                }
            }
        }
        let mut refusals = Vec::new();
        let leaves_a_child =
            |number: &usize| world.children[*number].iter().any(|child| after.there(*child));
        if removed.iter().any(leaves_a_child) {
            refusals.push(ErrorKind::HasChildren);
        }
        let mut inserted = Vec::new();
        while !waiting.is_empty() {
            let ready =
                |number: &usize| world.parents[*number].iter().all(|parent| after.there(*parent));
            let Some(next) = waiting.iter().position(ready) else {
                refusals.push(ErrorKind::MissingParent);
                break;
            };
            let number = waiting.remove(next);
            after.places[number] = Some(after.next);
            after.next += 1;
            inserted.push(number);
        }
        if !refusals.is_empty() {
            return Expected::Refused(refusals);
        }
        if !inserted.is_empty() || !removed.is_empty() {
            after.sequence += 1;
            *self = after;
        }
        Expected::Done { inserted, removed }
    }
}

/// A list that is read a page now and then, while nodes come and go.
struct Walk {
    query: ListQuery,
    found: Vec<usize>,
    /// Those that have been there since it began, in the order of the list.
    staying: Vec<usize>,
}

struct Run {
    world: World,
    model: Model,
    store: SharedDagStore,
    random: Random,
    walk: Option<Walk>,
    /// How many walks came to their end.
    walks: usize,
    /// How many commits were done, without effect, and refused.
    tally: [usize; 3],
}

impl Run {
    /// Some inserts and removals in one commit.
    async fn commit(&mut self, growing: bool) {
        let Run { world, model, store, random, tally, walk, .. } = self;
        let mut staged = Vec::new();
        let count = [1, 1, 1, 2, 5, 20][random.below(6)];
        while staged.len() < count {
            let number = random.below(NODES);
            let against = random.one_in(12);
            if growing ^ against {
                // Often with the parents, before it or after it.
                if random.one_in(2) {
                    let with_parents = lineage(&world.parents, number);
                    staged.extend(with_parents.into_iter().map(|number| (number, true)));
                }
                staged.push((number, true));
            } else {
                if random.one_in(2) {
                    let with_children = lineage(&world.children, number);
                    staged.extend(with_children.into_iter().map(|number| (number, false)));
                }
                staged.push((number, false));
            }
            if random.one_in(5) {
                let again = staged[random.below(staged.len())].0;
                staged.push((again, random.one_in(2)));
            }
        }
        let mut changes = Changes::new();
        for (number, insert) in &staged {
            if *insert {
                changes.insert(world.nodes[*number].clone());
            } else {
                changes.remove(world.ids[*number]).unwrap();
            }
        }
        let mut conditions = true;
        if random.one_in(6) {
            let number = random.below(NODES);
            conditions &= !model.there(number);
            changes.require(Condition::Absent(world.ids[number]));
        }
        if random.one_in(6) {
            let scope = some_scope(random);
            let mut heads = model.heads(world, scope);
            heads.reverse();
            if random.one_in(2) && heads.pop().is_some() {
                conditions = false;
            }
            changes.require(Condition::Heads { scope_id: scope.map(str::to_owned), heads });
        }
        if random.one_in(40) {
            changes.require(Condition::StateHash(model.state_hash(world)));
        }

        let result = store.commit(changes).await;
        match (model.commit(world, &staged, conditions), result) {
            (Expected::Done { inserted, removed }, Ok(commit)) => {
                let numbers = |ids: &[Cid]| -> Vec<usize> {
                    ids.iter().map(|id| world.numbers[id]).collect()
                };
                assert_eq!(numbers(&commit.inserted), inserted);
                let mut found = numbers(&commit.removed);
                let mut expected = removed;
                found.sort_unstable();
                expected.sort_unstable();
                assert_eq!(found, expected);
                assert_eq!(commit.sequence, model.sequence);
                if let Some(walk) = walk {
                    walk.staying.retain(|number| !expected.contains(number));
                }
                tally[usize::from(commit.is_empty())] += 1;
            }
            (Expected::Refused(kinds), Err(error)) => {
                assert!(kinds.contains(&error.kind()), "{error:?}, not {kinds:?}");
                tally[2] += 1;
            }
            (Expected::Done { .. }, Err(error)) => panic!("refused: {error:?}"),
            (Expected::Refused(kinds), Ok(commit)) => panic!("{commit:?}, not {kinds:?}"),
        }
    }

    /// One insert or removal, by the store's own unboxed methods, which take shorter ways.
    async fn single(&mut self, growing: bool) {
        let Run { world, model, store, random, tally, walk, .. } = self;
        let number = random.below(NODES);
        let insert = growing ^ random.one_in(4);
        let was_there = model.there(number);
        let result = if insert {
            let inserted = store.insert(world.nodes[number].clone()).await;
            inserted.map(|id| assert_eq!(id, world.ids[number]))
        } else {
            let removed = store.remove(world.ids[number]).await;
            removed.map(|removed| assert_eq!(removed, was_there))
        };
        match (model.commit(world, &[(number, insert)], true), result) {
            (Expected::Done { .. }, Ok(())) => {
                tally[usize::from(was_there == insert)] += 1;
                if let Some(walk) = walk.as_mut().filter(|_| !insert) {
                    walk.staying.retain(|staying| *staying != number);
                }
            }
            (Expected::Refused(kinds), Err(error)) => {
                assert_eq!(kinds, [error.kind()]);
                assert_eq!(error.cid(), Some(&world.ids[number]));
                let missing = error.parent().map(|parent| world.numbers[parent]);
                let lacks = |number: usize| !model.there(number);
                assert_eq!(missing.is_some_and(lacks), insert, "the parent that is missing");
                tally[2] += 1;
            }
            (_, result) => panic!("inserting {insert}: {result:?}"),
        }
        assert_eq!(store.has(world.ids[number]).await.unwrap(), model.there(number));
    }

    /// A question.
    async fn read(&mut self) {
        let Run { world, model, store, random, .. } = self;
        match random.below(12) {
            0..5 => {
                let number = random.below(NODES);
                let found = store.get(world.ids[number]).await.unwrap();
                let expected = model.there(number).then(|| world.nodes[number].clone());
                assert_eq!(found, expected);
            }
            5..8 => {
                let numbers: Vec<usize> =
                    (0..random.below(6)).map(|_| random.below(NODES)).collect();
                let ids: Vec<Cid> = numbers.iter().map(|number| world.ids[*number]).collect();
                let expected: Vec<bool> =
                    numbers.iter().map(|number| model.there(*number)).collect();
                assert_eq!(store.has_many(&ids).await.unwrap(), expected);
            }
            8 => {
                let scope = some_scope(random);
                assert_eq!(store.heads(scope).await.unwrap(), model.heads(world, scope));
                let length = model.order(world, scope).len() as u64;
                assert_eq!(store.len(scope).await.unwrap(), length);
            }
            _ => self.list().await,
        }
    }

    /// A list, page by page.
    async fn list(&mut self) {
        let Run { world, model, store, random, .. } = self;
        let mut query = ListQuery::default();
        query.scope_id = some_scope(random).map(str::to_owned);
        query.since = random.one_in(3).then(|| random.below(9) as u64);
        query.until = random.one_in(3).then(|| random.below(9) as u64);
        query.reverse = random.one_in(2);
        query.limit = 1 + random.below(60);
        if random.one_in(3) {
            query.event_types = vec![DagEventType::from(TYPES[random.below(4)])];
        }
        if query.scope_id.is_some() && random.one_in(2) {
            query.order = Order::Time;
        }
        let expected = expected_list(world, model, &query);
        let mut found = Vec::new();
        loop {
            let page = store.list_page(&query).await.unwrap();
            assert!(page.nodes.len() <= query.limit);
            found.extend(page.nodes.iter().map(|node| world.numbers[&node.cid().unwrap()]));
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "{query:?}");
    }

    /// One more page of the list that is under way. Whatever stays is met once, in its order.
    async fn walk_on(&mut self) {
        let Run { world, model, store, random, walk, walks, .. } = self;
        let under_way = walk.get_or_insert_with(|| {
            let mut query = ListQuery::default();
            query.limit = 1 + random.below(20);
            query.reverse = random.one_in(2);
            query.scope_id = some_scope(random).map(str::to_owned);
            if query.scope_id.is_some() && random.one_in(2) {
                query.order = Order::Time;
            }
            Walk { staying: expected_list(world, model, &query), query, found: Vec::new() }
        });
        let page = store.list_page(&under_way.query).await.unwrap();
        under_way.found.extend(page.nodes.iter().map(|node| world.numbers[&node.cid().unwrap()]));
        under_way.query.cursor = page.next;
        if under_way.query.cursor.is_none() {
            let Some(Walk { query, mut found, staying }) = walk.take() else { return };
            found.retain(|number| staying.contains(number));
            assert_eq!(found, staying, "{query:?}");
            *walks += 1;
        }
    }

    /// Everything at once.
    async fn compare(&self) {
        let Run { world, model, store, .. } = self;
        let order = model.order(world, None);
        let found = store.list().await.unwrap();
        let expected: Vec<&DagNode> = order.iter().map(|number| &world.nodes[*number]).collect();
        assert!(found.iter().eq(expected), "the nodes, or their order");
        for scope in SCOPES.map(Some).into_iter().chain([None]) {
            assert_eq!(store.heads(scope).await.unwrap(), model.heads(world, scope));
        }
        let verified = store.verify().await.unwrap();
        let links: usize = order.iter().map(|number| world.parents[*number].len()).sum();
        assert_eq!((verified.nodes, verified.links), (order.len() as u64, links as u64));
        assert_eq!(verified.state_hash, model.state_hash(world));
        assert_eq!(store.state_hash(None).await.unwrap(), verified.state_hash);
    }
}

/// What a list with this query gives, all pages together.
fn expected_list(world: &World, model: &Model, query: &ListQuery) -> Vec<usize> {
    let mut expected = model.order(world, query.scope_id.as_deref());
    expected.retain(|number| {
        let node = &world.nodes[*number];
        query.since.is_none_or(|since| node.timestamp() >= since)
            && query.until.is_none_or(|until| node.timestamp() <= until)
            && (query.event_types.is_empty() || query.event_types.contains(&node.event_type()))
    });
    if query.order == Order::Time {
        let digest = |number: &usize| world.ids[*number].hash().digest().to_vec();
        expected.sort_by_key(|number| (world.nodes[*number].timestamp(), digest(number)));
    }
    if query.reverse {
        expected.reverse();
    }
    expected
}

/// A node's relatives by these links, all the way.
fn lineage(links: &[Vec<usize>], number: usize) -> Vec<usize> {
    let mut found = links[number].clone();
    let mut at = 0;
    while at < found.len() {
        for next in &links[found[at]] {
            if !found.contains(next) {
                found.push(*next);
            }
        }
        at += 1;
    }
    found
}

#[test]
fn the_store_does_what_the_model_does() {
    let operations: usize =
        std::env::var("MODEL_OPERATIONS").map_or(100_000, |number| number.parse().unwrap());
    let mut random = Random::new("MODEL_SEED");
    let world = World::new(&mut random);
    let model = Model { places: vec![None; NODES], next: 0, sequence: 0 };
    let store = SharedDagStore::new();
    let mut run = Run { world, model, store, random, walk: None, walks: 0, tally: [0; 3] };
    let mut growing = true;
    let mut turns = 0;
    block_on(async {
        for step in 1..=operations {
            if run.random.one_in(4) {
                run.single(growing).await;
            } else if run.random.one_in(3) {
                run.commit(growing).await;
            } else if run.random.one_in(5) {
                run.walk_on().await;
            } else {
                run.read().await;
            }
            // It grows until it is nearly full, and shrinks until it is nearly empty.
            let length = run.model.places.iter().flatten().count();
            let turned = if growing { length > NODES * 8 / 10 } else { length < NODES / 5 };
            turns += usize::from(turned);
            growing ^= turned;
            if step % 500 == 0 {
                run.compare().await;
            }
        }
        run.compare().await;
    });
    let [effective, idle, refused] = run.tally;
    println!("{effective} commits, {idle} without effect, {refused} refused, {turns} turns");
    assert!(effective > operations / 10, "{effective} commits");
    assert!(idle > operations / 100, "{idle} without effect");
    assert!(refused > operations / 100, "{refused} refused");
    assert!(run.walks > operations / 1_000, "{} walks", run.walks);
    assert!(turns > operations / 5_000, "it grew and shrank {turns} times");
}

/// A page looks at so many nodes at most, so that a rare match holds nobody up for long: the list goes
/// on all the same.
#[test]
fn rare_matches_are_found_among_many() {
    const MANY: usize = 150_000;
    const RARE: [usize; 4] = [0, 70_000, 70_001, MANY - 1];
    let make = |number: usize| {
        let event_type = if RARE.contains(&number) { "anchor" } else { "vote" };
        let builder = DagNode::builder().content(number as u64).event_type(event_type);
        builder.scope_id("s").timestamp(number as u64).build().unwrap()
    };
    block_on(async {
        let store = Arc::new(SharedDagStore::new());
        store.insert_many((0..MANY).map(make)).await.unwrap();
        for order in [Order::Insertion, Order::Time] {
            let list = || store.list().scope_id("s").event_types(["anchor"]).order(order);
            let mut expected = RARE.map(make);
            assert_eq!(list().await.unwrap(), expected);
            expected.reverse();
            assert_eq!(list().reverse().await.unwrap(), expected);
            assert_eq!(list().reverse().limit(3).await.unwrap(), expected[..3]);
        }
    });
}
