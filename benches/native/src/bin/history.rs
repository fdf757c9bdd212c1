//! Whole histories walked, beside git: one of 100,000 commits, as git itself keeps it, with its commit-graph file.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use dag_store::{Cid, DagStoreExt as _, SharedDagStore};
use dag_store_benches::filled::Dice;
use dag_store_benches::measure::{Asked, Side, disk, in_turns};
use dag_store_benches::nodes::{EPOCH, inserting, node, text};
use futures::executor::block_on;

const BATCH: usize = 1_000;
/// How far back a second parent may be.
const REACH: usize = 50;

fn main() -> Result<()> {
    let asked = Asked::new();
    let (count, rounds) = (asked.many(100_000, 500), asked.many(30, 2));
    let folder = disk()?;
    let history = history(count);
    in_git(folder.path(), &history)?;
    let (store, last) = in_store(&history)?;

    let start = |_| git(folder.path(), &["rev-list", "--count", "--max-count=1", "main"]).map(drop);
    let walk = |order: Option<&str>| {
        let words = ["rev-list", "--count"].into_iter().chain(order).chain(["main"]);
        git(folder.path(), &words.collect::<Vec<_>>())
    };
    for (row, order) in [("G2", None), ("G2-topological", Some("--topo-order"))] {
        if !asked.wants(row) {
            continue;
        }
        // Counted, not printed: what is compared is the walk.
        let theirs = |_| {
            let said = walk(order)?;
            ensure!(said.trim() == count.to_string(), "git knows {said} commits");
            Ok(())
        };
        let ours = |_| {
            let found = match order {
                None => block_on(store.ancestors([last]).cids().into_future())?.len(),
                Some(_) => block_on(store.topological().cids().into_future())?.len(),
            };
            ensure!(found == count, "{found} nodes");
            Ok(())
        };
        let sides: Vec<Side<'_>> = vec![
            ("dag-store", Box::new(ours)),
            ("git", Box::new(theirs)),
            ("start", Box::new(start)),
        ];
        let figures = in_turns(rounds, 1, sides)?;
        figures.less("git", "start").times(1e-6).pair("dag-store", "git").report(row, rounds);
    }
    Ok(())
}

/// The parents of each commit, by their numbers: most have the one before, and a quarter one more.
fn history(count: usize) -> Vec<Vec<usize>> {
    let mut dice = Dice(7);
    let parents = |number: usize| {
        let second = number.checked_sub(2 + dice.below(REACH)).filter(|_| dice.below(4) == 0);
        number.checked_sub(1).into_iter().chain(second).collect()
    };
    (0..count).map(parents).collect()
}

fn in_git(folder: &Path, history: &[Vec<usize>]) -> Result<()> {
    git(folder, &["init", "--quiet", "--initial-branch=main"])?;
    let mut stream = String::new();
    for (number, parents) in history.iter().enumerate() {
        let time = EPOCH / 1_000 + number as u64;
        write!(stream, "commit refs/heads/main\nmark :{}\n", number + 1)?;
        write!(stream, "committer a <a@example.org> {time} +0000\ndata 0\n")?;
        for (place, parent) in parents.iter().enumerate() {
            writeln!(stream, "{} :{}", if place == 0 { "from" } else { "merge" }, parent + 1)?;
        }
        stream.push('\n');
    }
    let mut import = command(folder);
    import.args(["fast-import", "--quiet"]).stdin(Stdio::piped());
    let mut import = import.spawn().context("git")?;
    import.stdin.take().context("git has no input")?.write_all(stream.as_bytes())?;
    ensure!(import.wait()?.success(), "git fast-import failed");
    git(folder, &["commit-graph", "write", "--reachable"]).map(drop)
}

fn in_store(history: &[Vec<usize>]) -> Result<(Arc<SharedDagStore>, Cid)> {
    let store = Arc::new(SharedDagStore::new());
    let mut ids: Vec<Cid> = Vec::new();
    for batch in history.chunks(BATCH) {
        let mut nodes = Vec::new();
        for parents in batch {
            let parents = parents.iter().map(|&parent| ids[parent]).collect::<Vec<_>>();
            let node = node(ids.len(), &text(ids.len()), parents)?;
            ids.push(node.cid()?);
            nodes.push(node);
        }
        block_on(store.commit(inserting(nodes)))?;
    }
    Ok((store, ids.last().copied().context("there is no history")?))
}

/// What git prints.
fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = command(folder).args(arguments).output().context("git")?;
    ensure!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

fn command(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder);
    // Set inside git's hooks; they would win over the folder.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        git.env_remove(variable);
    }
    git
}
