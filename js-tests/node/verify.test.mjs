/** Proofs are checked without wasm, and come to the same in JavaScript as in Rust. What stores prove is in the suite (proofs.mjs). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ProofError, checkBlock, verifyAbsence, verifyPresence, verifyRange } from "dag-store/verify";

const vectors = new URL("../../docs/vectors/proofs.json", import.meta.url);
const { states } = JSON.parse(readFileSync(vectors, "utf8"));

const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));

/** Runs what must be refused; gives the code. */
function refused(check) {
  let value;
  try {
    value = check();
  } catch (error) {
    assert.ok(error instanceof ProofError && error.message.length > 0, error);
    assert.equal(error.name, "ProofError");
    return error.code;
  }
  throw new Error(`verified: ${JSON.stringify(value)}`);
}

/** Every way to harm bytes a little. */
function* harmed(whole) {
  for (let at = 0; at < whole.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = whole.slice();
      changed[at] ^= 1 << bit;
      yield changed;
    }
    yield whole.slice(0, at);
    yield Uint8Array.of(...whole.slice(0, at), ...whole.slice(at + 1));
    yield Uint8Array.of(...whole.slice(0, at + 1), ...whole.slice(at));
  }
  yield Uint8Array.of(...whole, 0);
}

states.forEach(({ stateHash, present, absent, ranges }, number) => {
  test(`state ${number}: presence and absence`, () => {
    for (const { block, proof } of present) {
      verifyPresence(stateHash, bytes(block), bytes(proof));
      assert.equal(refused(() => verifyAbsence(stateHash, bytes(block), bytes(proof))), "ERR_PRESENT");
      for (const other of absent) {
        refused(() => verifyPresence(stateHash, bytes(other.block), bytes(proof)));
      }
    }
    for (const { block, proof } of absent) {
      verifyAbsence(stateHash, bytes(block), bytes(proof));
      assert.equal(refused(() => verifyPresence(stateHash, bytes(block), bytes(proof))), "ERR_ABSENT");
      // A proof is as good in any kind of buffer.
      verifyAbsence(stateHash, bytes(block).buffer, new DataView(bytes(proof).buffer));
    }
  });

  test(`state ${number}: ranges`, () => {
    for (const { scopeId, since, until, entries, proof } of ranges) {
      const found = verifyRange(stateHash, scopeId, { since, until }, bytes(proof));
      assert.equal(found.length, entries.length);
      found.forEach((entry, i) => {
        const { cid, timestamp, eventType, block } = entries[i];
        assert.deepEqual([entry.cid, entry.timestamp], [cid, timestamp]);
        if (Buffer.byteLength(eventType) <= 64) assert.equal(entry.eventType, eventType);
        else assert.equal(entry.eventTypeHash.length, 32);
        checkBlock(entry, scopeId, bytes(block));
        const lies = [
          [{ ...entry, eventType: "lie" }, scopeId],
          [{ ...entry, timestamp: timestamp + 1 }, scopeId],
          [entry, `${scopeId}!`],
        ];
        for (const [lie, scope] of lies) {
          assert.equal(refused(() => checkBlock(lie, scope, bytes(block))), "ERR_OTHER_BLOCK");
        }
      });
    }
  });

  test(`state ${number}: what was harmed is refused`, () => {
    let tried = 0;
    for (const { scopeId, since, until, proof } of ranges) {
      for (const other of harmed(bytes(proof))) {
        refused(() => verifyRange(stateHash, scopeId, { since, until }, other));
        tried++;
      }
      const another = states[(number + 1) % states.length].stateHash;
      assert.equal(refused(() => verifyRange(another, scopeId, { since, until }, bytes(proof))), "ERR_OTHER_STATE");
    }
    for (const { block, proof } of [...present, ...absent]) {
      for (const other of harmed(bytes(proof))) {
        refused(() => verifyPresence(stateHash, bytes(block), other));
        refused(() => verifyAbsence(stateHash, bytes(block), other));
        tried += 2;
      }
    }
    assert.ok(tried > 50);
  });
});

test("blocks that are no node's, and arguments that make no sense, are refused", () => {
  const { stateHash, present } = states.at(-1);
  const [block, proof] = [present[0].block, present[0].proof].map(bytes);
  for (let end = 0; end < block.length; end++) {
    assert.equal(refused(() => verifyPresence(stateHash, block.slice(0, end), proof)), "ERR_INVALID_BLOCK");
  }
  const calls = [
    () => verifyPresence(stateHash.toUpperCase(), block, proof),
    () => verifyPresence(undefined, block, proof),
    () => verifyPresence(stateHash, "block", proof),
    () => verifyPresence(stateHash, block, [1, 2, 3]),
    () => verifyRange(stateHash, 7, {}, proof),
    () => verifyRange(stateHash, "s", { since: 2, until: 1 }, proof),
    () => verifyRange(stateHash, "s", { since: -1 }, proof),
    () => verifyRange(stateHash, "s", { until: 1.5 }, proof),
    ...[undefined, null, 5, "2020", { untill: 5 }, [1], { scopeId: "other" }, { scopeId: null }].map((times) => () => verifyRange(stateHash, "s", times, proof)),
    () => verifyRange(stateHash, "s", { get since() { throw 1; } }, proof),
    () => checkBlock(undefined, "s", block),
  ];
  for (const call of calls) assert.equal(refused(call), "ERR_INVALID_ARGUMENT");
});
