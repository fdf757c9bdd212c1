import { borrowEncoder, giveBack } from "./record.js";

/** What is packed was checked before, and is no block. */
const LIMITS = { blockBytes: Infinity, contentDepth: 8 };

/**
 * Options as wasm reads them (`options.rs`): DAG-CBOR of their values, in the order of the fields there. What may be missing
 * is `undefined`, bytes are a `Uint8Array`, and options within options are an array.
 */
export function packed(values) {
  const encoder = borrowEncoder();
  try {
    encoder.begin(LIMITS);
    encoder.value(present(values));
    return encoder.bytes.slice(0, encoder.at);
  } finally {
    giveBack(encoder);
  }
}

/** The same with `null` for what is missing, as DAG-CBOR has it. */
function present(value) {
  return Array.isArray(value) ? value.map(present) : (value ?? null);
}
