//! The class `Journal`: a journal that is JavaScript's. And what is asked of one, `Asked`.
//!
//! A question is a call of a function of ours (`journal.js`), which puts it to the caller's object once no
//! wasm is on the stack; the answer comes back through the methods of [`Asked`], so that it enters wasm as
//! everything does. What is not answered waits, and breaks nothing.

use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use futures::StreamExt as _;
use js_sys::{Array, Function, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};

use crate::platform::{BoxFuture, BoxStream};
use crate::{
    Checkpoint, Cid, DagError, Durability, ErrorKind, Medium, Promises, Result, Segment, StateHash,
    Tip, ToCid as _, Writers,
};

/// What is asked; `journal.js` knows the same numbers.
const APPEND: u32 = 0;
const READ: u32 = 1;
const CHANGED: u32 = 2;
const CHECKPOINT: u32 = 3;
const READ_CHECKPOINT: u32 = 4;
const WRITE_CHECKPOINT: u32 = 5;
const STATUS: u32 = 6;
const CLOSE: u32 = 7;

/// A journal of JavaScript.
#[wasm_bindgen]
#[derive(Clone)]
pub struct Journal {
    ask: Function,
    promises: Promises,
}

#[wasm_bindgen]
impl Journal {
    /// A journal that is asked by this function, and promises this. `max_append` is infinite where there is
    /// no limit.
    #[wasm_bindgen(constructor)]
    #[must_use]
    #[allow(clippy::fn_params_excessive_bools, reason = "`connection.js` names them")]
    pub fn new(
        ask: Function,
        is_strict: bool,
        has_many_writers: bool,
        watch: bool,
        checkpoints: bool,
        max_append: f64,
    ) -> Journal {
        let durability = if is_strict { Durability::Strict } else { Durability::Relaxed };
        let writers = if has_many_writers { Writers::Many } else { Writers::One };
        let mut promises = Promises::new(durability, writers);
        (promises.watch, promises.checkpoints) = (watch, checkpoints);
        promises.max_append = max_append.is_finite().then(|| whole(max_append));
        Journal { ask, promises }
    }
}

impl Journal {
    /// Puts a question.
    fn put(&self, what: u32, subject: &Array) -> Question {
        let asking = Rc::new(Asking::default());
        let asked = Asked { asking: Rc::clone(&asking) };
        let put = self.ask.call3(&JsValue::NULL, &what.into(), subject, &asked.into());
        // The function is ours: it doesn't throw, and gives one.
        Question { asking, tell: put.ok().map(JsValue::unchecked_into) }
    }

    /// Puts a question, and waits for its answer.
    async fn ask(&self, what: u32, subject: &Array) -> Result<JsValue> {
        self.put(what, subject).answer().await
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").finish_non_exhaustive()
    }
}

/// A question as JavaScript has it: to be answered once, whenever that is.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Asked {
    asking: Rc<Asking>,
}

#[wasm_bindgen]
impl Asked {
    /// This is the answer.
    pub fn answer(&self, value: JsValue) {
        self.asking.happen(Event::Answered(Ok(value)));
    }

    /// It failed, with an error of this code that comes from another one, told in words.
    #[allow(clippy::needless_pass_by_value, reason = "what crosses is owned")]
    pub fn fail(&self, code: String, message: String, cause: Option<String>) {
        let kinds = ErrorKind::ALL.iter().copied();
        let kind = kinds.into_iter().find(|kind| kind.code() == code);
        let error = DagError::new(kind.unwrap_or(ErrorKind::Storage), message);
        let error = match cause {
            Some(cause) => error.with_source(cause),
            None => error,
        };
        self.asking.happen(Event::Answered(Err(error)));
    }

    /// It takes the next part of what is to be written.
    pub fn want(&self) {
        self.asking.happen(Event::Wanted);
    }
}

/// What the two ends of a question share.
#[derive(Default)]
struct Asking {
    event: Cell<Option<Event>>,
    waker: Cell<Option<Waker>>,
}

enum Event {
    Answered(Result<JsValue>),
    Wanted,
}

impl Asking {
    fn happen(&self, event: Event) {
        self.event.set(Some(event));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking").finish_non_exhaustive()
    }
}

/// A question as we have it. Dropped before its answer it is called off.
struct Question {
    asking: Rc<Asking>,
    /// Tells the other end something, or calls the question off; `None` once it is answered.
    tell: Option<Function>,
}

impl Question {
    async fn event(&mut self) -> Event {
        let event = poll_fn(|context| {
            let event = self.asking.event.take();
            if event.is_none() {
                self.asking.waker.set(Some(context.waker().clone()));
            }
            event.map_or(Poll::Pending, Poll::Ready)
        });
        let event = event.await;
        if matches!(event, Event::Answered(_)) {
            self.tell = None;
        }
        event
    }

    async fn answer(mut self) -> Result<JsValue> {
        loop {
            if let Event::Answered(answer) = self.event().await {
                return answer;
            }
        }
    }

    fn tell(&self, value: &JsValue) {
        if let Some(tell) = &self.tell {
            // It is ours, and throws nothing.
            drop(tell.call1(&JsValue::NULL, value));
        }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.tell(&JsValue::UNDEFINED);
    }
}

