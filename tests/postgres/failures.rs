//! What the database refuses, and connections that die.

use std::sync::Arc;

use dag_store::{Changes, Commit, CommitId, DagError, ErrorKind, PostgresOptions, SharedDagStore};
use libtest_mimic::Trial;

use crate::proxy::{Cut, Proxy};
use crate::server::{PASSWORD, ROLE, Server, address_of};
use crate::tables::{assert_equal, node};
use crate::{is_full, trial};

pub(crate) fn trials(server: &Arc<Server>) -> Vec<Trial> {
    vec![
        trial(server, "what_can_not_be_serialised_is_tried_again", serialised),
        trial(server, "what_never_can_ends_as_contended", contended),
        trial(server, "errors_keep_their_meaning_and_no_rows", meaning),
        trial(server, "a_connection_cut_before_the_commit", |server| cut(server, Cut::Before)),
        trial(server, "a_connection_cut_after_the_commit", |server| cut(server, Cut::After)),
        trial(server, "an_outcome_that_stays_unknown", unknown),
        trial(server, "who_waits_misses_nothing_while_cut_off", cut_off),
    ]
}

/// Makes the insertion of nodes fail with this code, so many times: counted by what no rollback takes back.
async fn fail(server: &Server, schema: &str, code: &str, times: u32) {
    let client = server.client().await;
    let sql = format!(
        "DROP TRIGGER IF EXISTS failing ON {schema}.nodes;
         CREATE SEQUENCE IF NOT EXISTS {schema}.failures;
         ALTER SEQUENCE {schema}.failures RESTART;
         CREATE OR REPLACE FUNCTION {schema}.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           IF nextval('{schema}.failures') <= {times} THEN
             RAISE EXCEPTION 'on purpose' USING ERRCODE = '{code}', DETAIL = 'a row of mine', HINT = 'my hint';
           END IF;
           RETURN NULL;
         END $$;
         CREATE TRIGGER failing AFTER INSERT ON {schema}.nodes FOR EACH STATEMENT EXECUTE FUNCTION {schema}.fail();"
    );
    client.batch_execute(&sql).await.unwrap();
}

async fn serialised(server: Arc<Server>) {
    let store = SharedDagStore::open(server.journal("serial").await.unwrap()).await.unwrap();
    for (number, code) in ["40001", "40P01", "55P03"].into_iter().enumerate() {
        fail(&server, "serial", code, 3).await;
        store.insert(node(i64::try_from(number).unwrap(), &[])).await.unwrap();
    }
    assert_eq!(store.sequence().await.unwrap(), 3);
    assert_equal(&server.client().await, "serial", &store).await;
}

async fn contended(server: Arc<Server>) {
    let store = SharedDagStore::open(server.journal("never").await.unwrap()).await.unwrap();
    fail(&server, "never", "40001", 1_000).await;
    let error = store.insert(node(1, &[])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Contended, "{error:?}");
    let client = server.client().await;
    let tried: i64 =
        client.query_one("SELECT last_value FROM never.failures", &[]).await.unwrap().get(0);
    assert_eq!(tried, 8);
    fail(&server, "never", "40001", 0).await;
    store.insert(node(1, &[])).await.unwrap();
}

/// All that an error says to whoever logs it.
pub(crate) fn words(error: &DagError) -> String {
    format!("{error} {error:?} {:?}", std::error::Error::source(error).map(ToString::to_string))
}

async fn meaning(server: Arc<Server>) {
    let store = SharedDagStore::open(server.journal("meaning").await.unwrap()).await.unwrap();
    let cases = [
        ("53100", ErrorKind::Quota),
        ("42501", ErrorKind::Storage),
        ("22000", ErrorKind::Storage),
        ("XX001", ErrorKind::Corrupt),
    ];
    for (code, kind) in cases {
        fail(&server, "meaning", code, 1).await;
        let error = store.insert(node("secret content", &[])).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        let words = words(&error);
        assert!(words.contains(code), "{words}");
        for secret in [PASSWORD, "secret content", "a row of mine", "127.0.0.1"] {
            assert!(!words.contains(secret), "{words}");
        }
    }
    store.insert(node("secret content", &[])).await.unwrap();
}

/// Opens a store whose connections go through the proxy.
async fn through(proxy: &Proxy, schema: &str) -> SharedDagStore {
    let address = address_of(ROLE, PASSWORD, proxy.port);
    let options = PostgresOptions::parse(&address).unwrap().schema(schema).unwrap();
    SharedDagStore::open(options.open().await.unwrap()).await.unwrap()
}

async fn cut(server: Arc<Server>, how: Cut) {
    let schema = format!("cut_{how:?}").to_lowercase();
    let proxy = Proxy::start(server.port).await;
    let store = through(&proxy, &schema).await;
    let times: usize = if is_full() { 50 } else { 6 };
    for number in 0..times {
        proxy.cut(how, 1 + number % 3);
        store.insert(node(i64::try_from(number).unwrap(), &[])).await.unwrap();
    }
    assert_eq!(store.sequence().await.unwrap(), times as u64);
    assert!(proxy.cuts() >= times);
    assert_equal(&server.client().await, &schema, &store).await;
}

async fn unknown(server: Arc<Server>) {
    let proxy = Proxy::start(server.port).await;
    for (number, how) in [(1, Cut::Before), (2, Cut::After)] {
        let store = through(&proxy, "unknown").await;
        let id = CommitId::from([number; 16]);
        let mut changes = Changes::new();
        changes.insert(node(i64::from(number), &[]));
        changes.set_id(id);
        proxy.go_down_then();
        proxy.cut(how, 1);
        let error = store.commit(changes).await.map(|commit: Commit| commit.sequence).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error:?}");
        assert_eq!(error.commit_id(), Some(&id));
        let error = store.insert(node(7, &[])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NeedsReopen);
        proxy.come_up();
        let store = through(&proxy, "unknown").await;
        assert_eq!(store.has_commit(&id).await.unwrap(), how == Cut::After);
    }
}

async fn cut_off(server: Arc<Server>) {
    let proxy = Proxy::start(server.port).await;
    let watching = through(&proxy, "cut_off").await;
    let writing = SharedDagStore::open(server.journal("cut_off").await.unwrap()).await.unwrap();
    let client = server.client().await;
    let filter = dag_store::CommitFilter::default();
    for number in 1..=20_u64 {
        // The server ends whoever listens, in the midst of everything.
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE query LIKE '%cut_off%journal%' AND pid <> pg_backend_pid()";
        if number % 4 == 0 {
            client.query_one(end, &[]).await.unwrap();
        }
        writing.insert(node(i64::try_from(number).unwrap(), &[])).await.unwrap();
        let commit = watching.next_commit(number - 1, &filter).await.unwrap();
        assert_eq!(commit.sequence, number);
    }
}
