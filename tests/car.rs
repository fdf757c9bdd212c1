//! CAR files of the store in memory, as large as they come, and DAG-JSON.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may panic")]

use std::io;

use dag_store::{CarWriter, Cid, DagNode, ErrorKind, Ipld, Result, SharedDagStore};
use futures::executor::block_on;
use futures::{Stream, TryStreamExt as _, stream};

fn node(number: u64, parents: &[Cid]) -> Result<DagNode> {
    DagNode::builder()
        .content(format!("node {number}"))
        .event_type("vote")
        .scope_id(if number.is_multiple_of(3) { "a" } else { "b" })
        .timestamp(number)
        .parents(parents.iter().copied())
        .build()
}

/// So many nodes, most of them with two parents.
fn nodes(count: u64) -> Result<Vec<DagNode>> {
    let mut cids: Vec<Cid> = Vec::new();
    (0..count)
        .map(|number| {
            let parents: Vec<Cid> = if number.is_multiple_of(5) {
                Vec::new()
            } else {
                let last = cids.len() - 1;
                let mut parents = vec![cids[last], cids[last / 2]];
                parents.dedup();
                parents
            };
            let node = node(number, &parents)?;
            cids.push(node.cid()?);
            Ok(node)
        })
        .collect()
}

fn chunks(file: &[u8], size: usize) -> impl Stream<Item = io::Result<&[u8]>> {
    stream::iter(file.chunks(size).map(Ok))
}

#[test]
fn a_hundred_thousand_nodes_go_from_store_to_store() -> Result<()> {
    block_on(async {
        let store = SharedDagStore::new();
        store.insert_many(nodes(100_000)?).await?;
        let replica = SharedDagStore::new();
        let imported = replica.import_car(store.export_car().stream()).await?;
        assert_eq!(imported.commit.inserted.len(), 100_000);
        assert_eq!(replica.get_state_hash().await?, store.get_state_hash().await?);
        assert_eq!(replica.list().limit(1_000).await?, store.list().limit(1_000).await?);

        Ok(())
    })
}

/// However large a file is, and in whichever order, an error names the first node whose parent is nowhere,
/// and where it stands.
#[test]
fn a_parent_that_is_nowhere_is_told_with_its_place() -> Result<()> {
    block_on(async {
        let missing = node(1_000_000, &[])?.cid()?;
        let orphans = [node(1_000_001, &[missing])?, node(1_000_002, &[missing])?];
        let mut others = nodes(20_000)?;
        // Children first.
        others.reverse();
        for place in [0, 1, 9_999, 20_000] {
            let (before, after) = others.split_at(place);
            let mut writer = CarWriter::new(&[])?;
            for node in before {
                writer.write(node);
            }
            let mut file = writer.take();
            let offset = file.len() as u64;
            for node in orphans.iter().chain(after) {
                writer.write(node);
            }
            file.extend(writer.take());
            let store = SharedDagStore::new();
            let error = store.import_car(chunks(&file, 1 << 16)).await.unwrap_err();
            assert_eq!((error.kind(), error.offset()), (ErrorKind::MissingParent, Some(offset)));
            assert_eq!(error.cid(), Some(&orphans[0].cid()?));
            assert_eq!(error.parent(), Some(&missing));
            assert_eq!(store.len(None).await?, 0);
        }
        Ok(())
    })
}

/// Chunks are small however large the store is; only a block that is larger makes a larger one.
#[test]
fn chunks_are_bounded() -> Result<()> {
    block_on(async {
        let store = SharedDagStore::new();
        store.insert_many(nodes(20_000)?).await?;
        let large =
            DagNode::builder().content("x".repeat(900_000)).event_type("vote").scope_id("a");
        store.insert(large.timestamp(0).build()?).await?;
        let mut lengths = Vec::new();
        let mut export = store.export_car().stream();
        while let Some(chunk) = export.try_next().await? {
            lengths.push(chunk.len());
        }
        let (last, others) = lengths.split_last().unwrap_or((&0, &[]));
        assert!(*last > 900_000 && others.len() > 10, "{lengths:?}");
        assert!(others.iter().all(|length| *length <= (1 << 18) + (1 << 16)), "{lengths:?}");
        Ok(())
    })
}

