//! Questions about the graph on random DAGs that grow and shrink, against a model that is too simple to
//! be wrong. A run that fails prints its seed; `GRAPH_SEED=<seed> cargo test --test graph` repeats it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod random;

use std::collections::{BTreeMap, BTreeSet};

use dag_store::{Changes, Cid, DagNode, Direction, SharedDagStore, WalkPage, WalkQuery};
use futures::executor::block_on;
use random::Random;

/// Generation, timestamp, digest.
type Place = (u32, u64, Vec<u8>);

/// The nodes that are there, by CID, with their parents and their place in the order of walks.
#[derive(Default)]
struct Model {
    nodes: BTreeMap<Cid, (Vec<Cid>, Place)>,
}

impl Model {
    fn add(&mut self, node: &DagNode) {
        let cid = node.cid().unwrap();
        let above = node.parents().iter().map(|parent| self.nodes[parent].1.0 + 1).max();
        let key = (above.unwrap_or(0), node.timestamp(), cid.hash().digest().to_vec());
        self.nodes.insert(cid, (node.parents(), key));
    }

    fn next(&self, direction: Direction, cid: &Cid) -> Vec<Cid> {
        if direction == Direction::Ancestors {
            return self.nodes[cid].0.clone();
        }
        let children = self.nodes.iter().filter(|(_, (parents, _))| parents.contains(cid));
        children.map(|(child, _)| *child).collect()
    }

    /// What is reached in so many steps.
    fn reached(&self, direction: Direction, starts: &[Cid], depth: usize) -> BTreeSet<Cid> {
        let mut reached: BTreeSet<Cid> = starts.iter().copied().collect();
        let mut coming: Vec<Cid> = starts.to_vec();
        for _ in 0..depth {
            let next: BTreeSet<Cid> =
                coming.iter().flat_map(|cid| self.next(direction, cid)).collect();
            coming = next.into_iter().filter(|cid| reached.insert(*cid)).collect();
            if coming.is_empty() {
                break;
            }
        }
        reached
    }

    fn in_order(&self, direction: Direction, cids: impl IntoIterator<Item = Cid>) -> Vec<Cid> {
        let mut cids: Vec<Cid> = cids.into_iter().collect();
        cids.sort_by_key(|cid| &self.nodes[cid].1);
        if direction == Direction::Ancestors {
            cids.reverse();
        }
        cids
    }

    fn merge_bases(&self, cids: &[Cid]) -> Vec<Cid> {
        let past = |cid: &Cid| self.reached(Direction::Ancestors, &[*cid], usize::MAX);
        let common = cids.iter().map(past).reduce(|one, other| &one & &other).unwrap();
        let worse: BTreeSet<Cid> = common
            .iter()
            .flat_map(|cid| self.nodes[cid].0.clone())
            .flat_map(|parent| past(&parent))
            .collect();
        self.in_order(Direction::Ancestors, &common - &worse)
    }

    /// The length of a shortest path from a node to an ancestor.
    fn distance(&self, from: Cid, to: Cid) -> Option<usize> {
        (0..=self.nodes.len())
            .find(|depth| self.reached(Direction::Ancestors, &[from], *depth).contains(&to))
    }

    /// Some node that is there.
    fn some(&self, random: &mut Random) -> Cid {
        *self.nodes.keys().nth(random.below(self.nodes.len())).unwrap()
    }
}

/// A store that changes, and what it should be.
struct World {
    store: SharedDagStore,
    model: Model,
    random: Random,
    made: usize,
}

impl World {
    fn new() -> Self {
        World {
            store: SharedDagStore::new(),
            model: Model::default(),
            random: Random::new("GRAPH_SEED"),
            made: 0,
        }
    }

    fn node(&mut self, window: usize) -> DagNode {
        let mut parents = BTreeSet::new();
        let newest = self.model.in_order(Direction::Ancestors, self.model.nodes.keys().copied());
        for _ in 0..[0, 1, 1, 2, 2, 3][self.random.below(6)].min(newest.len()) {
            parents.insert(newest[self.random.below(newest.len().min(window))]);
        }
        self.made += 1;
        DagNode::builder()
            .content(self.made as u64)
            .event_type("vote")
            .scope_id("s")
            .timestamp(self.random.below(3) as u64)
            .parents(parents)
            .build()
            .unwrap()
    }

