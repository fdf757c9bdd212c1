//! SHA-256 of four messages at once, in the four lanes of WebAssembly's SIMD: less than half the time of
//! one after the other, which is all that wasm has (natively processors have instructions for it).

#![allow(
    clippy::redundant_closure,
    clippy::many_single_char_names,
    reason = "functions with target features are no closures; the names are those of the standard"
)]

use core::arch::wasm32::{
    u32x4, u32x4_add, u32x4_extract_lane, u32x4_shl, u32x4_shr, u32x4_splat, v128, v128_bitselect,
    v128_or, v128_xor,
};

use super::Digest;

const BLOCK: usize = 64;

/// The first 32 bits of the fractional parts of the square roots of the first 8 primes (FIPS 180-4).
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// The same of the cube roots of the first 64 primes.
const ROUNDS: [u32; 64] = [
    0x428a_2f98,
    0x7137_4491,
    0xb5c0_fbcf,
    0xe9b5_dba5,
    0x3956_c25b,
    0x59f1_11f1,
    0x923f_82a4,
    0xab1c_5ed5,
    0xd807_aa98,
    0x1283_5b01,
    0x2431_85be,
    0x550c_7dc3,
    0x72be_5d74,
    0x80de_b1fe,
    0x9bdc_06a7,
    0xc19b_f174,
    0xe49b_69c1,
    0xefbe_4786,
    0x0fc1_9dc6,
    0x240c_a1cc,
    0x2de9_2c6f,
    0x4a74_84aa,
    0x5cb0_a9dc,
    0x76f9_88da,
    0x983e_5152,
    0xa831_c66d,
    0xb003_27c8,
    0xbf59_7fc7,
    0xc6e0_0bf3,
    0xd5a7_9147,
    0x06ca_6351,
    0x1429_2967,
    0x27b7_0a85,
    0x2e1b_2138,
    0x4d2c_6dfc,
    0x5338_0d13,
    0x650a_7354,
    0x766a_0abb,
    0x81c2_c92e,
    0x9272_2c85,
    0xa2bf_e8a1,
    0xa81a_664b,
    0xc24b_8b70,
    0xc76c_51a3,
    0xd192_e819,
    0xd699_0624,
    0xf40e_3585,
    0x106a_a070,
    0x19a4_c116,
    0x1e37_6c08,
    0x2748_774c,
    0x34b0_bcb5,
    0x391c_0cb3,
    0x4ed8_aa4a,
    0x5b9c_ca4f,
    0x682e_6ff3,
    0x748f_82ee,
    0x78a5_636f,
    0x84c8_7814,
    0x8cc7_0208,
    0x90be_fffa,
    0xa450_6ceb,
    0xbef9_a3f7,
    0xc671_78f2,
];

/// A message with its padding: whole blocks of the message itself, then those that end it.
struct Message<'a> {
    whole: &'a [[u8; BLOCK]],
    end: [[u8; BLOCK]; 2],
    ends: usize,
}

impl<'a> Message<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let (whole, rest) = bytes.as_chunks();
        let mut end = [[0; BLOCK]; 2];
        let ends = if rest.len() < BLOCK - 8 { 1 } else { 2 };
        let flat = end.as_flattened_mut();
        flat[..rest.len()].copy_from_slice(rest);
        flat[rest.len()] = 0x80;
        let bits = (bytes.len() as u64) * 8;
        flat[ends * BLOCK - 8..ends * BLOCK].copy_from_slice(&bits.to_be_bytes());
        Message { whole, end, ends }
    }

    fn blocks(&self) -> usize {
        self.whole.len() + self.ends
    }

    fn block(&self, at: usize) -> &[u8; BLOCK] {
        self.whole.get(at).unwrap_or_else(|| &self.end[(at - self.whole.len()) & 1])
    }
}

