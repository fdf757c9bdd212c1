//! A DAG store behind HTTP: an example of a native service, whose storage is chosen when it is started.
//!
//! ```sh
//! cargo run --package dag-store-service -- --storage file:garden.dag --listen 127.0.0.1:8080
//! curl 127.0.0.1:8080/nodes --json '{"content":"Plant an orchard","event_type":"proposal","scope_id":"garden"}'
//! ```
//!
//! It has no access control and no TLS; put it behind something that has.

mod api;
mod failure;
mod input;
mod storage;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::api::Service;
use crate::storage::STORAGES;

/// How long requests may take that are under way when the service is stopped.
const GRACE: Duration = Duration::from_secs(30);

/// Serves a DAG store over HTTP.
#[derive(Debug, Parser)]
struct Arguments {
    #[arg(long, default_value = "memory", help = format!("Where nodes are kept: {STORAGES}"))]
    storage: String,
    /// The address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The largest body of a request, in bytes
    #[arg(long, default_value_t = 64 << 20)]
    max_body: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let Arguments { storage, listen, max_body } = Arguments::parse();
    // What stands behind the colon may hold a password, and is not repeated.
    let store = storage::open(&storage).await.context("opening the storage")?;
    let listener =
        TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
    let (stop, stopping) = watch::channel(false);
    let mut signals = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
    println!("listening on http://{}", listener.local_addr()?);

    let app = api::router(Service { store: store.clone(), stopping: stopping.clone() }, max_body);
    let serving = axum::serve(listener, app).with_graceful_shutdown(stopped(stopping.clone()));
    let waiting = async {
        let [terminate, interrupt] = &mut signals;
        if let (Ok(terminate), Ok(interrupt)) = (terminate, interrupt) {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        }
        println!("stopping");
        // Streams of news end, and connections once their requests have their answers.
        stop.send_replace(true);
    };
    let mut serving = std::pin::pin!(serving.into_future());
    let served = tokio::select! {
        served = &mut serving => served,
        () = waiting => timeout(GRACE, serving).await.unwrap_or(Ok(())),
    };
    // Whatever was acknowledged is on its medium by now; this lets go of the lock.
    store.close().await.context("closing the store")?;
    served.context("serving")?;
    println!("stopped");
    Ok(())
}

/// Waits until the service is to stop.
pub(crate) async fn stopped(mut stopping: watch::Receiver<bool>) {
    // That nobody can say so any more means the same.
    stopping.wait_for(|stopping| *stopping).await.map(drop).unwrap_or_default();
}
