//! What the service answers.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Path, Query, Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderMap, HeaderName};
use axum::http::{StatusCode, request};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, RequestExt as _, Router};
use dag_store::{
    Cid, Commit, Cursor, DagError, DagNode, DagStore, DagStoreExt as _, ListQuery, Order,
    ToCid as _,
};
use futures::{Stream, StreamExt as _, stream};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::failure::Failure;
use crate::{input, stopped};

const DAG_JSON: &str = "application/vnd.ipld.dag-json";
const DAG_CBOR: &str = "application/vnd.ipld.dag-cbor";
const CAR: &str = "application/vnd.ipld.car";
/// The header that names the state that a proof is of.
const STATE_HASH: &str = "state-hash";

/// How many nodes a page of a list has, unless it is asked for fewer.
const PAGE: usize = 1000;

type Answer<T = Response> = Result<T, Failure>;

/// What requests share.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) store: Arc<dyn DagStore>,
    pub(crate) stopping: watch::Receiver<bool>,
}

/// The service's paths.
pub(crate) fn router(service: Service, max_body: usize) -> Router {
    Router::new()
        .route("/", get(status))
        .route("/nodes", get(list).post(insert))
        .route("/nodes/{cid}", get(read).delete(remove))
        .route("/blocks/{cid}", get(read_block).put(write_block))
        .route("/heads", get(heads))
        .route("/state-hash", get(state_hash))
        .route("/proofs/{cid}", get(prove))
        .route("/car", get(export).merge(post(import)))
        .route("/watch", get(watch))
        .layer(DefaultBodyLimit::max(max_body))
        .with_state(service)
}

/// The parameters behind a path's `?`; what is wrong with them is told as all errors are.
struct Parameters<T>(T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut request::Parts, state: &S) -> Answer<Self> {
        let read: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, state).await;
        let Query(parameters) = read.map_err(|refusal| Failure::argument(refusal.body_text()))?;
        Ok(Parameters(parameters))
    }
}

/// The whole body of a request.
struct Payload(Bytes);

