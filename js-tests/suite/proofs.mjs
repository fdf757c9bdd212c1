/** Proofs that a store makes, checked by the entry that knows no store (`dag-store/verify`), which cases are given as `verify`. */
import { equal, node, ok, rejects } from "./expect.mjs";

/** A hundred nodes in two scopes, and what is asked about them. */
async function filled({ DagStore }) {
  const store = new DagStore();
  await store.insertMany(Array.from({ length: 100 }, (_, i) => node(i, { scopeId: i % 3 ? "s" : "other" })));
  return { store, stateHash: await store.stateHash() };
}

/** Runs what must be refused; gives the code. */
function refused({ ProofError }, check) {
  let value;
  try {
    value = check();
  } catch (error) {
    ok(error instanceof ProofError && error.name === "ProofError" && error.message.length > 0, String(error?.stack ?? error));
    return error.code;
  }
  throw new Error(`verified: ${JSON.stringify(value)}`);
}

export const proofs = [
  [
    "a range is proved with its ends, and each of its nodes by itself",
    async (api) => {
      const { checkBlock, verifyPresence, verifyRange } = api.verify;
      const { store, stateHash } = await filled(api);
      const range = await store.proveRange({ scopeId: "s", since: 10, until: 20 });
      equal(range.stateHash, stateHash);
      const entries = verifyRange(stateHash, "s", { since: 10, until: 20 }, range.proof);
      equal(entries.map(({ timestamp }) => timestamp), [10, 11, 13, 14, 16, 17, 19, 20]);
      for (const entry of entries) {
        const block = await store.getBlock(entry.cid);
        checkBlock(entry, "s", block);
        equal(refused(api.verify, () => checkBlock(entry, "other", block)), "ERR_OTHER_BLOCK");
        verifyPresence(stateHash, block, (await store.prove(entry.cid)).proof);
      }
      const everything = await store.proveRange({ scopeId: "other" });
      equal(verifyRange(stateHash, "other", {}, everything.proof).length, 34);
    },
  ],
  [
    "what is not there is proved, and what comes later changes the state",
    async (api) => {
      const { verifyAbsence, verifyPresence } = api.verify;
      const { store, stateHash } = await filled(api);
      const other = new api.DagStore();
      const absent = node(500, { scopeId: "s" });
      const block = await other.getBlock(await other.insert(absent));
      for (const given of [absent, block, block.buffer]) {
        verifyAbsence(stateHash, block, (await store.proveAbsent(given)).proof);
      }
      const { proof } = await store.proveAbsent(absent);
      equal(refused(api.verify, () => verifyPresence(stateHash, block, proof)), "ERR_ABSENT");
      equal(refused(api.verify, () => verifyAbsence("0".repeat(64), block, proof)), "ERR_OTHER_STATE");
      await store.insert(absent);
      await rejects(store.proveAbsent(absent), "ERR_CONDITION_FAILED");
      const after = await store.stateHash();
      equal(refused(api.verify, () => verifyAbsence(after, block, proof)), "ERR_OTHER_STATE");
      await rejects(store.prove(await other.insert(node(501))), "ERR_NOT_FOUND");
    },
  ],
  [
    "a proof that was harmed in any byte is refused",
    async (api) => {
      const { verifyPresence, verifyRange } = api.verify;
      const { store, stateHash } = await filled(api);
      const times = { scopeId: "s", since: 10, until: 20 };
      const range = (await store.proveRange(times)).proof;
      const [{ cid }] = verifyRange(stateHash, "s", times, range);
      const [block, { proof }] = [await store.getBlock(cid), await store.prove(cid)];
      const checks = [[range, (harmed) => verifyRange(stateHash, "s", times, harmed)], [proof, (harmed) => verifyPresence(stateHash, block, harmed)]];
      for (const [whole, check] of checks) {
        check(whole);
        for (let at = 0; at < whole.length; at++) {
          const harmed = whole.slice();
          harmed[at] ^= 1 << at % 8;
          refused(api.verify, () => check(harmed));
          if (at % 16 === 0) refused(api.verify, () => check(whole.slice(0, at)));
        }
      }
    },
  ],
  [
    "what can't be proved is refused",
    async (api) => {
      const { store } = await filled(api);
      await rejects(store.prove("nonsense"), "ERR_INVALID_CID");
      const ranges = [undefined, {}, { scopeId: 1 }, { scopeId: "s", since: -1 }, { scopeId: "s", since: 2, until: 1 }, { scopeId: "s", upTo: 1 }];
      for (const range of ranges) await rejects(store.proveRange(range), "ERR_INVALID_ARGUMENT");
      await store.close();
      await rejects(store.proveRange({ scopeId: "s" }), "ERR_CLOSED");
    },
  ],
];
