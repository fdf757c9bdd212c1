//! Failures on purpose, for the tests of what becomes of an instance and of its callers then.
//!
//! A node of the scope `fault:<what>:<where>` makes the instance fail, for instance `fault:panic:commit`.

use std::cell::Cell;
use std::hint::black_box;
use std::process;

use wasm_bindgen_futures::spawn_local;

use super::breath::ask;
use crate::{Change, Changes, DagNode};

/// How to fail.
#[derive(Clone, Copy)]
enum Fault {
    Panic,
    Trap,
    Overflow,
    Memory,
}

thread_local! {
    /// What the next call of `breathed` does.
    static AT_BREATH: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// In a call that inserts a node. A failure that is to come later leaves the call waiting for it:
/// `true`.
pub(super) fn in_call(node: &DagNode) -> bool {
    if let Some(fault) = fault(node, "call") {
        fault.happen();
    } else if let Some(fault) = fault(node, "callback") {
        AT_BREATH.set(Some(fault));
        ask()
    } else if let Some(fault) = fault(node, "microtask") {
        spawn_local(async move { fault.happen() });
        true
    } else {
        false
    }
}

/// In the callback by which the event loop goes on with what waits.
pub(super) fn in_callback() {
    if let Some(fault) = AT_BREATH.take() {
        fault.happen();
    }
}

/// In a commit that places a node, with the store locked.
pub(crate) fn in_commit(node: &DagNode) {
    if let Some(fault) = fault(node, "commit") {
        fault.happen();
    }
}

/// Where a batch is dropped that has these changes.
pub(super) fn in_drop(changes: &Changes) {
    for change in changes.operations() {
        if let Change::Insert(node) = change
            && let Some(fault) = fault(node, "drop")
        {
            fault.happen();
        }
    }
}

/// What a node is to do in this place.
fn fault(node: &DagNode, place: &str) -> Option<Fault> {
    let (what, wanted) = node.scope_id().strip_prefix("fault:")?.split_once(':')?;
    let fault = match what {
        "panic" => Fault::Panic,
        "trap" => Fault::Trap,
        "overflow" => Fault::Overflow,
        "memory" => Fault::Memory,
        _ => return None,
    };
    (wanted == place).then_some(fault)
}

impl Fault {
    fn happen(self) -> ! {
        match self {
            #[allow(clippy::panic, reason = "what it is for")]
            Fault::Panic => panic!("a fault was asked for"),
            Fault::Trap => process::abort(),
            Fault::Overflow => {
                black_box(deeper(0));
                process::abort()
            }
            Fault::Memory => {
                let mut taken = Vec::new();
                loop {
                    taken.push(black_box(vec![1_u8; 1 << 20]));
                }
            }
        }
    }
}

#[allow(unconditional_recursion, reason = "what it is for")]
fn deeper(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    deeper(frame[1] + 1) + frame[2]
}
