//! The Promises of answers that have to wait.
//!
//! A call doesn't return its Promise, but tells by a number whether there is one, and hands it over by a
//! callback. For nothing that JavaScript calls may return a reference: V8 before version 12.5 (Node 20
//! and 22) ends the whole process where optimised code is given up while it is in such a call, which
//! growing the memory is enough for.

use std::cell::RefCell;

use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

thread_local! {
    static SINK: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// Sets what is handed the Promise of a call's answer, before that call returns `true`.
#[wasm_bindgen(js_name = onWait)]
pub fn on_wait(sink: Function) {
    SINK.with_borrow_mut(|slot| *slot = Some(sink));
}

/// Hands a Promise over; `true`: the call waits.
pub(super) fn hand_over(promise: &Promise) -> bool {
    SINK.with_borrow(|sink| {
        if let Some(sink) = sink {
            // The sink is ours and only keeps what it is given.
            drop(sink.call1(&JsValue::NULL, promise));
        }
    });
    #[cfg(test)]
    HANDED.set(Some(promise.clone()));
    true
}

#[cfg(test)]
thread_local! {
    static HANDED: std::cell::Cell<Option<Promise>> = const { std::cell::Cell::new(None) };
}

/// The Promise of a call that waits.
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
pub(super) fn of(waits: bool) -> Promise {
    assert!(waits, "it was answered at once");
    HANDED.take().unwrap()
}
