/**
 * Checks proofs that a store gives, without a store and without WebAssembly: that a node is in it, that a node is
 * not, that these are *all* nodes of a scope and a time.
 *
 * A proof speaks of one state hash. Whose state that is, and whether it is the newest, it can't say: take
 * the hash from someone who signs it. It also rests on the hash having been made from a well-formed trie, as
 * every store makes it.
 *
 * @packageDocumentation
 */

/** Bytes: of a block, or of a proof. */
export type BytesInput = Uint8Array | ArrayBuffer | ArrayBufferView;

/** When: Unix milliseconds, both ends included. */
export interface TimeRange {
  /** The beginning of time, unless given. */
  since?: number | undefined;
  /** The end of time, unless given. */
  until?: number | undefined;
}

/** A node that a proof shows to be in the state. */
export interface ProvedEntry {
  /** Its CID, in base32. */
  cid: string;
  /** Unix milliseconds. */
  timestamp: number;
  /** Its event type, where that has 64 bytes or less. */
  eventType?: string;
  /** The SHA-256 hash of its event type, where that has more. */
  eventTypeHash?: Uint8Array;
}

/**
 * Checks that a node is in the state with this hash (64 hexadecimal digits). The node is given by its block.
 *
 * @throws {@link ProofError}; `ERR_ABSENT` where the proof shows the contrary
 */
export function verifyPresence(stateHash: string, block: BytesInput, proof: BytesInput): void;

/**
 * Checks that a node is *not* in the state with this hash. The node is given by its block.
 *
 * @throws {@link ProofError}; `ERR_PRESENT` where the proof shows the contrary
 */
export function verifyAbsence(stateHash: string, block: BytesInput, proof: BytesInput): void;

/**
 * Checks which nodes of a scope and a time are in the state with this hash. Gives all of them, by time and
 * then digest; there are no others. Whoever has their blocks checks each by {@link checkBlock}. The range that
 * `proveRange` took can be given as `times`.
 *
 * @throws {@link ProofError}
 */
export function verifyRange(
  stateHash: string,
  scopeId: string,
  times: TimeRange & { scopeId?: string | undefined },
  proof: BytesInput,
): ProvedEntry[];

/**
 * Checks that this is the entry's block (`undefined` is none): that it has the entry's CID, and that the scope, the time and the
 * event type in it are those that the entry was proved with.
 *
 * @throws {@link ProofError}; `ERR_OTHER_BLOCK`
 */
export function checkBlock(entry: ProvedEntry, scopeId: string, block: BytesInput | undefined): void;

/** Why something does not verify. */
export type ProofErrorCode =
  /** The proof is of a later version. */
  | "ERR_UNSUPPORTED_VERSION"
  /** The bytes are no proof of what was asked. */
  | "ERR_MALFORMED"
  /** The proof leaves out a part where there may be more. */
  | "ERR_INCOMPLETE"
  /** The proof is of another state than the one with this hash, or was changed. */
  | "ERR_OTHER_STATE"
  /** The node is not in the state, though its presence was to be shown. */
  | "ERR_ABSENT"
  /** The node is in the state, though its absence was to be shown. */
  | "ERR_PRESENT"
  /** The block is no node's. */
  | "ERR_INVALID_BLOCK"
  /** The block is not that of the entry. */
  | "ERR_OTHER_BLOCK"
  /** An argument can't be read. */
  | "ERR_INVALID_ARGUMENT";

/** The error of every function here. */
export class ProofError extends Error {
  constructor(code: ProofErrorCode, message?: string);
  /** The same for all, whatever the code. */
  readonly name: "ProofError";
  /** Why. Stable, unlike the message. */
  readonly code: ProofErrorCode;
}
