/**
 * Bytes in parts, for media where a value can't be of any size. The parts of a segment have numbers that follow one
 * another, so that all segments together are one range of keys.
 */

/** Bytes of one part: below the two megabytes that a Durable Object's database allows. */
export const PART_BYTES = 1 << 20;
/** Room for so many parts in the numbers of one segment: two GiB. All numbers stay below 2^53. */
const MOST_PARTS = 1 << 11;

/** The number of a segment's part. */
export const keyOf = (sequence, part = 0) => sequence * MOST_PARTS + part;
/** The first and the last number that parts of this segment can have. */
export const rangeOf = (sequence) => [keyOf(sequence), keyOf(sequence, MOST_PARTS - 1)];
/** The segment that a part is of. */
export const sequenceOf = (key) => Math.floor(key / MOST_PARTS);

/** Takes bytes apart; none are one part. */
export function parts(bytes) {
  const list = [];
  for (let at = 0; at < bytes.length || at === 0; at += PART_BYTES) list.push(bytes.subarray(at, at + PART_BYTES));
  return list;
}

/** Puts parts together again. */
export function joined(list) {
  if (list.length === 1) return list[0];
  const whole = new Uint8Array(list.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of list) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
