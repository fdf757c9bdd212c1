//! Word of other writers' commits.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use event_listener::Event;
use futures::future::select;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{AsyncMessage, Config, Socket};

use crate::news;
use crate::postgres_journal::database::pause;
use crate::postgres_journal::failure::Failure;

/// How often the connection is tried out: one that went without a word says nothing by itself.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The last commit that was heard of.
#[derive(Debug, Default)]
pub(super) struct Heard {
    last: AtomicU64,
    event: Event,
}

impl Heard {
    /// Tells of a commit.
    fn tell(&self, sequence: u64) {
        self.last.fetch_max(sequence, Ordering::AcqRel);
        self.event.notify(usize::MAX);
    }

    /// Lets go all who wait, now and from now on.
    pub(super) fn end(&self) {
        self.tell(u64::MAX);
    }

    pub(super) async fn after(&self, sequence: u64) {
        news::heard(&self.event, &|| self.last.load(Ordering::Acquire) > sequence).await;
    }
}

/// What is listened for, and where.
#[derive(Clone)]
pub(super) struct Listening<T> {
    pub(super) config: Config,
    pub(super) tls: T,
    /// Whose commits: notifications carry the schema's name, a space and the number.
    pub(super) schema: String,
    /// The statement that gives the number of the last commit.
    pub(super) last: String,
}

/// Listens for as long as anybody may want to know, whatever becomes of connections. What is committed while there is
/// none is found by asking for the last commit once the next one listens.
pub(super) async fn listen<T>(listening: Listening<T>, heard: Arc<Heard>)
where
    T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
    T::Stream: Send + Sync,
    T::TlsConnect: Send + Sync,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let mut tries = 0;
    loop {
        // Why it ended tells whoever next uses the database too.
        if listen_once(&listening, &heard, &mut tries).await.is_err() {
            pause(tries).await;
            tries += 1;
        }
    }
}

async fn listen_once<T>(
    listening: &Listening<T>,
    heard: &Heard,
    tries: &mut u32,
) -> Result<(), Failure>
where
    T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
    T::Stream: Send + Sync,
    T::TlsConnect: Send + Sync,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let (client, mut connection) = listening.config.connect(listening.tls.clone()).await?;
    let messages = async {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            let AsyncMessage::Notification(notification) = message? else { continue };
            let (schema, number) = notification.payload().rsplit_once(' ').unwrap_or_default();
            if schema == listening.schema {
                heard.tell(number.parse().unwrap_or(0));
            }
        }
        Ok::<_, Failure>(())
    };
    let questions = async {
        client.batch_execute("LISTEN dag_store").await?;
        loop {
            let asked = client.query_typed_one(&listening.last, &[]);
            let Ok(row) = tokio::time::timeout(HEARTBEAT, asked).await else { return Ok(()) };
            heard.tell(u64::try_from(row?.try_get::<_, i64>(0)?).unwrap_or(0));
            *tries = 0;
            tokio::time::sleep(HEARTBEAT).await;
        }
    };
    select(pin!(messages), pin!(questions)).await.factor_first().0
}
