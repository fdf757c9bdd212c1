/** Several copies of the package in one program: what one gives, the other takes. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import * as esm from "dag-store";
import * as inline from "dag-store/inline";

const cjs = createRequire(import.meta.url)("dag-store");
const PAIRS = { "import and require": [esm, cjs], "require and import": [cjs, esm], "import twice": [esm, inline] };
const node = (content) => ({ content, eventType: "vote", scopeId: "s", timestamp: 0 });

for (const [name, [one, other]] of Object.entries(PAIRS)) {
  test(`${name}: errors are known as what they are`, async () => {
    const error = await new one.DagStore().get("nonsense").catch((thrown) => thrown);
    assert.ok(error instanceof one.DagStoreError && error instanceof other.DagStoreError && error instanceof Error);
    assert.equal(error.code, "ERR_INVALID_CID");
    // Passing through the other, it stays as it is.
    const throwing = function* () {
      throw error;
    };
    await assert.rejects(new other.DagStore().insertMany(throwing()), (passed) => passed === error);
    const broken = (async function* () { yield* throwing(); })();
    await assert.rejects(new other.DagStore().insertMany(broken), ({ code, cause }) => code === "ERR_STORAGE" && cause === error);
    for (const no of [new Error("e"), { code: "ERR_INVALID_CID" }, {}, null, undefined, 1, "text"]) {
      assert.ok(!(no instanceof one.DagStoreError));
    }
    class Special extends one.DagStoreError {}
    assert.ok(!(error instanceof Special));
    const special = new Special("ERR_STORAGE", "special");
    assert.ok(special instanceof Special && special instanceof one.DagStoreError && special instanceof other.DagStoreError);
  });

  test(`${name}: stores are compared, and copied, within a copy only`, async () => {
    const [first, second] = [new one.DagStore(), new other.DagStore()];
    assert.equal((await first.compare(new one.DagStore())).visited, 2);
    // Entries of one copy share its classes.
    if (one.DagStore === other.DagStore) {
      assert.equal((await first.compare(second)).visited, 2);
      assert.equal((await first.copyTo(second)).total, 0);
      return;
    }
    const refusal = { name: "DagStoreError", code: "ERR_INVALID_ARGUMENT", message: /this copy/ };
    await assert.rejects(first.compare(second), refusal);
    await assert.rejects(first.copyTo(second), refusal);
  });

  test(`${name}: links, nodes and lists are taken`, async () => {
    const [first, second] = [new one.DagStore(), new other.DagStore()];
    const id = await first.insert(node("target"));
    const link = one.Link.parse(id);
    assert.ok(other.Link.parse(id).equals(link) && link.equals(other.Link.parse(id)));
    assert.equal(await second.has(link), false);
    const linking = { ...node({ link }), parents: [link] };
    await first.insert(linking);
    await second.insertMany(first.list());
    assert.equal(await second.stateHash(), await first.stateHash());
    assert.equal(await second.insert(linking), await first.insert(linking));
    const batch = await second.beginBatch();
    await batch.removeMany((await first.list().toArray()).map(({ cid }) => cid));
    await batch.commit();
    assert.equal(await second.size(), 0);
  });
}
