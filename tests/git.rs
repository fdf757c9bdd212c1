//! The graph's answers, held against git's own.
//!
//! Histories are imported node by node; then the same questions go to the store and to the `git`
//! command: `rev-list` with and without excluded commits, `rev-list --max-count`, `merge-base --all`,
//! `merge-base --all --octopus`, `merge-base --is-ancestor`. Printed (`--nocapture`) is how many
//! answers were compared.
//!
//! The repositories: this one, those that `GRAPH_REPOSITORIES` names (paths, with `:` between them), and
//! generated ones of shapes that people's histories seldom have.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dag_store::{Cid, DagNode, SharedDagStore};
use futures::executor::block_on;

/// A history as git knows it, and the store that it was imported into.
struct History {
    repository: PathBuf,
    store: SharedDagStore,
    /// Commits, parents first.
    commits: Vec<String>,
    cids: HashMap<String, Cid>,
    names: HashMap<Cid, String>,
    compared: Compared,
}

/// How many answers were compared.
#[derive(Default)]
struct Compared {
    ancestors: usize,
    ranges: usize,
    ancestry: usize,
    bases: usize,
    octopus: usize,
    several: usize,
}

/// `SplitMix64`.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }
}

#[test]
fn of_this_repository() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    // A crate that was unpacked from a registry has no history.
    let is_one = git(here).args(["rev-parse", "--git-dir"]).output().unwrap().status.success();
    if is_one {
        check("this repository", here, 100);
    }
    for path in std::env::var("GRAPH_REPOSITORIES").unwrap_or_default().split(':') {
        if !path.is_empty() {
            check(path, Path::new(path), 400);
        }
    }
}

#[test]
fn of_criss_cross_merges() {
    // Two branches that merge each other again and again, so that all have two best common ancestors.
    let mut parents: Vec<Vec<usize>> = vec![vec![], vec![0], vec![0]];
    while parents.len() < 120 {
        let newest = parents.len() - 1;
        match parents.len() % 4 {
            3 => parents.push(vec![newest - 1, newest]),
            0 => parents.push(vec![newest - 1, newest - 2]),
            _ => parents.push(vec![newest - 1]),
        }
    }
    check_generated("criss-cross", &parents);
}

#[test]
fn of_octopus_merges() {
    let mut dice = Dice(3);
    let mut parents: Vec<Vec<usize>> = vec![vec![]];
    while parents.len() < 200 {
        // A fan, and a merge of all of it; now and then a root that joins later.
        let base = parents.len() - 1;
        let fan = 2 + dice.below(9);
        for _ in 0..fan {
            let root = dice.below(12) == 0;
            parents.push(if root { vec![] } else { vec![base - dice.below(base.min(4) + 1)] });
        }
        parents.push((base + 1..=base + fan).collect());
    }
    check_generated("octopus", &parents);
}

#[test]
fn of_random_meshes() {
    for (seed, window, most) in [(1, 3, 2), (2, 8, 3), (3, 40, 4), (4, 200, 2)] {
        let mut dice = Dice(seed);
        let mut parents: Vec<Vec<usize>> = Vec::new();
        for number in 0..200_usize {
            let mut of_it = BTreeSet::new();
            if dice.below(25) > 0 {
                for _ in 0..(1 + dice.below(most)).min(number) {
                    of_it.insert(number - 1 - dice.below(number.min(window)));
                }
            }
            parents.push(of_it.into_iter().rev().collect());
        }
        check_generated(&format!("mesh {seed}"), &parents);
    }
}

/// Makes a repository of this shape, and compares all answers about it.
fn check_generated(name: &str, parents: &[Vec<usize>]) {
    let path = std::env::temp_dir().join(format!("dag-store-{}-{name}", std::process::id()));
    let path = Scratch(path.clone());
    let status = Command::new("git").args(["init", "--quiet", "--bare"]).arg(&path.0).status();
    assert!(status.unwrap().success());
    let mut stream = String::new();
    for (number, of_it) in parents.iter().enumerate() {
        // Many at a time; but where clocks go backwards, git's own ranges are wrong.
        let time = 1_000_000_000 + number / 4;
        let message = format!("commit {number}");
        writeln!(stream, "commit refs/heads/b{number}\nmark :{}", number + 1).unwrap();
        writeln!(stream, "committer A <a@example.org> {time} +0000").unwrap();
        writeln!(stream, "data {}\n{message}", message.len()).unwrap();
        for (at, parent) in of_it.iter().enumerate() {
            let word = if at == 0 { "from" } else { "merge" };
            writeln!(stream, "{word} :{}", parent + 1).unwrap();
        }
        stream.push('\n');
    }
    let mut import = git(&path.0);
    let import = import.args(["fast-import", "--quiet", "--done"]).stdin(Stdio::piped()).spawn();
    let mut import = import.unwrap();
    stream.push_str("done\n");
    import.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
    check(name, &path.0, 100);
}

