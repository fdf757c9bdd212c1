//! Many processes on one journal, against each other, and killed: clients, and the server under them.
//!
//! The processes are this program again, told by a variable what to be; see [`work`].

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread;

use dag_store::{
    Changes, CommitFilter, CommitId, DagNode, ErrorKind, PostgresOptions, SharedDagStore,
};
use libtest_mimic::Trial;

use crate::server::{End, Server};
use crate::tables::{assert_equal, node};
use crate::{is_full, trial};

/// What a process is to be: its address, schema, name, how many commits it makes, 0 for endless, and how many
/// all of them make, which it waits for. The tests of the npm package start it too.
const WORK: &str = "DAG_STORE_POSTGRES_WORK";

/// How many processes race.
const PROCESSES: usize = 8;

pub(crate) fn trials(server: &Arc<Server>) -> Vec<Trial> {
    vec![
        trial(server, "eight_processes_make_one_chain", eight_processes_make_one_chain),
        trial(server, "no_commit_is_lost_where_clients_are_killed", clients_are_killed),
        trial(server, "no_commit_is_lost_where_the_server_is_killed", |_| the_server_is_killed()),
    ]
}

/// A process that commits.
struct Worker {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    fn start(server: &Server, schema: &str, name: usize, commits: usize) -> Worker {
        let work =
            format!("{} {schema} {name} {commits} {}", server.address(), PROCESSES * commits);
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut process = command.env(WORK, work).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Worker { process, lines }
    }

    /// The next line, in words; none where the process has ended.
    fn next(&mut self) -> Option<Vec<String>> {
        let line = self.lines.next()?.ok()?;
        Some(line.split(' ').map(str::to_owned).collect())
    }

    /// Kills the process, and gives the lines that it still got out.
    fn kill(mut self) -> Vec<Vec<String>> {
        self.process.kill().unwrap();
        let lines = std::iter::from_fn(|| self.next()).collect();
        self.process.wait().unwrap();
        lines
    }
}

/// What was acknowledged: which node is in which commit, with which state hash after it.
#[derive(Default)]
struct Acknowledged {
    commits: BTreeMap<i64, (String, String)>,
    /// Nodes whose commits were in doubt, and what was said of them later.
    settled: Vec<(String, bool)>,
}

impl Acknowledged {
    fn note(&mut self, line: &[String]) {
        match line {
            [ack, sequence, cid, hash] if ack == "ack" && hash.len() == 64 => {
                let commit = (cid.clone(), hash.clone());
                let before = self.commits.insert(sequence.parse().unwrap(), commit);
                assert!(before.is_none(), "commit {sequence} was acknowledged twice");
            }
            [settled, cid, is_there] if settled == "settled" => {
                if let Ok(is_there) = is_there.parse() {
                    self.settled.push((cid.clone(), is_there));
                }
            }
            // A process that is killed may leave half a line.
            _ => {}
        }
    }

    /// Checks that all of it is there, from outside: by the tables, and by opening the store anew.
    async fn check(&self, server: &Server, schema: &str) {
        let client = server.client().await;
        let question = format!(
            "SELECT commits.sequence, nodes.cid, encode(state_hash, 'hex') FROM {schema}.commits \
             JOIN {schema}.nodes USING (sequence) ORDER BY sequence"
        );
        let there: BTreeMap<i64, (String, String)> = client
            .query(&question, &[])
            .await
            .unwrap()
            .iter()
            .map(|row| (row.get(0), (row.get(1), row.get(2))))
            .collect();
        for (sequence, commit) in &self.commits {
            assert_eq!(there.get(sequence), Some(commit), "commit {sequence}");
        }
        for (cid, is_there) in &self.settled {
            assert_eq!(there.values().any(|(there, _)| there == cid), *is_there, "node {cid}");
        }
        let last = i64::try_from(there.len()).unwrap();
        assert!(there.keys().copied().eq(1..=last), "the chain has gaps");
        let store = SharedDagStore::open(server.journal(schema).await.unwrap()).await.unwrap();
        store.verify().await.unwrap();
        assert_equal(&client, schema, &store).await;
    }
}

async fn eight_processes_make_one_chain(server: Arc<Server>) {
    let commits = if is_full() { 1_000 } else { 25 };
    let workers: Vec<_> =
        (0..PROCESSES).map(|name| Worker::start(&server, "race", name, commits)).collect();
    // All are read at once: a pipe that is full would keep its process from what the others wait for.
    let said = workers.into_iter().map(|mut worker| {
        thread::spawn(move || {
            let lines: Vec<_> = std::iter::from_fn(|| worker.next()).collect();
            assert!(worker.process.wait().unwrap().success());
            lines
        })
    });
    let mut acknowledged = Acknowledged::default();
    let mut hashes = Vec::new();
    for said in said.collect::<Vec<_>>() {
        for line in said.join().unwrap() {
            match &line[..] {
                [end, hash] if end == "end" => hashes.push(hash.clone()),
                _ => acknowledged.note(&line),
            }
        }
    }
    assert_eq!(acknowledged.commits.len(), PROCESSES * commits);
    assert_eq!(hashes.len(), PROCESSES);
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{hashes:?}");
    assert_eq!(acknowledged.commits.values().next_back().unwrap().1, hashes[0]);
    acknowledged.check(&server, "race").await;
}

