//! The last words of an instance.

use std::cell::RefCell;
use std::panic::{self, PanicHookInfo};

use js_sys::Function;
use serde_wasm_bindgen::to_value;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

thread_local! {
    static SINK: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// Sets what is told of a panic, just before the instance traps: its message, and where in which file it happened.
#[wasm_bindgen(js_name = onPanic)]
pub fn on_panic(sink: Function) {
    SINK.with_borrow_mut(|slot| *slot = Some(sink));
    panic::set_hook(Box::new(|info| {
        SINK.with(|slot| {
            if let Ok(slot) = slot.try_borrow()
                && let Some(sink) = slot.as_ref()
            {
                // The sink is ours and doesn't throw; and if it did, there is nobody left to tell.
                drop(sink.call1(&JsValue::NULL, &report(info)));
            }
        });
    }));
}

fn report(info: &PanicHookInfo<'_>) -> JsValue {
    let payload = info.payload();
    let message = payload.downcast_ref::<&str>().copied();
    let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let place = info.location().map(|place| (place.file(), place.line(), place.column()));
    to_value(&(message, place)).unwrap_or_default()
}
