//! Memory for each node, as the allocator counts it.

use anyhow::Result;
use dag_store_benches::filled::Filled;
use dag_store_benches::measure::{Asked, Figures};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

fn main() -> Result<()> {
    let asked = Asked::new();
    for (row, count) in [("N5", 1_000_000), ("N5-100k", 100_000), ("N5-10k", 10_000)] {
        if asked.wants(row) {
            let count = asked.many(count, 2_000);
            let region = Region::new(ALLOCATOR);
            let Filled { store, encoded, ids, chain } = Filled::new(count)?;
            drop((ids, chain));
            let change = region.change();
            drop(store);
            #[allow(clippy::cast_precision_loss, reason = "figures for people")]
            let figure = |bytes: usize| bytes as f64 / count as f64;
            let kept = change.bytes_allocated - change.bytes_deallocated;
            let figures = [("dag-store", figure(kept)), ("encoded bytes", figure(encoded))];
            Figures::of(figures).report(row, 1);
        }
    }
    Ok(())
}
