//! Names what platforms differ in. `cfg(js_host)` is WebAssembly run by a JavaScript engine. WASI is not:
//! it has a clock, randomness and (some day) threads of its own. `cfg(threads)` is where there are threads
//! now, and files.

use std::env;

fn main() {
    let is = |variable: &str, value: &str| env::var(variable).is_ok_and(|found| found == value);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(js_host)");
    println!("cargo::rustc-check-cfg=cfg(threads)");
    if !is("CARGO_CFG_TARGET_FAMILY", "wasm") {
        println!("cargo::rustc-cfg=threads");
    }
    if is("CARGO_CFG_TARGET_FAMILY", "wasm") && is("CARGO_CFG_TARGET_OS", "unknown") {
        println!("cargo::rustc-cfg=js_host");
    }
}
