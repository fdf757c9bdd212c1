//! What calls answer, as bytes: a byte that tells success from failure, then the one or the other.
//! `answer.js` reads it. Numbers are little endian, CIDs are base32 text.

use std::error::Error as _;
use std::future::{Future, ready};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures::FutureExt as _;
use js_sys::Uint8Array;
use wasm_bindgen_futures::future_to_promise;

use super::promise::hand_over;
use super::scratch;
use crate::arena::Record;
use crate::digest::{Digest, hex};
use crate::id::{self, CID_TEXT};
use crate::pace::{self, Pace};
use crate::platform;
use crate::state::State;
use crate::{
    Cid, Commit, DagError, DagNode, Page, Proof, Result, SharedDagStore, StateHash, Verified,
};

/// Bytes of a count.
const COUNT: usize = 4;
/// Enough bytes for hashes, ids and cursors.
pub(super) const SMALL: usize = 1 << 8;
/// How many items are written in one go.
pub(super) const PIECE: usize = 1 << 10;

const DONE: u8 = 0;
const FAILED: u8 = 1;

/// What is longer than this is written at a pace.
const LONG: usize = 1 << 16;

/// Something that can be answered.
pub(super) trait Answer {
    /// How many bytes it has at most.
    fn bytes(&self) -> usize;

    /// Writes it.
    fn write(&self, out: &mut Vec<u8>) {
        let mut piece = 0;
        while self.write_piece(piece, out) {
            piece += 1;
        }
    }

    /// Writes a piece of it; tells whether there are more.
    fn write_piece(&self, piece: usize, out: &mut Vec<u8>) -> bool;
}

type Boxed = Box<dyn Answer>;

/// Answers with what a future gives: at once where it is ready, else with a Promise of the bytes; tells
/// whether the caller has to wait.
pub(super) fn settle<T: Answer + 'static>(
    future: impl Future<Output = Result<T>> + 'static,
) -> bool {
    settle_boxed(Box::pin(async move { Ok(Box::new(future.await?) as Boxed) }))
}

/// One for all kinds of answers, since what is made for each is in the wasm fifty times.
fn settle_boxed(mut future: Pin<Box<dyn Future<Output = Result<Boxed>>>>) -> bool {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(value)) if value.bytes() > LONG => reply_slowly(value),
        Poll::Ready(result) => reply(&result),
        // The waker that did nothing is replaced when the promise's task polls the future again.
        Poll::Pending => promise(Box::pin(answer(future))),
    }
}

/// Answers with what is read from the state: at once, unless a commit has that to itself. `read` writes
/// the answer by [`write_done`], straight from where it lies.
pub(super) fn settle_read(
    store: &SharedDagStore,
    read: impl Fn(&State) -> Result<()> + 'static,
) -> bool {
    match store.read(&read).now_or_never() {
        Some(result) => wrote(result.and_then(|read| read)),
        None => wait_and_read(store.clone(), Box::new(read)),
    }
}

type Read = Box<dyn Fn(&State) -> Result<()>>;

fn wait_and_read(store: SharedDagStore, read: Read) -> bool {
    settle_written(async move { store.read(read).await? })
}

/// Answers with what was written, if there was no error.
fn wrote(result: Result<()>) -> bool {
    result.is_err_and(|error| reply::<()>(&Err(error)))
}

/// Answers with something long: at once unless there are pauses to be made.
fn reply_slowly(value: Boxed) -> bool {
    let mut answering = Box::pin(answer(Box::pin(ready(Ok(value)))));
    match answering.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(bytes) => {
            scratch::put(bytes);
            false
        }
        Poll::Pending => promise(answering),
    }
}

fn promise(answering: Pin<Box<dyn Future<Output = Vec<u8>>>>) -> bool {
    let answered = answering.map(|bytes| Ok(Uint8Array::from(bytes.as_slice()).into()));
    hand_over(&future_to_promise(answered))
}

