//! A TCP proxy before the server, which cuts connections on command.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What `COMMIT` looks like on its way to the server.
const COMMIT: &[u8] = b"COMMIT\0";

/// When a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Before the server hears of a commit.
    Before,
    /// After the server has committed, before its answer gets through.
    After,
}

#[derive(Default)]
struct State {
    /// What is to be cut, and how often.
    next: Mutex<(Option<Cut>, usize)>,
    /// Whether nobody gets through.
    is_down: AtomicBool,
    /// Whether all goes down with the next cut.
    goes_down: AtomicBool,
    cuts: AtomicUsize,
}

#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) port: u16,
    state: Arc<State>,
}

impl Proxy {
    /// A proxy for the server at this port of loopback.
    pub(crate) async fn start(to: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let proxy = Proxy { port, state: Arc::clone(&state) };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if state.is_down.load(Ordering::SeqCst) {
                    continue;
                }
                let state = Arc::clone(&state);
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await {
                        forward(client, server, &state).await;
                    }
                });
            }
        });
        proxy
    }

    /// Cuts the connections of the next commits, so many.
    pub(crate) fn cut(&self, how: Cut, times: usize) {
        *self.state.next.lock().unwrap() = (Some(how), times);
    }

    /// Lets nobody through from the next cut on.
    pub(crate) fn go_down_then(&self) {
        self.state.goes_down.store(true, Ordering::SeqCst);
    }

    /// Lets everybody through again.
    pub(crate) fn come_up(&self) {
        self.state.goes_down.store(false, Ordering::SeqCst);
        self.state.is_down.store(false, Ordering::SeqCst);
    }

    /// How many connections were cut.
    pub(crate) fn cuts(&self) -> usize {
        self.state.cuts.load(Ordering::SeqCst)
    }
}

impl State {
    fn is_cut(&self) -> Option<Cut> {
        let mut next = self.next.lock().unwrap();
        let (how, left) = *next;
        if left == 0 {
            return None;
        }
        next.1 -= 1;
        self.cuts.fetch_add(1, Ordering::SeqCst);
        if self.goes_down.load(Ordering::SeqCst) {
            self.is_down.store(true, Ordering::SeqCst);
        }
        how
    }
}

/// Passes bytes on both ways until one end closes, or the connection is cut.
async fn forward(mut client: TcpStream, mut server: TcpStream, state: &State) {
    let (mut asked, mut told) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            count = client.read(&mut asked) => {
                let Ok(count @ 1..) = count else { return };
                let bytes = &asked[..count];
                let commits = bytes.windows(COMMIT.len()).any(|it| it == COMMIT);
                let cut = if commits { state.is_cut() } else { None };
                if cut == Some(Cut::Before) || server.write_all(bytes).await.is_err() {
                    return;
                }
                if cut == Some(Cut::After) {
                    // The answer is there, so it was done.
                    drop(server.read(&mut told).await);
                    return;
                }
            }
            count = server.read(&mut told) => {
                let Ok(count @ 1..) = count else { return };
                if client.write_all(&told[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}
