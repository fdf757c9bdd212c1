//! The service itself, as a process of its own, asked over HTTP.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use dag_store::{DagNode, DagStoreExt as _, FileJournal, SharedDagStore, verify};
use futures::executor::block_on;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Response;

/// A service that runs, until it is dropped at the latest.
struct Service {
    child: Child,
    printed: Lines<BufReader<ChildStdout>>,
    origin: String,
    agent: Agent,
}

impl Service {
    fn start(storage: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dag-store-service"))
            .args(["--listen", "127.0.0.1:0", "--storage", storage])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut printed = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = printed.next().unwrap().unwrap();
        let origin = line.strip_prefix("listening on ").unwrap().to_owned();
        let agent = Agent::config_builder().http_status_as_error(false).build().into();
        Service { child, printed, origin, agent }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    fn get(&self, path: &str) -> Answer {
        Answer::of(self.agent.get(self.url(path)).call().unwrap())
    }

    fn post(&self, path: &str, body: &[u8]) -> Answer {
        Answer::of(self.agent.post(self.url(path)).send(body).unwrap())
    }

    fn put(&self, path: &str, body: &[u8]) -> Answer {
        Answer::of(self.agent.put(self.url(path)).send(body).unwrap())
    }

    fn delete(&self, path: &str) -> Answer {
        Answer::of(self.agent.delete(self.url(path)).call().unwrap())
    }

    /// Inserts a node; gives its CID.
    fn insert(&self, node: &Value) -> String {
        let answer = self.post("/nodes", node.to_string().as_bytes());
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["cid"].as_str().unwrap().to_owned()
    }

    fn state_hash(&self) -> String {
        self.get("/state-hash").json()["state_hash"].as_str().unwrap().to_owned()
    }

    /// Asks it to stop.
    fn terminate(&self) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
    }

    fn next_line(&mut self) -> String {
        self.printed.next().unwrap().unwrap()
    }