async fn answer(future: Pin<Box<dyn Future<Output = Result<Boxed>>>>) -> Vec<u8> {
    let mut out = Vec::new();
    match future.await {
        Ok(value) => {
            let mut pace = Pace::default();
            out.reserve_exact(1 + value.bytes());
            out.push(DONE);
            for piece in 0.. {
                let before = out.len();
                if !value.write_piece(piece, &mut out) {
                    break;
                }
                pace.went_on(PIECE / 2 + pace::to_copy(out.len() - before)).await;
            }
        }
        Err(error) => write_failed(&error, &mut out),
    }
    out
}

/// Like [`settle`], for a future that writes its answer itself by [`write_done`], straight from where it
/// lies.
pub(super) fn settle_written(future: impl Future<Output = Result<()>> + 'static) -> bool {
    let mut future = Box::pin(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => wrote(result),
        Poll::Pending => hand_over(&future_to_promise(async move {
            if let Err(error) = future.await {
                reply::<()>(&Err(error));
            }
            // Nothing else has run since the answer was written.
            Ok(scratch::answered(|bytes| Uint8Array::from(bytes)).into())
        })),
    }
}

/// Passes a result on if there is memory for telling of it. Not for what has changed something: that
/// can't be taken back, so its answer's memory was seen to before.
pub(super) fn if_there_is_room<T: Answer>(result: Result<T>) -> Result<T> {
    let value = result?;
    platform::reserve(value.bytes())?;
    Ok(value)
}

/// Writes an answer that is no error, of so many bytes at most.
pub(super) fn write_done(bytes: usize, answer: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
    if !scratch::has_room(1 + bytes) {
        platform::reserve(1 + bytes)?;
    }
    scratch::write(1 + bytes, |out| {
        out.push(DONE);
        answer(out);
    });
    Ok(())
}

/// Answers at once; `false`: nothing has to wait.
pub(super) fn reply<T: Answer>(result: &Result<T>) -> bool {
    match result {
        Ok(value) => scratch::write(1 + value.bytes(), |out| {
            out.push(DONE);
            value.write(out);
        }),
        Err(error) => scratch::write(0, |out| write_failed(error, out)),
    }
    false
}

fn write_failed(error: &DagError, out: &mut Vec<u8>) {
    out.push(FAILED);
    write_error(error, out);
}

/// The code, the message, and what the error speaks of; each may be empty.
pub(super) fn write_error(error: &DagError, out: &mut Vec<u8>) {
    let offset = error.offset().map(|offset| offset.to_string()).unwrap_or_default();
    // The first cause says most: what comes between says the same in other words.
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    let source = causes.last().map(ToString::to_string).unwrap_or_default();
    write_text(error.code(), out);
    write_text(error.message(), out);
    write_known_cid(error.cid(), out);
    write_known_cid(error.parent(), out);
    write_hex(error.commit_id().map_or(&[][..], |id| id.as_bytes()), out);
    write_text(&offset, out);
    write_text(&source, out);
}

/// Writes an answer that is no error, if there is memory for it.
pub(super) fn write_value(value: &impl Answer) -> Result<()> {
    write_done(value.bytes(), |out| value.write(out))
}

impl Answer for Boxed {
    fn bytes(&self) -> usize {
        (**self).bytes()
    }

    fn write_piece(&self, piece: usize, out: &mut Vec<u8>) -> bool {
        (**self).write_piece(piece, out)
    }
}

impl Answer for () {
    fn bytes(&self) -> usize {
        0
    }

    fn write_piece(&self, _: usize, _: &mut Vec<u8>) -> bool {
        false
    }
}

impl Answer for bool {
    fn bytes(&self) -> usize {
        1
    }

    fn write_piece(&self, _: usize, out: &mut Vec<u8>) -> bool {
        out.push(u8::from(*self));
        false
    }
}

impl Answer for u64 {
    fn bytes(&self) -> usize {
        size_of::<u64>()
    }

    fn write_piece(&self, _: usize, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(&self.to_le_bytes());
        false
    }
}

impl Answer for Cid {
    fn bytes(&self) -> usize {
        CID_TEXT
    }