/// The hashes of four messages. Those that are longer than the shortest are finished one by one.
pub(crate) fn sha256_of_four(messages: [&[u8]; 4]) -> [Digest; 4] {
    let messages = messages.map(Message::new);
    let together = messages.iter().map(Message::blocks).min().unwrap_or(0);
    let mut state = INITIAL.map(|word| u32x4_splat(word));
    for at in 0..together {
        let [a, b, c, d] = [0, 1, 2, 3].map(|lane: usize| messages[lane].block(at));
        compress(&mut state, [a, b, c, d]);
    }
    let states = [
        state.map(|words| u32x4_extract_lane::<0>(words)),
        state.map(|words| u32x4_extract_lane::<1>(words)),
        state.map(|words| u32x4_extract_lane::<2>(words)),
        state.map(|words| u32x4_extract_lane::<3>(words)),
    ];
    let mut digests = [[0; 32]; 4];
    for ((message, mut state), digest) in messages.iter().zip(states).zip(&mut digests) {
        for at in together..message.blocks() {
            sha2::block_api::compress256(&mut state, core::slice::from_ref(message.block(at)));
        }
        for (word, bytes) in state.iter().zip(digest.as_chunks_mut::<4>().0) {
            *bytes = word.to_be_bytes();
        }
    }
    digests
}

fn word(block: &[u8; BLOCK], at: usize) -> u32 {
    u32::from_be_bytes(block.as_chunks().0[at])
}

fn rotate<const RIGHT: u32>(x: v128) -> v128 {
    v128_or(u32x4_shr(x, RIGHT), u32x4_shl(x, 32 - RIGHT))
}

fn sum(x: v128, y: v128) -> v128 {
    u32x4_add(x, y)
}

fn xor(x: v128, y: v128, z: v128) -> v128 {
    v128_xor(v128_xor(x, y), z)
}

/// FIPS 180-4, section 6.2.2, in four lanes.
fn compress(state: &mut [v128; 8], blocks: [&[u8; BLOCK]; 4]) {
    let [p, q, r, s] = blocks;
    let mut schedule = [u32x4_splat(0); 16];
    for (at, words) in schedule.iter_mut().enumerate() {
        *words = u32x4(word(p, at), word(q, at), word(r, at), word(s, at));
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (round, constant) in ROUNDS.iter().enumerate() {
        let at = round & 15;
        if round >= 16 {
            let (early, late) = (schedule[(round + 1) & 15], schedule[(round + 14) & 15]);
            let small_0 = xor(rotate::<7>(early), rotate::<18>(early), u32x4_shr(early, 3));
            let small_1 = xor(rotate::<17>(late), rotate::<19>(late), u32x4_shr(late, 10));
            let before = sum(schedule[at], schedule[(round + 9) & 15]);
            schedule[at] = sum(before, sum(small_0, small_1));
        }
        let large_1 = xor(rotate::<6>(e), rotate::<11>(e), rotate::<25>(e));
        let choice = v128_bitselect(f, g, e);
        let mixed = sum(sum(schedule[at], u32x4_splat(*constant)), sum(h, sum(large_1, choice)));
        let large_0 = xor(rotate::<2>(a), rotate::<13>(a), rotate::<22>(a));
        // Where a and b differ the majority is c's, else theirs.
        let majority = v128_bitselect(c, a, v128_xor(a, b));
        (h, g, f, e) = (g, f, e, sum(d, mixed));
        (d, c, b, a) = (c, b, a, sum(mixed, sum(large_0, majority)));
    }
    for (word, worked) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = sum(*word, worked);
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::digest::sha256;

    #[wasm_bindgen_test]
    fn four_together_are_what_each_is_alone() {
        let bytes: Vec<u8> = (0..=255).cycle().take(400).collect();
        for length in 0..bytes.len() {
            let lengths = [length, length / 2, (length * 7) % 400, 399 - length];
            let messages = lengths.map(|length| &bytes[..length]);
            assert_eq!(sha256_of_four(messages), messages.map(sha256), "{lengths:?}");
        }
    }
}
