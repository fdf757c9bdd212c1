//! Two areas of memory through which bytes cross.

use std::cell::RefCell;
use std::ptr;

use wasm_bindgen::prelude::wasm_bindgen;

use crate::platform;

/// An area that a large call has made larger than this is given back.
const KEPT: usize = 4 << 20;
/// The answer's area has at least so many bytes.
const LEAST: usize = 1 << 16;

thread_local! {
    static QUESTION: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static ANSWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Makes room for a question of so many bytes, and says where to write it; 0 where there is no memory
/// for it.
#[wasm_bindgen]
pub fn question(length: usize) -> *const u8 {
    QUESTION.with_borrow_mut(|area| {
        if area.len() < length || (area.len() > KEPT && length <= KEPT) {
            *area = Vec::new();
            let wanted = length.checked_next_power_of_two().unwrap_or(usize::MAX);
            if platform::reserve(wanted).is_err() {
                return ptr::null();
            }
            area.resize(wanted, 0);
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

/// Asks a question; gives its length.
#[cfg(test)]
pub(super) fn ask(bytes: &[u8]) -> usize {
    assert!(!question(bytes.len()).is_null());
    QUESTION.with_borrow_mut(|area| area[..bytes.len()].copy_from_slice(bytes));
    bytes.len()
}

/// Reads the question, which has so many bytes.
pub(super) fn read<T>(length: usize, read: impl FnOnce(&[u8]) -> T) -> T {
    QUESTION.with_borrow(|area| read(area.get(..length).unwrap_or_default()))
}

/// Reads the answer that was written last.
pub(super) fn answered<T>(read: impl FnOnce(&[u8]) -> T) -> T {
    ANSWER.with_borrow(|area| read(area))
}

/// Whether an answer of so many bytes takes no more memory.
pub(super) fn has_room(bytes: usize) -> bool {
    ANSWER.with_borrow(|area| area.capacity() >= bytes)
}

/// Writes the answer, which has about so many bytes.
pub(super) fn write(bytes: usize, write: impl FnOnce(&mut Vec<u8>)) {
    ANSWER.with_borrow_mut(|area| {
        area.clear();
        if area.capacity() < bytes || (area.capacity() > KEPT && bytes <= KEPT) {
            *area = Vec::new();
            area.reserve_exact(bytes.max(LEAST));
        }
        write(area);
    });
}

/// Makes an answer of what was written elsewhere.
pub(super) fn put(answer: Vec<u8>) {
    ANSWER.set(answer);
}

/// What was answered last.
#[cfg(test)]
pub(super) fn with_answer<T>(read: impl FnOnce(&[u8]) -> T) -> T {
    ANSWER.with_borrow(|area| read(area))
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn a_question_that_is_too_large_is_refused_and_the_next_is_not() {
        for length in [usize::MAX, usize::MAX / 2 + 1, usize::MAX / 2] {
            assert!(question(length).is_null(), "{length}");
            let length = ask(b"a smaller one");
            assert_eq!(read(length, <[u8]>::to_vec), b"a smaller one");
        }
    }

    #[wasm_bindgen_test]
    fn what_there_is_no_memory_for_is_refused() {
        let error = platform::reserve(usize::MAX).err();
        assert_eq!(error.map(|error| error.kind()), Some(crate::ErrorKind::Quota));
        assert!(platform::reserve(1 << 20).is_ok());
    }
}