async fn clients_are_killed(server: Arc<Server>) {
    let kills = if is_full() { 200 } else { 12 };
    let mut acknowledged = Acknowledged::default();
    let start = |name| Worker::start(&server, "killed", name, 0);
    let mut workers = [start(0), start(1)];
    for number in 0..kills {
        let place = number % 2;
        // After so many commits of one and the other, at whatever the killed one is at then.
        for step in 0..=(number * 7) % 11 {
            let line = workers[(place + step) % 2].next().expect("a line");
            acknowledged.note(&line);
        }
        let worker = std::mem::replace(&mut workers[place], start(number + 2));
        worker.kill().iter().for_each(|line| acknowledged.note(line));
    }
    for worker in workers {
        worker.kill().iter().for_each(|line| acknowledged.note(line));
    }
    assert!(acknowledged.commits.len() >= kills);
    acknowledged.check(&server, "killed").await;
}

async fn the_server_is_killed() {
    let kills = if is_full() { 50 } else { 4 };
    // One of its own: the others' tests want theirs alive.
    let server = Server::start(&[]);
    let mut acknowledged = Acknowledged::default();
    let mut workers = [0, 1].map(|name| Worker::start(&server, "died", name, 0));
    for number in 0..kills {
        for step in 0..=(number * 5) % 13 {
            let line = workers[step % 2].next().expect("a line");
            acknowledged.note(&line);
        }
        server.end([End::Kill, End::Immediate, End::Fast][number % 3]);
        server.run();
    }
    for worker in workers {
        worker.kill().iter().for_each(|line| acknowledged.note(line));
    }
    acknowledged.check(&server, "died").await;
}

/// Whether this process is to be a worker, and if so, its work.
pub(crate) fn is_worker() -> bool {
    let Ok(work) = std::env::var(WORK) else { return false };
    let work: Vec<_> = work.split(' ').collect();
    let [address, schema, name, commits, all] = work[..] else { panic!("{work:?}") };
    let (commits, all) = (commits.parse().unwrap(), all.parse().unwrap());
    crate::RUNTIME.block_on(self::work(address, schema, name, commits, all));
    true
}

/// Commits one node at a time, and says so: `ack SEQUENCE CID HASH`. What was in doubt is settled by opening the store
/// again: `settled CID true` or `false`. At the end of a race it waits for the others, and says `end HASH`.
async fn work(address: &str, schema: &str, name: &str, commits: usize, all: u64) {
    let mut store = open(address, schema).await;
    let mut number = 0;
    while commits == 0 || number < commits {
        let node = node(format!("{name}.{}.{number}", std::process::id()), &[]);
        let id = CommitId::random();
        match commit(&store, node.clone(), id).await {
            Ok(line) => {
                say(&line);
                number += 1;
            }
            Err(ErrorKind::Contended | ErrorKind::Storage) => {}
            Err(ErrorKind::OutcomeUnknown) => {
                store = open(address, schema).await;
                let is_there = store.has_commit(&id).await.unwrap();
                say(&format!("settled {} {is_there}", node.cid().unwrap()));
                // That node's turn is over, either way.
                number += 1;
            }
            Err(ErrorKind::NeedsReopen) => store = open(address, schema).await,
            Err(kind) => panic!("{kind:?}"),
        }
    }
    let mut last = store.sequence().await.unwrap();
    while last < all {
        last = store.next_commit(last, &CommitFilter::default()).await.unwrap().sequence;
    }
    say(&format!("end {}", store.get_state_hash().await.unwrap()));
}

/// Opens the store, as soon as the server lets it.
async fn open(address: &str, schema: &str) -> SharedDagStore {
    loop {
        let options = PostgresOptions::parse(address).unwrap().schema(schema).unwrap();
        if let Ok(journal) = options.open().await
            && let Ok(store) = SharedDagStore::open(journal).await
        {
            return store;
        }
    }
}

async fn commit(store: &SharedDagStore, node: DagNode, id: CommitId) -> Result<String, ErrorKind> {
    let cid = node.cid().unwrap();
    let mut changes = Changes::new();
    changes.insert(node);
    changes.set_id(id);
    let commit = store.commit(changes).await.map_err(|error| error.kind())?;
    Ok(format!("ack {} {cid} {}", commit.sequence, commit.state_hash.unwrap()))
}

/// A line that is out before anything else happens.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}