    fn write_piece(&self, _: usize, out: &mut Vec<u8>) -> bool {
        // Whatever the core gives is the CID of a node.
        if let Ok(digest) = id::digest_of(self) {
            write_cid(&digest, out);
        }
        false
    }
}

/// The CID of the node with this digest.
impl Answer for Digest {
    fn bytes(&self) -> usize {
        CID_TEXT
    }

    fn write_piece(&self, _: usize, out: &mut Vec<u8>) -> bool {
        write_cid(self, out);
        false
    }
}

impl<T: Answer> Answer for Vec<T> {
    fn bytes(&self) -> usize {
        COUNT + self.iter().map(Answer::bytes).sum::<usize>()
    }

    fn write_piece(&self, piece: usize, out: &mut Vec<u8>) -> bool {
        if piece == 0 {
            write_count(self.len(), out);
        }
        let from = (piece * PIECE).min(self.len());
        let to = (from + PIECE).min(self.len());
        for item in &self[from..to] {
            item.write(out);
        }
        to < self.len()
    }
}

/// The length of the block (0 for none), the node's CID and its parents', the block.
impl Answer for Option<DagNode> {
    fn bytes(&self) -> usize {
        self.as_ref().map_or(COUNT, Answer::bytes)
    }

    fn write_piece(&self, _: usize, out: &mut Vec<u8>) -> bool {
        match self {
            Some(node) => node.write(out),
            None => write_count(0, out),
        }
        false
    }
}

impl Answer for DagNode {
    fn bytes(&self) -> usize {
        bytes_of_node(self.as_bytes(), self.parent_digests().len())
    }

    fn write_piece(&self, _: usize, out: &mut Vec<u8>) -> bool {
        write_node(self.digest(), self.parent_digests(), self.as_bytes(), out);
        false
    }
}

/// Answers with a node, straight from where it lies.
pub(super) fn write_found<'a>(
    found: Option<(Record<'a>, impl Iterator<Item = &'a Digest> + Clone)>,
) -> Result<()> {
    match found {
        Some((Record { digest, block, .. }, parents)) => {
            let bytes = bytes_of_node(block, parents.clone().count());
            write_done(bytes, |out| write_node(digest, parents, block, out))
        }
        None => write_done(COUNT, |out| write_count(0, out)),
    }
}

fn bytes_of_node(block: &[u8], parents: usize) -> usize {
    2 * COUNT + (1 + parents) * CID_TEXT + block.len()
}

fn write_node<'a>(
    digest: &'a Digest,
    parents: impl Iterator<Item = &'a Digest>,
    block: &[u8],
    out: &mut Vec<u8>,
) {
    write_count(block.len(), out);
    let count_at = out.len();
    let mut count = 0;
    write_count(count, out);
    for digest in std::iter::once(digest).chain(parents) {
        write_cid(digest, out);
        count += 1;
    }
    out[count_at..count_at + COUNT].copy_from_slice(&count_bytes(count));
    out.extend_from_slice(block);
}

impl Answer for Page {
    fn bytes(&self) -> usize {
        self.nodes.bytes() + SMALL
    }

    fn write_piece(&self, piece: usize, out: &mut Vec<u8>) -> bool {
        let more = self.nodes.write_piece(piece, out);
        if !more {
            write_text(self.next.as_ref().map(crate::Cursor::as_str).unwrap_or_default(), out);
        }
        more
    }
}

impl Answer for Commit {
    fn bytes(&self) -> usize {
        SMALL + self.inserted.bytes() + self.removed.bytes()
    }

    fn write_piece(&self, piece: usize, out: &mut Vec<u8>) -> bool {
        if piece == 0 {
            self.sequence.write(out);
            write_hex(self.id.as_bytes(), out);
            write_hex(self.state_hash.as_ref().map_or(&[][..], |hash| hash.as_bytes()), out);
        }
        let of_inserted = self.inserted.len().div_ceil(PIECE).max(1);
        match piece.checked_sub(of_inserted) {
            None => {
                self.inserted.write_piece(piece, out);
                true
            }
            Some(piece) => self.removed.write_piece(piece, out),
        }
    }
}