    fn grow(&mut self, count: usize, window: usize) {
        for _ in 0..count {
            let node = self.node(window);
            self.model.add(&node);
            block_on(self.store.insert(node)).unwrap();
        }
    }

    /// Takes heads out, one after the other.
    fn shrink(&mut self, count: usize) {
        for _ in 0..count {
            let heads = block_on(self.store.heads(None)).unwrap();
            let gone = heads[self.random.below(heads.len())];
            assert!(block_on(self.store.remove(gone)).unwrap());
            self.model.nodes.remove(&gone);
        }
    }

    fn pages(&self, query: &WalkQuery) -> Vec<Cid> {
        let (mut query, mut found) = (query.clone(), Vec::new());
        loop {
            let WalkPage { cids, next } = block_on(self.store.walk_page(&query)).unwrap();
            assert!(cids.len() <= query.limit);
            found.extend(cids);
            match next {
                Some(next) => query.cursor = Some(next),
                None => return found,
            }
        }
    }

    fn ask(&mut self) {
        let World { store, model, random, .. } = self;
        let [one, other, third] = [(); 3].map(|()| model.some(random));
        let past = model.reached(Direction::Ancestors, &[other], usize::MAX);
        assert_eq!(block_on(store.is_ancestor(one, other)).unwrap(), past.contains(&one));
        for asked in [&[one, other][..], &[one, other, third]] {
            assert_eq!(block_on(store.merge_bases(asked)).unwrap(), model.merge_bases(asked));
        }
        let path = block_on(store.path(other, one)).unwrap();
        let distance = model.distance(other, one).or_else(|| model.distance(one, other));
        assert_eq!(path.as_ref().map(|path| path.len() - 1), distance);
        for step in path.unwrap_or_default().windows(2) {
            let is_link = |from: usize, to: usize| model.nodes[&step[from]].0.contains(&step[to]);
            assert!(is_link(0, 1) || is_link(1, 0));
        }
        for direction in [Direction::Ancestors, Direction::Descendants] {
            let depth = [0, 1, 3, usize::MAX][self.random.below(4)];
            let mut query = WalkQuery::default();
            query.direction = direction;
            query.starts = vec![one, other];
            query.depth = u32::try_from(depth).ok();
            query.limit = [1, 2, 5, 1_000][self.random.below(4)];
            let mut expected = self.model.reached(direction, &query.starts, depth);
            if self.random.below(2) == 0 {
                query.excluding = vec![third];
                expected = &expected - &self.model.reached(direction, &[third], usize::MAX);
            }
            assert_eq!(self.pages(&query), self.model.in_order(direction, expected), "{query:?}");
        }
    }
}

#[test]
fn answers_are_those_of_the_model() {
    for (window, rounds) in [(4, 12), (30, 12), (1_000, 6)] {
        let mut world = World::new();
        world.grow(60, window);
        for _ in 0..rounds {
            world.shrink(12);
            world.grow(20, window);
            (0..12).for_each(|_| world.ask());
        }
        let mut all = WalkQuery::default();
        (all.direction, all.limit) = (Direction::All, 7);
        let expected = world.model.in_order(Direction::All, world.model.nodes.keys().copied());
        assert_eq!(world.pages(&all), expected);
    }
}

#[test]
fn answers_survive_a_rebuild() {
    // Once more is dead than alive, the living are copied together, and all that leads from one to
    // another with them.
    let mut world = World::new();
    world.grow(80, 6);
    let cursor = {
        let mut query = WalkQuery::default();
        (query.starts, query.limit) = (block_on(world.store.heads(None)).unwrap(), 10);
        block_on(world.store.walk_page(&query)).unwrap()
    };
    for round in 0..2 {
        let extra: Vec<DagNode> = (0..1_500_u64)
            .map(|number| {
                let node = DagNode::builder().content(format!("extra {round} {number}"));
                node.event_type("vote").scope_id("s").timestamp(0).build().unwrap()
            })
            .collect();
        let mut changes = Changes::new();
        for node in &extra {
            changes.remove(node.cid().unwrap()).unwrap();
        }
        block_on(world.store.insert_many(extra)).unwrap();
        block_on(world.store.commit(changes)).unwrap();
        (0..20).for_each(|_| world.ask());
    }
    let mut query = WalkQuery::default();
    query.cursor = cursor.next;
    let found = [cursor.cids, world.pages(&query)].concat();
    let all = world.model.nodes.keys().copied();
    assert_eq!(found, world.model.in_order(Direction::Ancestors, all));
}

