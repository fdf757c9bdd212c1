//! Least privilege, and secrets that stay secret.

use std::sync::Arc;

use dag_store::{
    DagError, Durability, ErrorKind, Journal as _, PostgresOptions, Promises, SharedDagStore,
};
use futures::executor::block_on;
use libtest_mimic::Trial;
use tokio_postgres::NoTls;

use crate::failures::words;
use crate::server::{PASSWORD, ROLE, Server, address_of};
use crate::tables::{assert_equal, documented, node};
use crate::trial;

pub(crate) fn trials(server: &Arc<Server>) -> Vec<Trial> {
    vec![
        trial(server, "the_documented_rights_are_enough", the_documented_rights_are_enough),
        trial(server, "a_role_without_rights_is_told_so", a_role_without_rights_is_told_so),
        trial(server, "no_error_tells_a_secret", no_error_tells_a_secret),
        trial(server, "tls_that_is_asked_for_is_not_done_without", tls_is_not_done_without),
        trial(server, "a_promise_is_what_the_server_keeps", a_promise_is_what_the_server_keeps),
        trial(server, "another_encoding_is_refused", another_encoding_is_refused),
        outside_of_tokio(server),
    ]
}

const SECRET: &str = "hush-77";

async fn open(server: &Server, role: &str, schema: &str) -> Result<SharedDagStore, DagError> {
    let address = address_of(role, SECRET, server.port);
    let options = PostgresOptions::parse(&address)?.schema(schema)?;
    SharedDagStore::open(options.open().await?).await
}

async fn the_documented_rights_are_enough(server: Arc<Server>) {
    let owner = SharedDagStore::open(server.journal("rights").await.unwrap()).await.unwrap();
    let client = server.client().await;
    client.batch_execute(&format!("CREATE ROLE app LOGIN PASSWORD '{SECRET}'")).await.unwrap();
    let grants = documented("GRANT", "rights");
    assert!(grants.len() >= 4, "{grants:?}");
    for grant in &grants {
        client.batch_execute(grant).await.unwrap();
    }
    let store = open(&server, "app", "rights").await.unwrap();
    let [first, second] = [node(1, &[]), node(2, &[])];
    store.insert_many([first, second.clone()]).await.unwrap();
    store.remove(second.cid().unwrap()).await.unwrap();
    assert!(store.checkpoint().await.unwrap());
    store.insert(node(3, &[])).await.unwrap();
    assert!(store.checkpoint().await.unwrap());
    assert!(store.status().await.unwrap().medium.bytes_used.unwrap() > 0);
    owner.insert(node(4, &[])).await.unwrap();
    store.next_commit(3, &dag_store::CommitFilter::default()).await.unwrap();
    let again = open(&server, "app", "rights").await.unwrap();
    assert_equal(&client, "rights", &again).await;

    let address = address_of("app", SECRET, server.port);
    let (restricted, connection) = tokio_postgres::connect(&address, NoTls).await.unwrap();
    tokio::spawn(connection);
    for beyond in [
        "CREATE TABLE rights.mine (one int)",
        "CREATE SCHEMA mine",
        "DROP TABLE rights.nodes",
        "TRUNCATE rights.nodes",
        "UPDATE rights.nodes SET type = 'other'",
        "UPDATE rights.commits SET sequence = 0",
        "INSERT INTO rights.migrations (version) VALUES (9)",
    ] {
        let error = restricted.batch_execute(beyond).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "42501", "{beyond}");
    }
}

async fn a_role_without_rights_is_told_so(server: Arc<Server>) {
    let client = server.client().await;
    client.batch_execute(&format!("CREATE ROLE nobody LOGIN PASSWORD '{SECRET}'")).await.unwrap();
    server.journal("closed").await.unwrap();
    for schema in ["closed", "not_there"] {
        let error = open(&server, "nobody", schema).await.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert!(error.message().contains("docs/postgres.md"), "{error}");
        assert!(!words(&error).contains(SECRET));
    }
}

async fn no_error_tells_a_secret(server: Arc<Server>) {
    let wrong = "open-barley";
    let mut errors = Vec::new();
    for address in [
        format!("postgres://{ROLE}:{wrong}@127.0.0.1:{wrong}/x"),
        format!("host=127.0.0.1 password={wrong} {wrong}"),
        format!("password='{wrong}"),
        format!("postgres://{ROLE}:{wrong}@127.0.0.1:{}/x?sslmode={wrong}", server.port),
    ] {
        errors.push(PostgresOptions::parse(&address).map(drop).unwrap_err());
    }
    let refused = address_of(ROLE, wrong, server.port);
    let options = PostgresOptions::parse(&refused).unwrap();
    assert!(!format!("{options:?}").contains(wrong));
    errors.push(options.open().await.map(drop).unwrap_err());
    let nowhere = address_of(ROLE, wrong, 1);
    errors.push(PostgresOptions::parse(&nowhere).unwrap().open().await.map(drop).unwrap_err());
    for error in errors {
        assert!(!words(&error).contains(wrong), "{error:?}");
    }
    let journal = server.journal("debug").await.unwrap();
    let store = SharedDagStore::open(journal).await.unwrap();
    store.insert(node(1, &[])).await.unwrap();
    let journal = server.journal("debug").await.unwrap();
    assert_eq!(format!("{journal:?}"), r#"PostgresJournal { schema: "debug", .. }"#);
    for text in [format!("{store:?}"), server.log()] {
        assert!(!text.contains(PASSWORD), "{text}");
    }
}

async fn tls_is_not_done_without(server: Arc<Server>) {
    let address = server.address() + "&sslmode=require";
    let error = PostgresOptions::parse(&address).unwrap().open().await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage, "{error:?}");
}

async fn a_promise_is_what_the_server_keeps(server: Arc<Server>) {
    let durability = |promises: Promises| promises.durability;
    let strict = server.journal("strict").await.unwrap();
    assert_eq!(durability(strict.promises()), Durability::Strict);
    let options = PostgresOptions::parse(&server.address()).unwrap();
    let relaxed = options.schema("strict").unwrap().durability(Durability::Relaxed);
    assert_eq!(durability(relaxed.open().await.unwrap().promises()), Durability::Relaxed);
    let careless = Server::start(&["fsync=off"]);
    let journal = careless.journal("any").await.unwrap();
    assert_eq!(durability(journal.promises()), Durability::Relaxed);
}

async fn another_encoding_is_refused(server: Arc<Server>) {
    let client = server.client().await;
    let sql = "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0";
    client.batch_execute(sql).await.unwrap();
    let address = server.address().replace("/postgres?", "/latin?");
    let error = PostgresOptions::parse(&address).unwrap().open().await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

/// A journal needs a runtime of tokio's, and says so.
fn outside_of_tokio(server: &Arc<Server>) -> Trial {
    let server = Arc::clone(server);
    Trial::test("without_a_runtime_nothing_is_opened", move || {
        let error = block_on(server.journal("outside")).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        Ok(())
    })
}
