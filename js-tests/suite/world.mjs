/** A world in which somebody has tampered with what all objects share. */
import { equal, node, ok, rejects } from "./expect.mjs";
import { roundTrip } from "./strange.mjs";

/** Gives a shared object properties for as long as the task runs. */
async function polluted(target, properties, task) {
  for (const key of Reflect.ownKeys(properties)) Object.setPrototypeOf(properties[key], null);
  Object.defineProperties(target, properties);
  try {
    await task();
  } finally {
    for (const key of Reflect.ownKeys(properties)) delete target[key];
  }
}

/** What the package reads or writes. (Members like `0` and `return` are read by the engine itself, in everybody's loops.) */
const KEYS = [
  "content", "eventType", "scopeId", "timestamp", "parents", "nonce", "cid", "bytes", "/", "asCID", "code", "cause", "parent",
  "commitId", "message", "sequence", "inserted", "removed", "stateHash", "conditions", "heads", "absent", "id", "limits", "limit",
  "cursor", "order", "reverse", "since", "until", "eventTypes", "signal", "onProgress", "done", "total", "nodes", "links", "odd",
  "after", "scopes", "other", "visited", "onlyHere", "onlyThere", "stateHashes", "history", "afterCommit", "from", "only", "blockBytes", "batchOperations", "byTime", "name", "get", "set", "value", "writable", "enumerable", "configurable",
];

const plain = (value) => ({ value, configurable: true, writable: true, enumerable: true });

async function useAll({ DagStore }) {
  const store = new DagStore();
  const content = { odd: 1, code: 2, list: [1, { cid: 3 }] };
  const given = { content, eventType: "vote", scopeId: "s", timestamp: 3 };
  const id = await store.insert(given);
  const read = await store.get(id);
  equal(Object.keys(read), ["cid", "content", "eventType", "scopeId", "timestamp", "parents"]);
  equal([read.timestamp, read.parents, Object.keys(read.content)], [3, [], ["odd", "code", "list"].sort(byLength)]);
  equal([await store.size({}), (await store.insertMany([], {})).sequence, (await store.list({}).toArray()).length], [1, 1, 1]);
  await rejects(store.insert({ content: 1, eventType: "vote" }), "ERR_INVALID_NODE");
  const error = await rejects(store.insertMany([node(1)], { conditions: [{ absent: id }] }), "ERR_CONDITION_FAILED");
  equal(Object.hasOwn(error, "commitId") && error.commitId === "polluted", false);
  await rejects(store.get("no id"), "ERR_INVALID_CID");
  equal([await store.count({ scopeId: "s" }), await store.scopes({})], [1, [{ scopeId: "s", nodes: 1 }]]);
  equal((await store.compare(new DagStore(), {})).onlyHere, [id]);
  await roundTrip(store);
}

const byLength = (a, b) => a.length - b.length || (a < b ? -1 : 1);

export const world = [
  ...KEYS.flatMap((key) => [
    [`Object.prototype.${key} is text`, (api) => polluted(Object.prototype, { [key]: plain("polluted") }, () => useAll(api))],
    [
      `Object.prototype.${key} is a getter that throws, and a setter that listens`,
      async (api) => {
        const heard = [];
        const accessor = { get() { throw new Error("polluted"); }, set: (value) => heard.push(value), configurable: true };
        await polluted(Object.prototype, { [key]: accessor }, () => useAll(api));
        equal(heard, []);
      },
    ],
  ]),
  [
    "Array.prototype has members",
    async (api) => {
      await polluted(Array.prototype, { 0: plain("polluted"), 1: plain("polluted") }, async () => {
        const store = new api.DagStore();
        await rejects(store.insert(node(1, { content: [,] })), "ERR_INVALID_NODE", "a hole is a hole");
        await rejects(store.insert(node(1, { parents: [,] })), "ERR_INVALID_CID");
        await useAll(api);
      });
    },
  ],
  [
    "what comes out has nothing of what was in",
    async ({ DagStore }) => {
      const store = new DagStore();
      const content = JSON.parse('{ "__proto__": { "admin": true }, "constructor": { "prototype": { "admin": true } } }');
      const read = (await store.get(await store.insert(node(1, { content })))).content;
      equal(Object.keys(read), ["__proto__", "constructor"]);
      ok(Object.getPrototypeOf(read) === Object.prototype && read.admin === undefined && {}.admin === undefined);
    },
  ],
];