    /// Waits until it has stopped, and that it did so in order.
    fn stopped(mut self) {
        assert_eq!(self.printed.by_ref().map(Result::unwrap).last().as_deref(), Some("stopped"));
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    state_hash: Option<String>,
    body: Vec<u8>,
}

impl Answer {
    fn of(mut answer: Response<ureq::Body>) -> Self {
        let state_hash = answer.headers().get("state-hash");
        let state_hash = state_hash.map(|hash| hash.to_str().unwrap().to_owned());
        let body = answer.body_mut().read_to_vec().unwrap();
        Answer { status: answer.status().as_u16(), state_hash, body }
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The status, and the code of the error.
    fn refusal(&self) -> (u16, String) {
        (self.status, self.json()["code"].as_str().unwrap().to_owned())
    }
}

fn vote(number: u64) -> Value {
    json!({ "content": number, "event_type": "vote", "scope_id": "garden", "timestamp": number })
}

/// A CAR file with this many votes.
fn file_of(votes: u64) -> Vec<u8> {
    let store = Arc::new(SharedDagStore::new());
    let nodes: Vec<DagNode> = (0..votes)
        .map(|number| {
            let node = DagNode::builder().content(i128::from(number)).event_type("vote");
            node.scope_id("garden").timestamp(number).build().unwrap()
        })
        .collect();
    block_on(async {
        store.insert_many(nodes).await.unwrap();
        store.export_car().await.unwrap()
    })
}

#[test]
fn nodes_go_in_and_come_out() {
    let service = Service::start("memory", &[]);
    let first = service.insert(&vote(1));
    let second = service.insert(&json!({
        "content": { "link": { "/": first } }, "event_type": "receipt", "scope_id": "garden", "timestamp": 2,
        "parents": [{ "/": first }],
    }));
    let read = service.get(&format!("/nodes/{second}")).json();
    assert_eq!(read["parents"], json!([{ "/": first }]));
    assert_eq!(read["content"]["link"], json!({ "/": first }));

    // What one service gives as a block, another one takes.
    let block = service.get(&format!("/blocks/{first}"));
    let node = DagNode::decode(&block.body).unwrap();
    assert_eq!(node.cid().unwrap().to_string(), first);
    let other = Service::start("memory", &[]);
    assert_eq!(other.put(&format!("/blocks/{first}"), &block.body).status, 204);
    assert_eq!(
        other.put(&format!("/blocks/{second}"), &block.body).refusal(),
        (400, "ERR_INVALID_CID".into())
    );
    assert_eq!(other.get("/heads?scope_id=garden").json(), json!({ "heads": [first] }));

    let proof = service.get(&format!("/proofs/{first}"));
    assert_eq!(proof.state_hash, Some(service.state_hash()));
    let state_hash: dag_store::StateHash = service.state_hash().parse().unwrap();
    verify::verify_presence(state_hash.as_bytes(), &block.body, &proof.body).unwrap();

    assert_eq!(
        service.delete(&format!("/nodes/{first}")).refusal(),
        (409, "ERR_HAS_CHILDREN".into())
    );
    assert_eq!(service.delete(&format!("/nodes/{second}")).status, 204);
    assert_eq!(
        service.delete(&format!("/nodes/{second}")).refusal(),
        (404, "ERR_NOT_FOUND".into())
    );
    assert_eq!(service.state_hash(), other.state_hash());
}

#[test]
fn lists_are_filtered_and_come_in_pages() {
    let service = Service::start("memory", &[]);
    let cids: Vec<String> = (0..10).map(|number| service.insert(&vote(number))).collect();
    let mut listed: Vec<String> = Vec::new();
    let mut path = "/nodes?scope_id=garden&event_types=vote,receipt&since=2&limit=3".to_owned();
    loop {
        let page = service.get(&path).json();
        let nodes = page["nodes"].as_array().unwrap();
        assert!(nodes.len() <= 3);
        listed.extend(nodes.iter().map(|node| node["cid"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["cursor"].as_str() else { break };
        path = format!(
            "/nodes?scope_id=garden&event_types=vote,receipt&since=2&limit=3&cursor={cursor}"
        );
    }
    assert_eq!(listed, cids[2..]);
    let last = service.get("/nodes?scope_id=garden&by_time=true&reverse=true&limit=1").json();
    assert_eq!(last["nodes"][0]["cid"], json!(cids[9]));
    assert_eq!(last["nodes"][0]["node"], vote_with_parents(9));
    let status = service.get("/").json();
    assert_eq!((&status["nodes"], &status["sequence"]), (&json!(10), &json!(10)));
}

fn vote_with_parents(number: u64) -> Value {
    let mut vote = vote(number);
    vote["parents"] = json!([]);
    vote
}

#[test]
fn what_makes_no_sense_has_a_status_and_a_code() {
    let service = Service::start("memory", &["--max-body", "2000"]);
    let nobody = "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua";
    let orphan =
        json!({ "content": 1, "event_type": "vote", "scope_id": "s", "parents": [nobody] });
    let large = json!({ "content": "x".repeat(3000), "event_type": "vote", "scope_id": "s" });
    let answers = [
        (service.post("/nodes", b"no json"), (400, "ERR_INVALID_NODE")),
        (service.post("/nodes", b"{}"), (400, "ERR_INVALID_NODE")),
        (service.post("/nodes", br#"{"odd":1}"#), (400, "ERR_INVALID_NODE")),
        (service.post("/nodes", orphan.to_string().as_bytes()), (409, "ERR_MISSING_PARENT")),
        (service.post("/nodes", large.to_string().as_bytes()), (413, "ERR_LIMIT")),
        (service.post("/car", &file_of(100)), (413, "ERR_LIMIT")),
        (service.post("/car", b"no file"), (400, "ERR_INVALID_ARGUMENT")),
        (service.get("/nodes/what"), (400, "ERR_INVALID_CID")),
        (service.get(&format!("/nodes/{nobody}")), (404, "ERR_NOT_FOUND")),
        (service.get(&format!("/proofs/{nobody}")), (404, "ERR_NOT_FOUND")),
        (service.get("/nodes?odd=1"), (400, "ERR_INVALID_ARGUMENT")),
        (service.get("/nodes?by_time=true"), (400, "ERR_INVALID_ARGUMENT")),
        (service.get("/watch?from=7"), (400, "ERR_INVALID_ARGUMENT")),
    ];
    for (answer, (status, code)) in answers {
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{:?}", answer.json());
    }
    assert_eq!(service.get("/nothing").status, 404);
    assert_eq!(service.get("/").json()["nodes"], 0);
}

#[test]
fn files_go_from_service_to_service() {
    let [one, other] = [(); 2].map(|()| Service::start("memory", &[]));
    let imported = one.post("/car", &file_of(3000)).json();
    assert_eq!(imported, json!({ "inserted": 3000, "sequence": 1 }));
    one.insert(&json!({ "content": 1, "event_type": "vote", "scope_id": "meadow" }));
    let file = one.get("/car?scope_id=garden").body;
    assert_eq!(other.post("/car", &file).json()["inserted"], 3000);
    let of_garden = |service: &Service| service.get("/state-hash?scope_id=garden").json();
    assert_eq!(of_garden(&one), of_garden(&other));
    assert_ne!(one.state_hash(), other.state_hash());
}

#[test]
fn commits_are_told_as_they_come() {
    let mut service = Service::start("memory", &[]);
    let first = service.insert(&vote(1));
    let watch = |from: &str| {
        let request = service.agent.get(service.url("/watch?scope_id=garden&from=1"));
        let answer = request.header("last-event-id", from).call().unwrap();
        BufReader::new(answer.into_body().into_reader()).lines()
    };
    // From the first on; and from the one after the first on.
    let [mut all, mut later] = ["0", "1"].map(watch);
    assert_eq!(commit(&mut all), (1, vec![first]));
    let second = service.insert(&vote(2));
    assert_eq!(commit(&mut all), (2, vec![second.clone()]));
    assert_eq!(commit(&mut later), (2, vec![second]));
    // The streams end, so that the service can.
    service.terminate();
    assert_eq!(service.next_line(), "stopping");
    assert!(all.map_while(Result::ok).all(|line| !line.starts_with("data")));
    service.stopped();
}

/// The next commit that a stream of events tells of.
fn commit(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> (u64, Vec<String>) {
    let data =
        lines.map(Result::unwrap).find_map(|line| line.strip_prefix("data: ").map(str::to_owned));
    let commit: Value = serde_json::from_str(&data.unwrap()).unwrap();
    let inserted = commit["inserted"].as_array().unwrap();
    let cids = inserted.iter().map(|cid| cid.as_str().unwrap().to_owned()).collect();
    (commit["sequence"].as_u64().unwrap(), cids)
}

#[test]
fn what_is_under_way_when_it_is_stopped_is_finished_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("garden.dag");
    let mut service = Service::start(&format!("file:{}", path.display()), &[]);
    let file = file_of(500);
    let (begin, rest) = file.split_at(file.len() / 2);

    let mut upload = TcpStream::connect(service.origin.strip_prefix("http://").unwrap()).unwrap();
    let length = file.len();
    write!(upload, "POST /car HTTP/1.1\r\nHost: here\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n")
        .unwrap();
    let mut answer = BufReader::new(upload.try_clone().unwrap());
    let mut line = String::new();
    answer.read_line(&mut line).unwrap();
    // It is reading the body by now.
    assert!(line.starts_with("HTTP/1.1 100"), "{line}");
    upload.write_all(begin).unwrap();

    service.terminate();
    assert_eq!(service.next_line(), "stopping");
    upload.write_all(rest).unwrap();
    let mut text = String::new();
    answer.read_to_string(&mut text).unwrap();
    assert!(text.contains("HTTP/1.1 200"), "{text}");
    assert!(text.contains(r#""inserted":500"#), "{text}");
    service.stopped();

    let expected = Arc::new(SharedDagStore::new());
    block_on(expected.import_car(futures::stream::iter([std::io::Result::Ok(file)]))).unwrap();
    let expected = block_on(expected.get_state_hash()).unwrap();
    assert_eq!(state_of(&path), (500, expected.to_string()));
    // And the service itself goes on with it.
    let service = Service::start(&format!("file:{}", path.display()), &[]);
    assert_eq!(service.state_hash(), expected.to_string());
    assert_eq!(service.get("/nodes?limit=2").json()["nodes"].as_array().unwrap().len(), 2);
}

/// What a journal holds; it can be opened, so nobody has its lock.
fn state_of(path: &Path) -> (u64, String) {
    block_on(async {
        let store = SharedDagStore::open(FileJournal::open(path).await.unwrap()).await.unwrap();
        let (nodes, state_hash) =
            (store.len(None).await.unwrap(), store.state_hash(None).await.unwrap());
        store.close().await.unwrap();
        (nodes, state_hash.to_string())
    })
}

#[test]
fn a_journal_has_one_service() {
    let folder = tempfile::tempdir().unwrap();
    let storage = format!("file:{}", folder.path().join("garden.dag").display());
    let _first = Service::start(&storage, &[]);
    let second = Command::new(env!("CARGO_BIN_EXE_dag-store-service"))
        .args(["--listen", "127.0.0.1:0", "--storage", &storage])
        .output()
        .unwrap();
    assert!(!second.status.success());
    let told = String::from_utf8(second.stderr).unwrap();
    assert!(told.contains("opening the storage") && told.contains("lock"), "{told}");
}
