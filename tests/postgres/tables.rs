//! The tables that people query: they say what the store says, and the documentation's queries work.

use std::sync::Arc;

use dag_store::{Changes, DagNode, ErrorKind, Ipld, ListQuery, Result, SharedDagStore, StateHash};
use futures::future::join_all;
use libtest_mimic::Trial;
use tokio_postgres::Client;

use crate::server::Server;
use crate::trial;

pub(crate) fn trials(server: &Arc<Server>) -> Vec<Trial> {
    vec![
        trial(server, "the_tables_follow_the_store", the_tables_follow_the_store),
        trial(server, "content_is_json_where_it_is", content_is_json_where_it_is),
        trial(server, "text_that_sql_has_no_place_for", text_that_sql_has_no_place_for),
        trial(server, "large_commits_take_several_rows", large_commits_take_several_rows),
        trial(server, "the_documented_queries_work", the_documented_queries_work),
        Trial::test("both_languages_make_the_same_tables", || {
            both_languages_make_the_same_tables();
            Ok(())
        }),
        trial(server, "tables_are_made_once", tables_are_made_once),
        trial(server, "later_tables_are_refused", later_tables_are_refused),
        trial(server, "names_are_not_sql", names_are_not_sql),
    ]
}

pub(crate) fn node(content: impl Into<Ipld>, parents: &[&DagNode]) -> DagNode {
    DagNode::builder()
        .content(content)
        .event_type("vote")
        .scope_id("a scope")
        .timestamp(1_700_000_000_000)
        .parents(parents.iter().map(|parent| parent.cid().unwrap()))
        .build()
        .unwrap()
}

/// Compares the tables with a store, row by row.
pub(crate) async fn assert_equal(client: &Client, schema: &str, store: &SharedDagStore) {
    let rows = client
        .query(
            &format!(
                "SELECT cid, scope, type, timestamp, block, ARRAY(SELECT parent FROM {schema}.edges \
                 WHERE child = cid ORDER BY place) FROM {schema}.nodes ORDER BY sequence, place"
            ),
            &[],
        )
        .await
        .unwrap();
    let mut rows = rows.iter();
    let mut query = ListQuery::default();
    loop {
        let page = store.list_page(&query).await.unwrap();
        for node in page.nodes {
            let row = rows.next().expect("a row for each node");
            assert_eq!(row.get::<_, String>(0), node.cid().unwrap().to_string());
            assert_eq!(row.get::<_, String>(1), node.scope_id());
            assert_eq!(row.get::<_, String>(2), node.event_type().to_string());
            assert_eq!(row.get::<_, i64>(3), i64::try_from(node.timestamp()).unwrap());
            assert_eq!(row.get::<_, Vec<u8>>(4), node.as_bytes());
            let parents: Vec<_> = node.parents().iter().map(ToString::to_string).collect();
            assert_eq!(row.get::<_, Vec<String>>(5), parents);
        }
        match page.next {
            Some(cursor) => query.cursor = Some(cursor),
            None => break,
        }
    }
    assert!(rows.next().is_none(), "a row that is no node of the store");
    let edges = format!(
        "SELECT count(*) FROM {schema}.edges WHERE child NOT IN (SELECT cid FROM {schema}.nodes)"
    );
    assert_eq!(client.query_one(&edges, &[]).await.unwrap().get::<_, i64>(0), 0);
    let last =
        format!("SELECT sequence, state_hash FROM {schema}.commits ORDER BY sequence DESC LIMIT 1");
    let last = client.query_opt(&last, &[]).await.unwrap();
    let sequence = last.as_ref().map_or(0, |row| row.get::<_, i64>(0));
    assert_eq!(u64::try_from(sequence).unwrap(), store.sequence().await.unwrap());
    if let Some(row) = last {
        let hash: [u8; 32] = row.get::<_, Vec<u8>>(1).try_into().unwrap();
        assert_eq!(StateHash::from(hash), store.get_state_hash().await.unwrap());
    }
}

