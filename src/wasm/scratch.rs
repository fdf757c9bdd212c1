//! Two areas of memory through which bytes cross.

use std::cell::RefCell;

use wasm_bindgen::prelude::wasm_bindgen;

/// An area that a large call has made larger than this is given back.
const KEPT: usize = 4 << 20;

thread_local! {
    static QUESTION: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static ANSWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Makes room for a question of so many bytes, and says where to write it.
#[wasm_bindgen]
pub fn question(length: usize) -> *const u8 {
    QUESTION.with_borrow_mut(|area| {
        if area.len() > KEPT && length <= KEPT {
            *area = Vec::new();
        }
        if area.len() < length {
            area.resize(length.next_power_of_two(), 0);
        }
        area.as_ptr()
    })
}

/// Says where the last answer is to be read.
#[wasm_bindgen]
#[must_use]
pub fn answer() -> *const u8 {
    ANSWER.with_borrow(Vec::as_ptr)
}

/// Reads the question, which has so many bytes.
pub(super) fn read<T>(length: usize, read: impl FnOnce(&[u8]) -> T) -> T {
    QUESTION.with_borrow(|area| read(area.get(..length).unwrap_or_default()))
}

/// Reads the answer that was written last.
pub(super) fn answered<T>(read: impl FnOnce(&[u8]) -> T) -> T {
    ANSWER.with_borrow(|area| read(area))
}

/// Writes the answer.
pub(super) fn write(write: impl FnOnce(&mut Vec<u8>)) {
    ANSWER.with_borrow_mut(|area| {
        area.clear();
        area.shrink_to(KEPT);
        write(area);
    });
}

/// What was answered last.
#[cfg(test)]
pub(super) fn with_answer<T>(read: impl FnOnce(&[u8]) -> T) -> T {
    ANSWER.with_borrow(|area| read(area))
}
