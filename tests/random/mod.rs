//! Random numbers, others in each run.

#![allow(dead_code, reason = "no test needs all of it")]

/// `SplitMix64`. Tells its seed when a test fails with it.
pub(crate) struct Random {
    variable: &'static str,
    seed: u64,
    state: u64,
}

impl Random {
    /// From the seed that this environment variable says; else from the clock.
    pub(crate) fn new(variable: &'static str) -> Self {
        let seed = std::env::var(variable).ok().map_or_else(
            || u64::from(std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos()),
            |seed| seed.parse().unwrap(),
        );
        Random { variable, seed, state: seed }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

impl Drop for Random {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}={}", self.variable, self.seed);
        }
    }
}