/// A folder that is removed in the end.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

fn check(name: &str, repository: &Path, questions: usize) {
    let mut history = History::import(repository);
    let mut dice = Dice(questions as u64);
    history.check_whole();
    for _ in 0..questions {
        history.check_ranges(&mut dice);
        history.check_pair(&mut dice);
    }
    for _ in 0..questions / 3 {
        history.check_octopus(&mut dice);
    }
    let Compared { ancestors, ranges, ancestry, bases, octopus, several } = history.compared;
    println!(
        "{name}: {} commits; {ancestors} walks and {ranges} ranges, {ancestry} answers of is_ancestor, {bases} \
         merge-base and {octopus} octopus, {several} with several bases",
        history.commits.len()
    );
    assert!(ancestors >= questions && ranges >= questions && ancestry >= 2 * questions);
}

impl History {
    fn import(repository: &Path) -> Self {
        let log = output(git(repository).args([
            "log",
            "--all",
            "--topo-order",
            "--reverse",
            "--format=%H%x09%P%x09%ct",
        ]));
        let mut history = History {
            repository: repository.to_owned(),
            store: SharedDagStore::new(),
            commits: Vec::new(),
            cids: HashMap::new(),
            names: HashMap::new(),
            compared: Compared::default(),
        };
        let mut nodes = Vec::new();
        for line in log.lines() {
            let [name, parents, time] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
            let parents = parents.split_whitespace().map(|parent| history.cids[parent]);
            let node = DagNode::builder()
                .content(name)
                .event_type("receipt")
                .scope_id("git")
                .timestamp(time.parse().unwrap())
                .parents(parents)
                .build()
                .unwrap();
            let cid = node.cid().unwrap();
            nodes.push(node);
            history.commits.push(name.to_owned());
            history.cids.insert(name.to_owned(), cid);
            history.names.insert(cid, name.to_owned());
        }
        block_on(history.store.insert_many(nodes)).unwrap();
        history
    }

    fn git(&self) -> Command {
        git(&self.repository)
    }

    fn some(&self, dice: &mut Dice, count: usize) -> Vec<String> {
        (0..count).map(|_| self.commits[dice.below(self.commits.len())].clone()).collect()
    }

    fn cids_of(&self, names: &[String]) -> Vec<Cid> {
        names.iter().map(|name| self.cids[name]).collect()
    }

    fn names_of(&self, cids: &[Cid]) -> BTreeSet<String> {
        let names: BTreeSet<String> = cids.iter().map(|cid| self.names[cid].clone()).collect();
        assert_eq!(names.len(), cids.len(), "no node comes twice");
        names
    }

    /// Checks that parents come after their children, or before them.
    fn assert_topological(&self, cids: &[Cid], parents_first: bool) {
        let place: HashMap<&Cid, usize> = cids.iter().zip(0..).collect();
        for cid in cids {
            for parent in block_on(self.store.parents(cid)).unwrap() {
                if let Some(parent) = place.get(&parent) {
                    assert_eq!(*parent < place[cid], parents_first);
                }
            }
        }
    }

    /// All of it, both ways.
    fn check_whole(&mut self) {
        let expected: BTreeSet<String> = self.commits.iter().cloned().collect();
        let heads = block_on(self.store.heads(None)).unwrap();
        let ancestors = block_on(self.store.ancestors(&heads).cids().into_future()).unwrap();
        assert_eq!(self.names_of(&ancestors), expected);
        self.assert_topological(&ancestors, false);
        let all = block_on(self.store.topological().cids().into_future()).unwrap();
        assert_eq!(all, ancestors.into_iter().rev().collect::<Vec<_>>());
        let roots = block_on(self.store.roots(None)).unwrap();
        let log = output(self.git().args(["rev-list", "--all", "--max-parents=0"]));
        assert_eq!(self.names_of(&roots), log.lines().map(str::to_owned).collect());
        let descendants = block_on(self.store.descendants(&roots).cids().into_future()).unwrap();
        assert_eq!(descendants, all);
    }