#[test]
fn a_walk_goes_on_beside_writers() {
    for direction in [Direction::Ancestors, Direction::Descendants, Direction::All] {
        let mut world = World::new();
        world.grow(150, 20);
        let staying: BTreeSet<Cid> = world.model.nodes.keys().copied().collect();
        let mut query = WalkQuery::default();
        query.direction = direction;
        query.limit = 4;
        query.starts = match direction {
            Direction::Ancestors => block_on(world.store.heads(None)).unwrap(),
            Direction::Descendants => block_on(world.store.roots(None)).unwrap(),
            Direction::All => Vec::new(),
        };
        let expected = world.model.in_order(direction, staying.iter().copied());
        let mut found = Vec::new();
        loop {
            let page = block_on(world.store.walk_page(&query)).unwrap();
            found.extend(page.cids);
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
            // Newcomers only; what was there stays.
            let parents = [world.model.some(&mut world.random)];
            let node = DagNode::builder().content(found.len() as u64).event_type("anchor");
            let node = node.scope_id("s").timestamp(9).parents(parents).build().unwrap();
            world.model.add(&node);
            block_on(world.store.insert(node)).unwrap();
        }
        let unique: BTreeSet<Cid> = found.iter().copied().collect();
        assert_eq!(unique.len(), found.len(), "no node comes twice");
        found.retain(|cid| staying.contains(cid));
        assert_eq!(found, expected);
    }
}

/// The same nodes and answers as in the JavaScript suite (`js-tests/suite/graph.mjs`).
#[test]
fn golden_answers() {
    let store = SharedDagStore::new();
    let put = |name: &str, parents: Vec<Cid>| {
        let node = DagNode::builder().content(name).event_type("receipt").scope_id("golden");
        block_on(store.insert(node.timestamp(1).parents(parents).build().unwrap())).unwrap()
    };
    let root = put("root", vec![]);
    let [left, right] = ["left", "right"].map(|name| put(name, vec![root]));
    let [one, other] = [put("one", vec![left, right]), put("other", vec![right, left])];
    let end = put("end", vec![one, other]);
    let mut golden: Vec<Cid> = GOLDEN.iter().map(|text| text.parse().unwrap()).collect();
    let all = block_on(store.topological().cids().into_future()).unwrap();
    assert_eq!(all, golden, "{:#?}", all.iter().map(Cid::to_string).collect::<Vec<_>>());
    let path = |from, to| block_on(store.path(from, to)).unwrap().unwrap();
    assert_eq!(path(end, root), [end, one, left, root]);
    assert_eq!(path(root, other), [root, right, other]);
    let bases = block_on(store.merge_bases([one, other])).unwrap();
    assert_eq!(bases, [golden[2], golden[1]]);
    golden.reverse();
    assert_eq!(block_on(store.ancestors([end]).cids().into_future()).unwrap(), golden);
}

/// `root`, then `left` and `right`, then `one` and `other`, each pair by digest, then `end`.
const GOLDEN: [&str; 6] = [
    "bafyreibaqtv2tu4vbnzqdqlwwpejie6o2otlnehnrexgdf2kv4ba6tjxdm",
    "bafyreiavxlydkff74y3cmtaa423ravctop5y35l3nnpejt6t6n7pavzshy",
    "bafyreidk4obnyxvm7dzt2mwv3a2wsqgrwvohrinfy5o225d6fowimiwh2y",
    "bafyreiczdfa7etxlhjqqly7y6l74cbnzrkng3enw7empl6ojrdngicgiwu",
    "bafyreigfzafczcd2faunly5ucwmz5rtgorbud2byiu2bwkzhgydoptwpzy",
    "bafyreie5svebm63nr7bsmu2dalymhpvvughtbulriejcdcpdtoduyvnope",
];
