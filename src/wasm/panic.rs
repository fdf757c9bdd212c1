//! The last words of an instance.

use std::cell::RefCell;
use std::panic;

use js_sys::Function;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

thread_local! {
    static SINK: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// Sets what is told the text of a panic, just before the instance traps.
#[wasm_bindgen(js_name = onPanic)]
pub fn on_panic(sink: Function) {
    SINK.with_borrow_mut(|slot| *slot = Some(sink));
    panic::set_hook(Box::new(|info| {
        SINK.with(|slot| {
            if let Ok(slot) = slot.try_borrow()
                && let Some(sink) = slot.as_ref()
            {
                // The sink is ours and doesn't throw; and if it did, there is nobody left to tell.
                drop(sink.call1(&JsValue::NULL, &JsValue::from_str(&info.to_string())));
            }
        });
    }));
}
