/** Nodes put in one by one and read by their names, beside what else keeps a history of changes, or blocks. */
import * as Automerge from "@automerge/automerge";
import * as dagCbor from "@ipld/dag-cbor";
import { Identities, KeyStore, Log, MemoryStorage } from "@orbitdb/core";
import { MemoryBlockstore } from "blockstore-core";
import { DagStore } from "dag-store";
import { LoroDoc } from "loro-crdt";
import * as Y from "yjs";
import { inTurns, many, microseconds, report, same, wants } from "./measure.mjs";
import { chain } from "./nodes.mjs";
import { ByHand } from "./reference.mjs";

const ROUNDS = many(120, 3);
const CHUNK = 20;

const nodes = chain(ROUNDS * CHUNK);
const parts = Array.from({ length: ROUNDS }, (_, round) => nodes.slice(round * CHUNK, (round + 1) * CHUNK));

/** Each puts a node in, as a commit of its own, and gives what it is called; and reads it by that. */
const SIDES = {
  "dag-store": () => {
    const store = new DagStore();
    return { insert: ({ ours }) => store.insert(ours), get: (id) => store.get(id) };
  },
  Loro: () => {
    const document = new LoroDoc();
    const map = document.getMap("nodes");
    const insert = ({ id, ours }) => {
      map.set(id, ours);
      document.commit();
      return id;
    };
    return { insert, get: (id) => map.get(id) };
  },
  Yjs: () => {
    const map = new Y.Doc().getMap("nodes");
    const insert = ({ id, ours }) => {
      map.set(id, ours);
      return id;
    };
    return { insert, get: (id) => map.get(id) };
  },
  Automerge: () => {
    let document = Automerge.from({ nodes: {} });
    const insert = ({ id, ours }) => {
      document = Automerge.change(document, ({ nodes }) => {
        nodes[id] = ours;
      });
      return id;
    };
    return { insert, get: (id) => document.nodes[id] };
  },
  "blockstore-core": () => {
    const store = new MemoryBlockstore();
    const maker = new ByHand();
    const insert = ({ byHand }) => {
      const { cid, block } = maker.make(byHand);
      return store.put(cid, block);
    };
    const get = async (cid) => {
      for await (const block of store.get(cid)) return dagCbor.decode(block);
    };
    return { insert, get };
  },
  OrbitDB: async () => {
    const keystore = await KeyStore({ storage: await MemoryStorage() });
    const identities = await Identities({ keystore, storage: await MemoryStorage() });
    const log = await Log(await identities.createIdentity({ id: "bench" }), { logId: "nodes" });
    return { insert: async ({ ours }) => (await log.append(ours)).hash, get: async (id) => (await log.get(id)).payload };
  },
};

const sides = {};
for (const [name, make] of Object.entries(SIDES)) sides[name] = { ...(await make()), ids: [] };

const inserting = ({ insert, ids }) => async (round) => {
  for (const node of parts[round]) ids.push(await insert(node));
};
const getting = ({ get, ids }) => async (round) => {
  for (const id of ids.slice(round * CHUNK, (round + 1) * CHUNK)) await get(id);
};
const each = (way) => Object.fromEntries(Object.entries(sides).map(([name, side]) => [name, way(side)]));

const inserted = await inTurns(ROUNDS, CHUNK, each(inserting));
for (const [name, { get, ids }] of Object.entries(sides)) same((await get(ids.at(-1))).content, nodes.at(-1).ours.content, name);
if (wants("W13")) report("W13", microseconds(inserted), ROUNDS);
if (wants("W13-get")) report("W13-get", microseconds(await inTurns(ROUNDS, CHUNK, each(getting))), ROUNDS);
