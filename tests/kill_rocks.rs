//! Processes that are killed while they commit to `RocksDB`. What they said was acknowledged must be there
//! afterwards, nothing may be there but a beginning of the history, and the state must be the one that the
//! last commit there left. Another process looks, before the next one opens the store and goes on.
//!
//! This program is all of them: run as `commit FOLDER` it commits until it is killed, as `check FOLDER` it
//! looks, and otherwise it is the test.

#![allow(clippy::panic, reason = "a test fails by panicking")]

#[path = "kill/history.rs"]
mod history;
#[path = "kill/witness.rs"]
mod witness;

use std::env;
use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use dag_store::{DagStore, KvDagStore, RocksEngine};
use futures::executor::block_on;
use futures::future::join_all;
use history::History;
use libtest_mimic::{Arguments, Failed, Trial};
use witness::say;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// How many commits wait together.
const GROUP: u64 = 4;
/// A new store after so many kills: looking takes longer the more is there.
const KILLS_A_STORE: usize = 10;

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let done = match (arguments.next().as_deref(), arguments.next()) {
        (Some("commit"), Some(folder)) => block_on(commit(&folder)),
        (Some("check"), Some(folder)) => block_on(check(&folder)),
        _ => {
            let kills = if env::var_os("DAG_STORE_FULL").is_some() { 300 } else { 20 };
            let name = format!("killed_{kills}_times_and_nothing_acknowledged_is_lost");
            let trial = Trial::test(name, move || {
                kill_again_and_again(kills).map_err(|error| Failed::from(error.to_string()))
            });
            return libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code();
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}

async fn open(folder: &str) -> Outcome<Arc<KvDagStore<RocksEngine>>> {
    Ok(Arc::new(KvDagStore::open(RocksEngine::open(folder).await?).await?))
}

/// Says `open N`, where N is the last commit that it found, then `ack N HASH` for each of its own.
async fn commit(folder: &str) -> Outcome {
    let store = open(folder).await?;
    let mut last = DagStore::sequence(&*store).await?;
    say(&format!("open {last}"))?;
    let mut history = History::up_to(last)?;
    loop {
        let mut group = Vec::new();
        for number in last + 1..=last + GROUP {
            let (store, changes) = (Arc::clone(&store), history.next()?);
            group.push(async move {
                let commit = DagStore::commit(&*store, changes).await?;
                let hash = commit.state_hash.ok_or("no state hash")?;
                if commit.sequence != number {
                    return Err(format!("commit {number} became {}", commit.sequence).into());
                }
                say(&format!("ack {number} {hash}"))
            });
        }
        last += GROUP;
        join_all(group).await.into_iter().collect::<Outcome<Vec<()>>>()?;
    }
}

async fn check(folder: &str) -> Outcome {
    let store = open(folder).await?;
    witness::check(&*store, folder).await?;
    Ok(store.close().await?)
}

fn kill_again_and_again(kills: usize) -> Outcome {
    let seed = SystemTime::UNIX_EPOCH.elapsed()?.subsec_nanos();
    println!("seed {seed}");
    let mut dice = Dice(seed.into());
    let (mut acknowledged, mut in_doubt) = (0, 0);
    let name = format!("dag-store-kill-rocks-{}", std::process::id());
    let folder = env::temp_dir().join(name);
    for first in (0..kills).step_by(KILLS_A_STORE) {
        // The states that were there when somebody looked: a commit that was there once stays.
        let mut known: Vec<String> = Vec::new();
        for _ in 0..KILLS_A_STORE.min(kills - first) {
            let told = run_and_kill(&folder, &mut dice)?;
            if let Some(found) = told.opened
                && found != known.len()
            {
                return Err(format!("it found {found} commits of {}", known.len()).into());
            }
            let states = look(&folder)?;
            if !states.starts_with(&known) {
                return Err("commits that were there are gone, or are others".into());
            }
            for (number, state) in &told.acknowledged {
                if states.get(number - 1) != Some(state) {
                    return Err(format!("commit {number} of {} is lost", states.len()).into());
                }
            }
            acknowledged += told.acknowledged.len();
            in_doubt += states.len() - known.len() - told.acknowledged.len();
            known = states;
        }
        fs::remove_dir_all(&folder)?;
    }
    println!("{acknowledged} commits acknowledged, {in_doubt} that were not are there");
    if acknowledged <= kills {
        return Err(format!("only {acknowledged} commits were acknowledged").into());
    }
    Ok(())
}

/// What a process said before it was killed.
struct Told {
    opened: Option<usize>,
    acknowledged: Vec<(usize, String)>,
}

/// Runs a process until it has acknowledged some commits, and a little on.
fn run_and_kill(folder: &Path, dice: &mut Dice) -> Outcome<Told> {
    // Some are killed before they have even opened the store, most in the midst of things.
    let wanted = if dice.below(10) == 0 { 0 } else { 1 + dice.below(60) };
    let mut process = Command::new(env::current_exe()?);
    process.arg("commit").arg(folder).stdout(Stdio::piped());
    let mut child = process.spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
    let mut told = Told { opened: None, acknowledged: Vec::new() };
    let mut is_killed = false;
    loop {
        if !is_killed && told.acknowledged.len() >= wanted {
            thread::sleep(Duration::from_micros(dice.below(8_000) as u64));
            child.kill()?;
            is_killed = true;
        }
        let Some(line) = lines.next() else { break };
        let line = line?;
        let mut words = line.split(' ');
        match (words.next(), words.next().map(str::parse), words.next()) {
            (Some("open"), Some(Ok(last)), None) => told.opened = Some(last),
            (Some("ack"), Some(Ok(number)), Some(hash)) => {
                told.acknowledged.push((number, hash.to_owned()));
            }
            _ => return Err(format!("it said {line:?}").into()),
        }
    }
    let status = child.wait()?;
    if is_killed { Ok(told) } else { Err(format!("it ended by itself: {status}").into()) }
}

/// The states that another process finds.
fn look(folder: &Path) -> Outcome<Vec<String>> {
    let output = Command::new(env::current_exe()?).arg("check").arg(folder).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let lines = String::from_utf8(output.stdout)?;
    let states = lines.lines().map(|line| line.split(' ').nth(2).map(str::to_owned));
    states.collect::<Option<_>>().ok_or_else(|| "a line without a state".into())
}

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound
    }
}