impl<S: Send + Sync> FromRequest<S> for Payload {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Answer<Self> {
        let read = Bytes::from_request(request, state).await;
        let bytes = read.map_err(|refusal| match refusal.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Failure::too_large(),
            _ => Failure::argument(refusal.body_text()),
        })?;
        Ok(Payload(bytes))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfScope {
    scope_id: Option<String>,
}

async fn status(State(Service { store, .. }): State<Service>) -> Answer<Json<Value>> {
    let (nodes, sequence) = (store.len(None).await?, store.sequence().await?);
    let state_hash = store.state_hash(None).await?.to_string();
    Ok(Json(json!({ "nodes": nodes, "sequence": sequence, "state_hash": state_hash })))
}

// --------------------------------------------------------------------------------------- nodes

async fn insert(
    State(Service { store, .. }): State<Service>,
    Payload(json): Payload,
) -> Answer<(StatusCode, Json<Value>)> {
    let node = input::node(&json, store.limits())?;
    let cid = store.insert(node).await?.to_string();
    Ok((StatusCode::CREATED, Json(json!({ "cid": cid }))))
}

async fn read(State(Service { store, .. }): State<Service>, Path(cid): Path<String>) -> Answer {
    let node = node(&store, &cid).await?;
    Ok(([(CONTENT_TYPE, DAG_JSON)], node.to_dag_json()?).into_response())
}

async fn remove(
    State(Service { store, .. }): State<Service>,
    Path(cid): Path<String>,
) -> Answer<StatusCode> {
    let cid = cid.to_cid()?;
    if store.remove(cid).await? { Ok(StatusCode::NO_CONTENT) } else { Err(Failure::not_found(cid)) }
}

async fn read_block(
    State(Service { store, .. }): State<Service>,
    Path(cid): Path<String>,
) -> Answer {
    let node = node(&store, &cid).await?;
    Ok(([(CONTENT_TYPE, DAG_CBOR)], node.as_bytes().to_vec()).into_response())
}

async fn write_block(
    State(Service { store, .. }): State<Service>,
    Path(cid): Path<String>,
    Payload(block): Payload,
) -> Answer<StatusCode> {
    let cid = cid.to_cid()?;
    // What its bytes don't hash to is refused.
    let node = DagNode::decode_as(&cid, &block)?;
    store.insert(node).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn node(store: &Arc<dyn DagStore>, cid: &str) -> Answer<DagNode> {
    let cid = cid.to_cid()?;
    store.get(cid).await?.ok_or_else(|| Failure::not_found(cid))
}

/// What `GET /nodes` is asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listing {
    scope_id: Option<String>,
    /// Separated by commas.
    event_types: Option<String>,
    since: Option<u64>,
    until: Option<u64>,
    after_commit: Option<u64>,
    #[serde(default)]
    by_time: bool,
    #[serde(default)]
    reverse: bool,
    limit: Option<usize>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Page {
    nodes: Vec<Listed>,
    /// Where to go on; none at the end.
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Listed {
    cid: String,
    node: Box<RawValue>,
}

async fn list(
    State(Service { store, .. }): State<Service>,
    Parameters(listing): Parameters<Listing>,
) -> Answer<Json<Page>> {
    let mut query = ListQuery::default();
    query.scope_id = listing.scope_id;
    let types = listing.event_types.iter().flat_map(|types| types.split(','));
    query.event_types = types.map(Into::into).collect();
    query.since = listing.since;
    query.until = listing.until;
    query.after_commit = listing.after_commit;
    query.order = if listing.by_time { Order::Time } else { Order::Insertion };
    query.reverse = listing.reverse;
    query.limit = listing.limit.unwrap_or(PAGE).clamp(1, PAGE);
    query.cursor = listing.cursor.map(Cursor::new);

    let page = store.list_page(&query).await?;
    let nodes = page.nodes.iter().map(listed).collect::<Answer<_>>()?;
    Ok(Json(Page { nodes, cursor: page.next.map(|cursor| cursor.to_string()) }))
}

fn listed(node: &DagNode) -> Answer<Listed> {
    let json = RawValue::from_string(node.to_dag_json()?);
    let node_json = json.map_err(|error| Failure::argument(error.to_string()))?;
    Ok(Listed { cid: node.cid()?.to_string(), node: node_json })
}

// --------------------------------------------------------------------------------------- states

async fn heads(
    State(Service { store, .. }): State<Service>,
    Parameters(OfScope { scope_id }): Parameters<OfScope>,
) -> Answer<Json<Value>> {
    let heads = store.heads(scope_id.as_deref()).await?;
    let heads: Vec<String> = heads.iter().map(ToString::to_string).collect();
    Ok(Json(json!({ "heads": heads })))
}

async fn state_hash(
    State(Service { store, .. }): State<Service>,
    Parameters(OfScope { scope_id }): Parameters<OfScope>,
) -> Answer<Json<Value>> {
    let state_hash = store.state_hash(scope_id.as_deref()).await?.to_string();
    Ok(Json(json!({ "state_hash": state_hash })))
}

async fn prove(State(Service { store, .. }): State<Service>, Path(cid): Path<String>) -> Answer {
    let proof = store.prove(&cid).await?;
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (HeaderName::from_static(STATE_HASH), proof.state_hash().to_string()),
    ];
    Ok((headers, proof.into_bytes()).into_response())
}

// ---------------------------------------------------------------------------------------- files

async fn export(
    State(Service { store, .. }): State<Service>,
    Parameters(OfScope { scope_id }): Parameters<OfScope>,
) -> Answer {
    let mut export = store.export_car();
    if let Some(scope_id) = scope_id {
        export = export.scope_id(scope_id);
    }
    let mut chunks = export.stream();
    // An error at the beginning still has a status. One later on breaks the connection off.
    let first = chunks.next().await.transpose()?.unwrap_or_default();
    let chunks = stream::iter([Ok(first)]).chain(chunks);
    Ok(([(CONTENT_TYPE, CAR)], Body::from_stream(chunks)).into_response())
}

async fn import(
    State(Service { store, .. }): State<Service>,
    request: Request,
) -> Answer<Json<Value>> {
    let chunks = request.into_limited_body().into_data_stream();
    let imported = store.import_car(chunks).await?;
    let Commit { sequence, inserted, .. } = imported.commit;
    Ok(Json(json!({ "inserted": inserted.len(), "sequence": sequence })))
}

// ----------------------------------------------------------------------------------------- news

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Watching {
    scope_id: Option<String>,
    /// The commit to begin with.
    from: Option<u64>,
}

async fn watch(
    State(Service { store, stopping }): State<Service>,
    Parameters(Watching { scope_id, from }): Parameters<Watching>,
    headers: HeaderMap,
) -> Answer<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let mut watch = store.watch();
    if let Some(scope_id) = scope_id {
        watch = watch.scope_id(scope_id);
    }
    // A browser that connects again tells what it has seen.
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse::<u64>().ok());
    if let Some(from) = seen.map(|seen| seen.saturating_add(1)).or(from) {
        // While there is still a status to say it by.
        if from > store.sequence().await?.saturating_add(1) {
            return Err(Failure::argument("there is no such commit yet"));
        }
        watch = watch.from(from);
    }
    let commits = watch
        .await?
        .map(|commit| Ok(commit.map_or_else(|error| ended(&error), |commit| news(&commit))));
    Ok(Sse::new(commits.take_until(stopped(stopping))).keep_alive(KeepAlive::default()))
}

fn news(commit: &Commit) -> Event {
    let text = |cids: &[Cid]| cids.iter().map(ToString::to_string).collect::<Vec<_>>();
    let data = json!({
        "sequence": commit.sequence,
        "inserted": text(&commit.inserted),
        "removed": text(&commit.removed),
        "state_hash": commit.state_hash.map(|hash| hash.to_string()),
    });
    Event::default().event("commit").id(commit.sequence.to_string()).data(data.to_string())
}

fn ended(error: &DagError) -> Event {
    let data = json!({ "code": error.code(), "message": error.message() });
    Event::default().event("end").data(data.to_string())
}