impl crate::Journal for Journal {
    fn promises(&self) -> Promises {
        self.promises
    }

    fn append<'a>(&'a self, after: Tip, segments: &'a [Segment]) -> BoxFuture<'a, Result<bool>> {
        let subject = Array::new();
        subject.push(&number(after.sequence));
        subject.push(&after.commit.map_or(JsValue::UNDEFINED, |commit| bytes(&commit.to_bytes())));
        for segment in segments {
            subject.push(&number(segment.sequence));
            subject.push(&bytes(&segment.commit.to_bytes()));
            subject.push(&bytes(&segment.bytes));
        }
        Box::pin(async move { Ok(self.ask(APPEND, &subject).await?.is_truthy()) })
    }

    fn read(&self, after: u64, max_bytes: usize) -> BoxFuture<'_, Result<Vec<Segment>>> {
        Box::pin(async move {
            let max_bytes = number(max_bytes as u64);
            let answer = self.ask(READ, &Array::of2(&number(after), &max_bytes)).await?;
            let answer: Array = answer.unchecked_into();
            let segments = (0..answer.length()).step_by(3).map(|at| {
                let [sequence, commit, bytes] = [0, 1, 2].map(|i| answer.get(at + i));
                Ok(Segment {
                    sequence: whole_of(&sequence),
                    commit: cid_of(commit)?,
                    bytes: bytes_of(bytes),
                })
            });
            segments.collect()
        })
    }

    fn changed(&self, after: u64) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.ask(CHANGED, &Array::of1(&number(after))).await.map(drop) })
    }

    fn checkpoint(&self) -> BoxFuture<'_, Result<Option<Checkpoint>>> {
        Box::pin(async move {
            let answer = self.ask(CHECKPOINT, &Array::new()).await?;
            if answer.is_undefined() {
                return Ok(None);
            }
            let answer: Array = answer.unchecked_into();
            let state_hash = <[u8; 32]>::try_from(bytes_of(answer.get(2)));
            Ok(Some(Checkpoint {
                sequence: whole_of(&answer.get(0)),
                commit: cid_of(answer.get(1))?,
                state_hash: StateHash::from(state_hash.unwrap_or_default()),
            }))
        })
    }

    fn read_checkpoint(
        &self,
        checkpoint: Checkpoint,
        part: u64,
    ) -> BoxFuture<'_, Result<Option<Vec<u8>>>> {
        Box::pin(async move {
            let subject = named(&checkpoint);
            subject.push(&number(part));
            let answer = self.ask(READ_CHECKPOINT, &subject).await?;
            Ok(if answer.is_undefined() { None } else { Some(bytes_of(answer)) })
        })
    }

    fn write_checkpoint<'a>(
        &'a self,
        checkpoint: Checkpoint,
        mut parts: BoxStream<'a, Result<Vec<u8>>>,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let mut question = self.put(WRITE_CHECKPOINT, &named(&checkpoint));
            let mut failed = None;
            loop {
                match question.event().await {
                    Event::Answered(answer) => {
                        return match failed {
                            Some(error) => Err(error),
                            None => answer.map(|answer| answer.is_truthy()),
                        };
                    }
                    Event::Wanted => match parts.next().await {
                        Some(Ok(part)) => question.tell(&bytes(&part)),
                        None => question.tell(&JsValue::NULL),
                        Some(Err(error)) => {
                            failed = Some(error);
                            question.tell(&JsValue::FALSE);
                        }
                    },
                }
            }
        })
    }

    fn status(&self) -> BoxFuture<'_, Result<Medium>> {
        Box::pin(async move {
            let answer: Array = self.ask(STATUS, &Array::new()).await?.unchecked_into();
            let bytes_used = answer.get(0).as_f64().map(whole);
            Ok(Medium { bytes_used, bytes_cut: whole_of(&answer.get(1)), ..Medium::default() })
        })
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.ask(CLOSE, &Array::new()).await.map(drop) })
    }
}

fn named(checkpoint: &Checkpoint) -> Array {
    let hash = bytes(checkpoint.state_hash.as_bytes());
    Array::of3(&number(checkpoint.sequence), &bytes(&checkpoint.commit.to_bytes()), &hash)
}

fn bytes(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}

/// The bytes in what `journal.js` has seen to be some.
fn bytes_of(value: JsValue) -> Vec<u8> {
    value.unchecked_into::<Uint8Array>().to_vec()
}

fn cid_of(value: JsValue) -> Result<Cid> {
    let corrupt = |error| {
        DagError::new(ErrorKind::Corrupt, "a commit in the journal has no CID of ours")
            .with_source(error)
    };
    bytes_of(value).to_cid().map_err(corrupt)
}

#[allow(clippy::cast_precision_loss, reason = "a count of things that were made one by one")]
fn number(count: u64) -> JsValue {
    JsValue::from_f64(count as f64)
}

fn whole_of(value: &JsValue) -> u64 {
    whole(value.as_f64().unwrap_or_default())
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`journal.js` passes on safe integers alone, and what is none would be cut to one"
)]
fn whole(number: f64) -> u64 {
    number as u64
}