impl Answer for Verified {
    fn bytes(&self) -> usize {
        SMALL
    }

    fn write_piece(&self, _: usize, out: &mut Vec<u8>) -> bool {
        self.nodes.write(out);
        self.links.write(out);
        self.state_hash.write(out);
        false
    }
}

impl Answer for Proof {
    fn bytes(&self) -> usize {
        SMALL + self.as_bytes().len()
    }

    fn write_piece(&self, _: usize, out: &mut Vec<u8>) -> bool {
        write_hex(self.state_hash().as_bytes(), out);
        write_bytes(self.as_bytes(), out);
        false
    }
}

impl Answer for StateHash {
    fn bytes(&self) -> usize {
        SMALL
    }

    fn write_piece(&self, _: usize, out: &mut Vec<u8>) -> bool {
        write_hex(self.as_bytes(), out);
        false
    }
}

fn write_count(count: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&count_bytes(count));
}

#[allow(clippy::cast_possible_truncation, reason = "the memory has 32-bit addresses")]
fn count_bytes(count: usize) -> [u8; COUNT] {
    (count as u32).to_le_bytes()
}

pub(super) fn write_text(text: &str, out: &mut Vec<u8>) {
    write_bytes(text.as_bytes(), out);
}

/// Bytes as text, of two digits each.
fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    write_count(2 * bytes.len(), out);
    out.extend(hex(bytes));
}

/// Bytes, after their length.
fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    write_count(bytes.len(), out);
    out.extend_from_slice(bytes);
}

/// The text of a CID, after its length, or no text.
fn write_known_cid(cid: Option<&Cid>, out: &mut Vec<u8>) {
    match cid.and_then(|cid| id::digest_of(cid).ok()) {
        Some(digest) => {
            write_count(CID_TEXT, out);
            write_cid(&digest, out);
        }
        None => write_count(0, out),
    }
}

fn write_cid(digest: &Digest, out: &mut Vec<u8>) {
    out.extend_from_slice(&id::text_of(digest));
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use wasm_bindgen_futures::JsFuture;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::ErrorKind;
    use crate::wasm::promise;

    /// Is pending once, wakes itself, and then is ready.
    async fn after_a_turn<T>(value: T) -> T {
        let mut waited = false;
        std::future::poll_fn(|context| {
            if waited {
                return Poll::Ready(());
            }
            waited = true;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        value
    }

    async fn bytes(promise: js_sys::Promise) -> Vec<u8> {
        Uint8Array::new(&JsFuture::from(promise).await.unwrap()).to_vec()
    }

    #[wasm_bindgen_test]
    async fn what_is_ready_is_answered_at_once_and_what_waits_by_a_promise_of_the_same_bytes() {
        assert!(!settle(async { Ok(7_u64) }));
        let expected = [vec![DONE], 7_u64.to_le_bytes().to_vec()].concat();
        scratch::with_answer(|answer| assert_eq!(answer, expected));

        let waits = promise::of(settle(after_a_turn(Ok(7_u64))));
        // Others may ask and be answered meanwhile.
        assert!(!settle(async { Ok(true) }));
        assert_eq!(bytes(waits).await, expected);
    }

    #[wasm_bindgen_test]
    async fn errors_are_answers_too() {
        let error = || DagError::new(ErrorKind::NotFound, "not there");
        assert!(!settle::<u64>(async move { Err(error()) }));
        let answered = scratch::with_answer(<[u8]>::to_vec);
        let waits = promise::of(settle::<u64>(after_a_turn(Err(error()))));
        assert_eq!(bytes(waits).await, answered);
        assert_eq!(answered[0], FAILED);
        assert_eq!(answered[5..5 + 13], *b"ERR_NOT_FOUND");
    }

    #[wasm_bindgen_test]
    fn cids_are_written_as_the_cid_crate_writes_them() {
        for fill in [0, 1, 0x5a, 0xff] {
            let mut text = Vec::new();
            write_cid(&[fill; 32], &mut text);
            assert_eq!(String::from_utf8(text).unwrap(), id::cid_of(&[fill; 32]).to_string());
        }
    }
}