async fn the_tables_follow_the_store(server: Arc<Server>) {
    let client = server.client().await;
    let store = SharedDagStore::open(server.journal("follow").await.unwrap()).await.unwrap();
    let [first, second] = [node(1, &[]), node(2, &[])];
    let third = node(3, &[&second, &first]);
    store.insert_many([first.clone(), second, third.clone()]).await.unwrap();
    assert_equal(&client, "follow", &store).await;
    store.remove(third.cid().unwrap()).await.unwrap();
    assert_equal(&client, "follow", &store).await;
    // Many commits at once make one group, in which a node comes, goes, and comes again.
    let again = |changes: Changes| store.commit(changes);
    let mut insert = Changes::new();
    insert.insert(third.clone());
    let mut remove = Changes::new();
    remove.remove(third.cid().unwrap()).unwrap();
    let commits = [insert.clone(), remove, insert].map(again);
    join_all(commits).await.into_iter().collect::<Result<Vec<_>>>().unwrap();
    assert_equal(&client, "follow", &store).await;
    assert!(store.checkpoint().await.unwrap());
    store.insert(node(4, &[&third])).await.unwrap();
    assert_equal(&client, "follow", &store).await;
    store.close().await.unwrap();
    let store = SharedDagStore::open(server.journal("follow").await.unwrap()).await.unwrap();
    assert_equal(&client, "follow", &store).await;
}