/// The store tidies up while nodes are exported: their places change, the file does not.
#[test]
fn an_export_survives_a_rebuild() -> Result<()> {
    block_on(async {
        let wanted = nodes(20_000)?;
        let cids = wanted.iter().map(DagNode::cid).collect::<Result<Vec<_>>>()?;
        let heads = &cids[19_000..];
        for of_heads in [false, true] {
            let store = SharedDagStore::new();
            // What comes before and after the nodes that are wanted goes while they are exported.
            let others = |range: std::ops::Range<u64>| range.map(|number| node(number, &[]));
            let before = others(1_000_000..1_060_000).collect::<Result<Vec<_>>>()?;
            store.insert_many(before.clone()).await?;
            store.insert_many(wanted.clone()).await?;
            let export = store.export_car().after_commit(1);
            let export = if of_heads { export.past_of(heads) } else { export };
            let whole = export.await?;

            let export = store.export_car().after_commit(1);
            let export = if of_heads { export.past_of(heads) } else { export };
            let mut export = export.stream();
            let mut file = export.try_next().await?.unwrap_or_default();
            assert!(file.len() < whole.len());
            let mut batch = store.begin_batch().await;
            for node in &before {
                batch.remove(node.cid()?).await?;
            }
            batch.commit().await?;
            file.extend(export.try_concat().await?);
            assert!(file == whole, "the file is another one");
        }
        Ok(())
    })
}

#[test]
fn a_removed_node_ends_the_export() -> Result<()> {
    block_on(async {
        let store = SharedDagStore::new();
        let nodes = nodes(20_000)?;
        store.insert_many(nodes.clone()).await?;
        for query in [store.export_car(), store.export_car().not_past_of([nodes[0].cid()?])] {
            let mut export = query.stream();
            export.try_next().await?;
            let last = store.list().reverse().limit(1).await?;
            store.remove(last[0].cid()?).await?;
            let error = export.try_collect::<Vec<_>>().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConditionFailed);
        }
        Ok(())
    })
}

/// An import that is dropped, or whose stream fails, leaves nothing behind.
#[test]
fn an_import_that_does_not_end_changes_nothing() -> Result<()> {
    block_on(async {
        let source = SharedDagStore::new();
        source.insert_many(nodes(500)?).await?;
        let file = source.export_car().await?;
        let store = SharedDagStore::new();
        let never = stream::iter([io::Result::Ok(&file)]).chain_pending();
        let mut import = Box::pin(store.import_car(never));
        assert!(futures::poll!(import.as_mut()).is_pending());
        drop(import);
        let fails = stream::iter([Ok(&file[..]), Err(io::Error::other("the disk is gone"))]);
        let error = store.import_car(fails).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the disk is gone");
        assert_eq!(store.len(None).await?, 0);
        store.import_car(chunks(&file, 1)).await?;
        assert_eq!(store.len(None).await?, 500);
        Ok(())
    })
}

/// A stream that waits for ever after its items.
trait ChainPending: Stream + Sized {
    fn chain_pending(self) -> stream::Chain<Self, stream::Pending<Self::Item>> {
        futures::StreamExt::chain(self, stream::pending())
    }
}

impl<S: Stream> ChainPending for S {}

/// What is written can be read by another implementation, and is the same value.
#[test]
fn dag_json_is_read_back() -> Result<()> {
    let link: Cid = node(1, &[])?.cid()?;
    let contents = [
        Ipld::Null,
        Ipld::Integer(i128::from(u64::MAX)),
        Ipld::Integer(i128::from(i64::MIN)),
        Ipld::Float(1e300),
        Ipld::Float(-0.1),
        Ipld::Float(9_007_199_254_740_992.0),
        Ipld::String("\u{0}\u{1f}\u{7f}\"\\/\u{2028}é€😀".to_owned()),
        Ipld::Bytes((0..=255).collect()),
        Ipld::List(vec![Ipld::Link(link), Ipld::List(vec![]), Ipld::Map([].into())]),
        Ipld::Map([(String::new(), Ipld::Bool(true)), ("é".to_owned(), Ipld::Null)].into()),
    ];
    for content in contents {
        let node =
            node(2, &[link])?.to_builder()?.content(content.clone()).nonce([1, 2]).build()?;
        let text = node.to_dag_json()?;
        let read: Ipld = serde_ipld_dagjson::from_slice(text.as_bytes()).expect(&text);
        let Ipld::Map(fields) = read else { panic!("{text}") };
        assert_eq!(fields.get("content"), Some(&content), "{text}");
        assert_eq!(fields.get("parents"), Some(&Ipld::List(vec![Ipld::Link(link)])));
        assert_eq!(fields.get("nonce"), Some(&Ipld::Bytes(vec![1, 2])));
        assert_eq!(fields.len(), 6, "{text}");
    }
    Ok(())
}