    /// Some commits' past, and the range of some that is not in the past of others.
    fn check_ranges(&mut self, dice: &mut Dice) {
        let [starts, excluded] = [3, 2].map(|most| {
            let count = 1 + dice.below(most);
            self.some(dice, count)
        });
        let past = output(self.git().arg("rev-list").args(&starts));
        let found = block_on(self.store.ancestors(self.cids_of(&starts)).cids().into_future());
        assert_eq!(self.names_of(&found.unwrap()), past.lines().map(str::to_owned).collect());
        self.compared.ancestors += 1;

        let without = excluded.iter().map(|name| format!("^{name}"));
        let range = output(self.git().arg("rev-list").args(&starts).args(without));
        let walk = self.store.ancestors(self.cids_of(&starts)).excluding(self.cids_of(&excluded));
        let found = block_on(walk.cids().into_future()).unwrap();
        self.assert_topological(&found, false);
        assert_eq!(self.names_of(&found), range.lines().map(str::to_owned).collect());
        self.compared.ranges += 1;

        let symmetric = format!("{}...{}", starts[0], excluded[0]);
        let sides = output(self.git().args(["rev-list", "--left-right", &symmetric]));
        let diff = self.store.diff([self.cids[&starts[0]]], [self.cids[&excluded[0]]]).unwrap();
        for (mark, walk) in [('<', diff.left), ('>', diff.right)] {
            let expected = sides.lines().filter_map(|line| line.strip_prefix(mark));
            let found = block_on(walk.cids().into_future()).unwrap();
            assert_eq!(self.names_of(&found), expected.map(str::to_owned).collect());
        }
        self.compared.ranges += 2;
    }

    /// The merge bases of two commits, and which is an ancestor of which.
    fn check_pair(&mut self, dice: &mut Dice) {
        let mut pair = self.some(dice, 2);
        if dice.below(2) == 0 {
            // One that isn't far from the first, in an order that keeps branches together.
            let at = self.commits.iter().position(|name| *name == pair[0]).unwrap();
            pair[1].clone_from(&self.commits[at.saturating_sub(dice.below(9))]);
        }
        for [one, other] in [[0, 1], [1, 0], [0, 0]].map(|pair_at| pair_at.map(|at| &pair[at])) {
            let mut ask = self.git();
            let answer = ask.args(["merge-base", "--is-ancestor", one, other]).status().unwrap();
            let asked = self.store.is_ancestor(self.cids[one], self.cids[other]);
            assert_eq!(block_on(asked).unwrap(), answer.success(), "{one} of {other}");
            self.compared.ancestry += 1;
            let path = block_on(self.store.path(self.cids[one], self.cids[other])).unwrap();
            if answer.success() {
                let ends = path.unwrap();
                assert_eq!((ends[0], ends[ends.len() - 1]), (self.cids[one], self.cids[other]));
            }
        }
        let found = self.bases(&pair, &[]);
        self.compared.bases += 1;
        self.compared.several += usize::from(found > 1);
    }

    /// The best common ancestors of several commits.
    fn check_octopus(&mut self, dice: &mut Dice) {
        let count = 2 + dice.below(4);
        let names = self.some(dice, count);
        let found = self.bases(&names, &["--octopus"]);
        self.compared.octopus += 1;
        self.compared.several += usize::from(found > 1);
    }

    fn bases(&self, names: &[String], how: &[&str]) -> usize {
        // It fails where there are none, and says nothing.
        let mut ask = self.git();
        let answer = ask.args(["merge-base", "--all"]).args(how).args(names).output().unwrap();
        let answer = String::from_utf8(answer.stdout).unwrap();
        let found = block_on(self.store.merge_bases(self.cids_of(names))).unwrap();
        let expected: BTreeSet<String> = answer.lines().map(str::to_owned).collect();
        assert_eq!(self.names_of(&found), expected, "{names:?}");
        found.len()
    }
}

fn git(repository: &Path) -> Command {
    let mut git = Command::new("git");
    git.arg("-C").arg(repository);
    // Set inside git's hooks; they would win over the path.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        git.env_remove(variable);
    }
    git
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