async fn content_is_json_where_it_is(server: Arc<Server>) {
    let store = SharedDagStore::open(server.journal("json").await.unwrap()).await.unwrap();
    let map = |value: Ipld| Ipld::Map([("a \"key\"".to_owned(), value)].into());
    let link = node(0, &[]).cid().unwrap();
    let cases = [
        (Ipld::Null, Some("null")),
        (Ipld::Bool(true), Some("true")),
        (Ipld::Integer(-7), Some("-7")),
        (Ipld::Integer(i128::from(u64::MAX)), Some("18446744073709551615")),
        (Ipld::Float(0.5), Some("0.5")),
        (Ipld::String("it's; -- \\ \u{1} é".to_owned()), Some(r#""it's; -- \\ \u0001 é""#)),
        (map(Ipld::List(vec![Ipld::Integer(1), Ipld::Null])), Some(r#"{"a \"key\"": [1, null]}"#)),
        (Ipld::Bytes(vec![1]), None),
        (map(Ipld::Link(link)), None),
        (map(Ipld::String("\0".to_owned())), None),
        (Ipld::Map([("\0".to_owned(), Ipld::Null)].into()), None),
    ];
    let client = server.client().await;
    for (content, expected) in cases {
        let node = node(content.clone(), &[]);
        store.insert(node.clone()).await.unwrap();
        let question = "SELECT content::text FROM json.nodes WHERE cid = $1";
        let cid = node.cid().unwrap().to_string();
        let row = client.query_one(question, &[&cid]).await.unwrap();
        assert_eq!(row.get::<_, Option<&str>>(0), expected, "{content:?}");
    }
}

async fn text_that_sql_has_no_place_for(server: Arc<Server>) {
    let store = SharedDagStore::open(server.journal("nul").await.unwrap()).await.unwrap();
    let node = DagNode::builder()
        .content("kept")
        .event_type("a\0b")
        .scope_id("\0")
        .timestamp((1 << 53) - 1)
        .build()
        .unwrap();
    store.insert(node.clone()).await.unwrap();
    let client = server.client().await;
    let row = client.query_one("SELECT scope, type, block FROM nul.nodes", &[]).await.unwrap();
    assert_eq!(row.get::<_, Option<&str>>(0), None);
    assert_eq!(row.get::<_, Option<&str>>(1), None);
    assert_eq!(row.get::<_, Vec<u8>>(2), node.as_bytes());
}

async fn large_commits_take_several_rows(server: Arc<Server>) {
    let store = SharedDagStore::open(server.journal("large").await.unwrap()).await.unwrap();
    let nodes = (0..24).map(|at| node(format!("{at}{}", "x".repeat(1_000_000)), &[]));
    store.insert_many(nodes).await.unwrap();
    let client = server.client().await;
    let parts = "SELECT count(*), max(octet_length(bytes)) FROM large.segments";
    let row = client.query_one(parts, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i32>(1)), (23, 1 << 20));
    assert_equal(&client, "large", &store).await;
    let again = SharedDagStore::open(server.journal("large").await.unwrap()).await.unwrap();
    assert_eq!(again.get_state_hash().await.unwrap(), store.get_state_hash().await.unwrap());
}

/// The statements in the blocks of SQL in the documentation that begin like this, about another schema.
pub(crate) fn documented(begin: &str, schema: &str) -> Vec<String> {
    let text = include_str!("../../docs/postgres.md");
    let blocks = text.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next());
    let statements = blocks.flat_map(|block| block.split(';')).map(str::trim);
    let wanted = statements.filter(|statement| statement.starts_with(begin));
    wanted.map(|statement| statement.replace("dag_store", schema)).collect()
}

async fn the_documented_queries_work(server: Arc<Server>) {
    let store = SharedDagStore::open(server.journal("queries").await.unwrap()).await.unwrap();
    let proposal = DagNode::builder()
        .content(Ipld::Map([("title".to_owned(), Ipld::from("Roof"))].into()))
        .event_type("proposal")
        .scope_id("coop")
        .timestamp(1_700_000_000_000)
        .build()
        .unwrap();
    let vote = |choice: &str| {
        DagNode::builder()
            .content(Ipld::Map([("choice".to_owned(), Ipld::from(choice))].into()))
            .event_type("vote")
            .scope_id("coop")
            .timestamp(1_700_000_000_001)
            .parents([proposal.cid().unwrap()])
            .build()
            .unwrap()
    };
    store.insert_many([proposal.clone(), vote("yes"), vote("no")]).await.unwrap();
    let client = server.client().await;
    let queries = [documented("SELECT", "queries"), documented("WITH", "queries")].concat();
    assert!(queries.len() >= 5, "{queries:?}");
    for query in queries {
        let rows = client.query(&query, &[]).await;
        let rows = rows.unwrap_or_else(|error| panic!("{query}: {error:?}"));
        assert!(!rows.is_empty(), "{query}");
    }
}

fn both_languages_make_the_same_tables() {
    let ours = include_str!("../../src/postgres_journal/schema_1.sql").trim_end();
    let theirs = include_str!("../../pkg-template/postgres-schema.js").replace("\\`", "`");
    assert!(theirs.contains(&format!("  `{ours}`,\n]")), "{theirs}");
}

async fn tables_are_made_once(server: Arc<Server>) {
    let opened = (0..16).map(|_| server.journal("once"));
    for opened in join_all(opened).await {
        opened.unwrap();
    }
    let client = server.client().await;
    let versions = client.query("SELECT version FROM once.migrations", &[]).await.unwrap();
    assert_eq!(versions.iter().map(|row| row.get(0)).collect::<Vec<i32>>(), [1]);
}

async fn later_tables_are_refused(server: Arc<Server>) {
    server.journal("later").await.unwrap();
    let client = server.client().await;
    client.batch_execute("INSERT INTO later.migrations (version) VALUES (99)").await.unwrap();
    let error = server.journal("later").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedVersion);
}

async fn names_are_not_sql(server: Arc<Server>) {
    let long = "a".repeat(64);
    for name in
        ["", "a b", "A", "1a", "a\"; DROP SCHEMA public; --", "ä", "pg.catalog", "pg_mine", &long]
    {
        let error = server.journal(name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name}");
    }
    // A word of SQL's own is a name like another.
    server.journal("select").await.unwrap();
}
