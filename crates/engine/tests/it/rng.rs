//! The simulations' dice: the same seed gives the same story.

/// SplitMix64.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Rng(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n.max(1) as u64).unwrap()
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }
}

/// Plays one seed (`SIM_SEED`) or all of them (`SIM_SEEDS`, 10,000 unless said otherwise), on every core.
pub fn each_seed(simulate: fn(u64)) {
    if let Ok(seed) = std::env::var("SIM_SEED") {
        simulate(seed.parse().expect("SIM_SEED is a number"));
        return;
    }
    let seeds: u64 = std::env::var("SIM_SEEDS").ok().map_or(10_000, |s| s.parse().expect("SIM_SEEDS is a number"));
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                for seed in (thread..seeds).step_by(threads as usize) {
                    let result = std::panic::catch_unwind(|| simulate(seed));
                    assert!(result.is_ok(), "seed {seed} failed; replay it with SIM_SEED={seed}");
                }
            });
        }
    });
}
