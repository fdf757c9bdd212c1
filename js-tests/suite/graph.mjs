/** Questions about the graph. */
import { equal, node, ok, rejects, shuffled } from "./expect.mjs";

const SCOPES = ["a", "b"];
const TYPES = ["vote", "anchor", "my own"];

/**
 * A DAG that is the same in every language and run: forks, merges of up to three, criss-crosses, two roots,
 * equal times. Gives the store, the nodes in the order of insertion, and what the answers should be.
 */
async function filled({ DagStore }, count = 120) {
  const store = new DagStore();
  const dice = shuffled(count * 4, 7);
  const pick = (i, k, below) => dice[(i * 3 + k) % dice.length] % below;
  const nodes = [];
  for (let i = 0; i < count; i++) {
    const parents = new Set();
    if (i > 1) for (let k = 0; k <= pick(i, 0, 3); k++) parents.add(nodes[i - 1 - pick(i, k, Math.min(i, 9))].cid);
    const given = node(i, {
      scopeId: SCOPES[pick(i, 1, 2)],
      eventType: TYPES[pick(i, 2, 3)],
      timestamp: pick(i, 1, 5),
      parents: [...parents],
    });
    nodes.push({ ...given, cid: await store.insert(given) });
  }
  return { store, nodes, model: new Model(nodes) };
}

const cids = (nodes) => nodes.map(({ cid }) => cid);

/** What a store should answer, worked out the slow and obvious way. */
class Model {
  constructor(nodes) {
    this.nodes = nodes;
    this.byCid = new Map();
    for (const { cid, ...rest } of nodes) {
      const generation = Math.max(-1, ...rest.parents.map((parent) => this.byCid.get(parent).generation)) + 1;
      // The same digits in the order of their values, so that text compares as the bytes do.
      const digest = cid.replace(/[2-7]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0x60));
      this.byCid.set(cid, { cid, generation, digest, ...rest });
    }
  }

  parents = (cid) => this.byCid.get(cid).parents;
  children = (cid) => cids(this.nodes.filter(({ parents }) => parents.includes(cid)));

  /** What is reached from these nodes, with the distance from the nearest. */
  reached(next, starts) {
    const reached = new Map();
    let coming = starts;
    for (let depth = 0; coming.length > 0; depth++) {
      coming = coming.filter((cid) => !reached.has(cid));
      for (const cid of coming) reached.set(cid, depth);
      coming = coming.flatMap(next);
    }
    return reached;
  }

  sort(all) {
    const keyed = [...all].map((cid) => this.byCid.get(cid));
    const text = (one, other) => (one < other ? -1 : Number(one > other));
    keyed.sort((one, other) =>
      one.generation - other.generation || one.timestamp - other.timestamp || text(one.digest, other.digest));
    return cids(keyed);
  }

  ancestors = (...starts) => this.sort(this.reached(this.parents, starts).keys()).reverse();
  descendants = (...starts) => this.sort(this.reached(this.children, starts).keys());
  isAncestor = (ancestor, descendant) => this.reached(this.parents, [descendant]).has(ancestor);

  mergeBases(ids) {
    const pasts = ids.map((id) => this.reached(this.parents, [id]));
    const common = [...pasts[0].keys()].filter((cid) => pasts.every((past) => past.has(cid)));
    const best = common.filter((cid) => !common.some((other) => other !== cid && this.isAncestor(cid, other)));
    return this.sort(best).reverse();
  }

  path(from, to) {
    if (!this.isAncestor(to, from)) return this.isAncestor(from, to) ? this.path(to, from).reverse() : undefined;
    const distances = this.reached(this.children, [to]);
    const path = [from];
    while (path.at(-1) !== to) {
      const last = path.at(-1);
      path.push(this.parents(last).find((parent) => distances.get(parent) === distances.get(last) - 1));
    }
    return path;
  }
}

export const graph = [
  [
    "parents, children and roots",
    async (api) => {
      const { store, nodes, model } = await filled(api);
      for (const { cid } of nodes) {
        equal(await store.parents(cid), model.parents(cid));
        equal(await store.children(cid), model.children(cid));
      }
      equal(await store.roots(), cids(nodes.filter(({ parents }) => parents.length === 0)));
      const ofScope = ({ scopeId, parents }) =>
        scopeId === "a" && !parents.some((parent) => model.byCid.get(parent).scopeId === "a");
      equal(await store.roots({ scopeId: "a" }), cids(nodes.filter(ofScope)));
      equal(await store.roots({ scopeId: "nobody's" }), []);
    },
  ],
  [
    "ancestors and descendants, in every way of reading them",
    async (api) => {
      const { store, nodes, model } = await filled(api);
      for (const at of [0, 1, 2, 30, 60, 119]) {
        const { cid } = nodes[at];
        equal(await store.ancestors(cid).cids().toArray(), model.ancestors(cid));
        equal(await store.descendants(cid).cids().toArray(), model.descendants(cid));
      }
      const starts = [nodes[40].cid, nodes[90].cid, nodes[41].cid];
      const expected = model.ancestors(...starts);
      ok(expected.length > 20);
      for (const given of [starts, new Set(starts), [...starts, starts[0]], starts.values()]) {
        equal(await store.ancestors(given).cids().toArray(), expected);
      }
      equal(cids(await store.ancestors(starts).toArray()), expected);
      const iterated = [];
      for await (const { cid } of store.ancestors(starts)) iterated.push(cid);
      for await (const cid of store.ancestors(starts).cids()) iterated.push(cid);
      equal(iterated, [...expected, ...expected]);
      equal(await store.ancestors([]).cids().toArray(), []);
      const walk = store.ancestors(starts);
      equal((await walk.toArray())[3], await store.get(expected[3]));
      equal(await walk.cids().toArray(), expected, "a walk can be made again");
    },
  ],
  [
    "depth, limit, filters and what is excluded",
    async (api) => {
      const { store, nodes, model } = await filled(api);
      for (const [name, next] of [["ancestors", model.parents], ["descendants", model.children]]) {
        const starts = [nodes[50].cid, nodes[70].cid];
        const all = model[name](...starts);
        const distances = model.reached(next, starts);
        const gone = model.reached(next, [nodes[60].cid]);
        const cases = [
          [{ depth: 0 }, (cid) => distances.get(cid) === 0],
          [{ depth: 2 }, (cid) => distances.get(cid) <= 2],
          [{ depth: Number.MAX_SAFE_INTEGER }, () => true],
          [{ excluding: nodes[60].cid }, (cid) => !gone.has(cid)],
          [{ excluding: [nodes[60].cid], depth: 3 }, (cid) => !gone.has(cid) && distances.get(cid) <= 3],
          [{ excluding: [] }, () => true],
          [{ scopeId: "b" }, (cid) => model.byCid.get(cid).scopeId === "b"],
          [{ eventTypes: ["vote", "my own"] }, (cid) => model.byCid.get(cid).eventType !== "anchor"],
          [{ eventTypes: [] }, () => false],
          [{ since: 1, until: 3 }, (cid) => [1, 2, 3].includes(model.byCid.get(cid).timestamp)],
        ];
        for (const [options, chosen] of cases) {
          const expected = all.filter(chosen);
          equal(await store[name](starts, options).cids().toArray(), expected, `${name} ${JSON.stringify(options)}`);
          equal(cids(await store[name](starts, { ...options, limit: 4 }).toArray()), expected.slice(0, 4));
        }
        equal(await store[name](starts, { limit: 0 }).cids().page(), { cids: [], cursor: undefined });
      }
    },
  ],
  [
    "pages and cursors",
    async (api) => {
      const { store, nodes, model } = await filled(api);
      const starts = [nodes[117].cid, nodes[118].cid];
      const walks = {
        ancestors: (options) => store.ancestors(starts, options),
        descendants: (options) => store.descendants([nodes[0].cid, nodes[1].cid], options),
        topological: (options) => store.topological(options),
      };
      for (const [name, walk] of Object.entries(walks)) {
        const expected = await walk().cids().toArray();
        ok(expected.length > 50);
        for (const limit of [1, 7, 50]) {
          const found = [];
          let cursor;
          do {
            const page = await walk({ limit, cursor }).cids().page();
            ok(page.cids.length <= limit && (cursor === undefined || typeof cursor === "string"));
            found.push(...page.cids);
            cursor = page.cursor;
          } while (cursor !== undefined);
          equal(found, expected, `${name}, ${limit} a page`);
        }
        const page = await walk({ limit: 9 }).page();
        equal([cids(page.nodes), Object.keys(page)], [expected.slice(0, 9), ["nodes", "cursor"]]);
        equal(cids(await walk({ cursor: page.cursor }).toArray()), expected.slice(9));
      }
      const { cursor } = await store.list({ limit: 2 }).page();
      for (const foreign of [cursor, "nonsense", ""]) {
        for (const walk of Object.values(walks)) await rejects(walk({ cursor: foreign }).toArray(), "ERR_INVALID_ARGUMENT");
      }
      ok(model.nodes.length === 120);
    },
  ],
  [
    "the topological order is that of the set alone",
    async (api) => {
      const { store, nodes, model } = await filled(api);
      const expected = model.sort(cids(nodes));
      equal(await store.topological().cids().toArray(), expected);
      equal(cids(await store.topological().toArray()), expected);
      const other = new api.DagStore();
      await other.insertMany(shuffled(nodes.length, 3).map((i) => nodes[i]));
      equal(await other.topological().cids().toArray(), expected);
      const ofScope = expected.filter((cid) => model.byCid.get(cid).scopeId === "a");
      equal(await store.topological({ scopeId: "a" }).cids().toArray(), ofScope);
      equal(await store.topological({ limit: 3 }).cids().toArray(), expected.slice(0, 3));
    },
  ],
  [
    "ancestry, merge bases, paths and differences",
    async (api) => {
      const { store, nodes, model } = await filled(api, 60);
      const all = cids(nodes);
      let several = 0;
      for (let i = 0; i < 60; i++) {
        for (const j of [0, 1, i, (i * 7) % 60, (i * 11 + 5) % 60, (i + 59) % 60]) {
          const [one, other] = [all[i], all[j]];
          equal(await store.isAncestor(one, other), model.isAncestor(one, other), `${i} of ${j}`);
          const bases = model.mergeBases([one, other]);
          several += bases.length > 1 ? 1 : 0;
          equal(await store.mergeBases([one, other]), bases, `${i} and ${j}`);
          equal(await store.path(one, other), model.path(one, other), `${i} to ${j}`);
        }
        const three = [all[i], all[(i * 7) % 60], all[(i * 13) % 60]];
        equal(await store.mergeBases(new Set(three)), model.mergeBases(three));
      }
      ok(several > 0, "some have several merge bases");
      equal(await store.mergeBases([all[5]]), [all[5]]);
      await rejects(store.mergeBases([]), "ERR_INVALID_ARGUMENT");
      const [left, right] = [[all[55], all[40]], [all[50]]];
      const diff = store.diff(left, right);
      const only = (ours, theirs) => {
        const past = new Set(model.ancestors(...theirs));
        return model.ancestors(...ours).filter((cid) => !past.has(cid));
      };
      equal(await diff.left.cids().toArray(), only(left, right));
      equal(cids(await diff.right.toArray()), only(right, left));
      // Page by page, either side by its own cursors.
      ok((await diff.left.cids().toArray()).length > 3);
      for (const side of ["left", "right"]) {
        const whole = await diff[side].cids().toArray();
        const found = [];
        let cursor;
        do {
          const page = await store.diff(left, right, { limit: 1, cursor })[side].cids().page();
          found.push(...page.cids);
          cursor = page.cursor;
        } while (cursor !== undefined);
        equal(found, whole, side);
      }
    },
  ],
  [
    "golden answers, the same in Rust",
    async ({ DagStore }) => {
      const store = new DagStore();
      const put = (name, ...parents) =>
        store.insert({ content: name, eventType: "receipt", scopeId: "golden", timestamp: 1, parents });
      const root = await put("root");
      const [left, right] = [await put("left", root), await put("right", root)];
      // A criss-cross, whose two sides have two best common ancestors.
      const [one, other] = [await put("one", left, right), await put("other", right, left)];
      const end = await put("end", one, other);
      equal(await store.topological().cids().toArray(), GOLDEN);
      equal(await store.ancestors(end).cids().toArray(), [...GOLDEN].reverse());
      equal(await store.mergeBases([one, other]), GOLDEN.slice(1, 3).reverse());
      equal(await store.path(end, root), [end, one, left, root]);
      equal(await store.path(root, other), [root, right, other]);
    },
  ],
  [
    "a question about a node that isn't there",
    async (api) => {
      const { store, nodes } = await filled(api, 10);
      const here = nodes[3].cid;
      const unknown = await new api.DagStore().insert(node(99));
      const asked = [
        () => store.parents(unknown),
        () => store.children(unknown),
        () => store.isAncestor(here, unknown),
        () => store.isAncestor(unknown, here, { onProgress: () => {} }),
        () => store.mergeBases([here, unknown]),
        () => store.path(unknown, here),
        () => store.ancestors(unknown).toArray(),
        () => store.ancestors([here, unknown]).cids().page(),
        () => store.descendants(unknown).page(),
        () => store.ancestors(here, { excluding: unknown }).cids().toArray(),
        () => store.diff(here, unknown).left.cids().toArray(),
        // Though nothing is wanted of it.
        () => store.ancestors(unknown, { limit: 0 }).toArray(),
        () => store.descendants(unknown, { eventTypes: [] }).cids().page(),
        () => store.diff(here, unknown, { limit: 0 }).right.page(),
      ];
      for (const ask of asked) equal((await rejects(ask, "ERR_NOT_FOUND", String(ask))).cid, unknown);
    },
  ],
  [
    "arguments that make no sense",
    async (api) => {
      const { store, nodes } = await filled(api, 10);
      const here = nodes[3].cid;
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      for (const id of [undefined, null, 5, "no id", {}, [5], [here, "no id"], new Uint8Array(3), () => here]) {
        for (const walk of ["ancestors", "descendants"]) {
          await rejects(store[walk](id).toArray(), "ERR_INVALID_CID", walk);
          await rejects(store[walk](id).cids().page(), "ERR_INVALID_CID", walk);
        }
        await rejects(store.diff(here, id).right.toArray(), "ERR_INVALID_CID");
        await rejects(store.parents(id), "ERR_INVALID_CID");
        await rejects(store.children(id), "ERR_INVALID_CID");
        await rejects(store.isAncestor(here, id), "ERR_INVALID_CID");
        await rejects(store.path(id, here), "ERR_INVALID_CID");
      }
      for (const ids of [undefined, here, 5]) await rejects(store.mergeBases(ids), "ERR_INVALID_ARGUMENT");
      const throws = { [Symbol.iterator]() { throw new Error("mine"); } };
      for (const ids of [throws, proxy]) {
        ok(await store.ancestors(ids).toArray().catch(({ code }) => /^ERR_INVALID_/.test(code)));
      }
      equal((await rejects(store.ancestors(throws).toArray(), "ERR_INVALID_ARGUMENT")).cause.message, "mine");
      const odd = [null, 5, [], { order: "time" }, { reverse: true }, { depth: -1 }, { depth: "1" }, { limit: 1.5 },
        { scopeId: 1 }, { eventTypes: "vote" }, { cursor: 1 }, { signal: {} }, { onProgress: 1 }];
      for (const options of odd) {
        await rejects(store.ancestors(here, options).toArray(), "ERR_INVALID_ARGUMENT", JSON.stringify(options));
        await rejects(store.descendants(here, options).cids().page(), "ERR_INVALID_ARGUMENT");
        await rejects(store.topological(options).toArray(), "ERR_INVALID_ARGUMENT");
        await rejects(store.diff(here, here, options).left.toArray(), "ERR_INVALID_ARGUMENT");
      }
      await rejects(store.topological({ depth: 1 }).toArray(), "ERR_INVALID_ARGUMENT");
      await rejects(store.isAncestor(here, here, { depth: 1 }), "ERR_INVALID_ARGUMENT");
      await rejects(store.roots({ limit: 1 }), "ERR_INVALID_ARGUMENT");
      await rejects(store.ancestors(here, { excluding: "no id" }).toArray(), "ERR_INVALID_CID");
    },
  ],
  [
    "ids in every form, copied when the walk is made",
    async (api) => {
      const { store, nodes } = await filled(api, 10);
      const { cid } = nodes[5];
      const expected = await store.ancestors(cid).cids().toArray();
      const bytes = fromBase32(cid);
      const ids = [bytes.slice()];
      const walk = store.ancestors(ids);
      ids[0].fill(0);
      ids.push("no id");
      equal(await walk.cids().toArray(), expected);
      equal(await store.ancestors(bytes).cids().toArray(), expected);
      equal(await store.ancestors(new api.Link(bytes)).cids().toArray(), expected);
      equal(await store.isAncestor(bytes, new api.Link(bytes)), true);
    },
  ],
  [
    "a walk goes on while others write",
    async (api) => {
      const { store, nodes, model } = await filled(api);
      const head = nodes[119].cid;
      const expected = model.ancestors(head);
      const seen = [];
      for await (const cid of store.ancestors(head).cids()) {
        seen.push(cid);
        if (seen.length % 10 === 0) await store.insert(node(1000 + seen.length, { parents: [cid] }));
      }
      equal(seen, expected);
      const page = await store.ancestors(head, { limit: 5 }).cids().page();
      const newest = (await store.heads()).filter((cid) => !model.byCid.has(cid));
      ok(newest.length > 2);
      for (const cid of newest) await store.remove(cid);
      equal(await store.ancestors(head, { cursor: page.cursor }).cids().toArray(), expected.slice(5));
    },
  ],
  [
    "long walks give way, tell how far they are, and can be given up",
    async ({ DagStore }) => {
      const store = new DagStore();
      const batch = await store.beginBatch();
      let parent;
      const all = [];
      for (let i = 0; i < 3_000; i++) {
        parent = await batch.insert(node(i, { parents: parent === undefined ? [] : [parent] }));
        all.push(parent);
      }
      await batch.commit();
      const told = [];
      const onProgress = ({ done }) => told.push(done);
      equal(await store.ancestors(parent, { onProgress }).cids().toArray(), [...all].reverse());
      ok(told.length > 1 && told.at(-1) === 3_000 && told.every((done, i) => i === 0 || done >= told[i - 1]), `${told}`);
      equal((await store.descendants(all[0], { onProgress }).toArray()).length, 3_000);
      const controller = new AbortController();
      let read = 0;
      const loop = async () => {
        for await (const _ of store.ancestors(parent, { signal: controller.signal })) {
          if (++read === 100) controller.abort("enough");
        }
      };
      equal((await rejects(loop, "ERR_ABORTED")).cause, "enough");
      equal(read, 100);
      for (const ask of [() => store.isAncestor(all[0], parent, { signal: AbortSignal.abort() }),
        () => store.mergeBases(all, { signal: AbortSignal.abort() }),
        () => store.path(parent, all[0], { signal: AbortSignal.abort() })]) await rejects(ask, "ERR_ABORTED");
      const progress = [];
      const path = await store.path(parent, all[0], { onProgress: (each) => progress.push(each) });
      equal([path.length, progress.length > 0], [3_000, true]);
      equal(await store.mergeBases(all.slice(10), { onProgress }), [all[10]]);
    },
  ],
  [
    "closing, and methods without their store",
    async (api) => {
      const { store, nodes } = await filled(api, 10);
      const { cid } = nodes[9];
      const before = store.ancestors(cid).cids();
      const reading = store.ancestors(cid).toArray();
      await store.close();
      ok((await reading).length > 0);
      for (const ask of [() => before.toArray(), () => store.parents(cid), () => store.children(cid), () => store.roots(),
        () => store.isAncestor(cid, cid), () => store.mergeBases([cid]), () => store.path(cid, cid),
        () => store.topological().toArray(), () => store.descendants(cid).cids().page()]) await rejects(ask, "ERR_CLOSED");
      for (const name of ["parents", "children", "roots", "isAncestor", "mergeBases", "path", "ancestors", "descendants",
        "topological", "diff"]) {
        const { [name]: method } = store;
        await rejects(async () => method(cid, cid), "ERR_INVALID_ARGUMENT", name);
      }
    },
  ],
];

/** The bytes of a CID's text. */
function fromBase32(text) {
  const digits = [...text.slice(1)].map((digit) => "abcdefghijklmnopqrstuvwxyz234567".indexOf(digit));
  const bits = digits.map((digit) => digit.toString(2).padStart(5, "0")).join("");
  return Uint8Array.from({ length: 36 }, (_, i) => Number.parseInt(bits.slice(8 * i, 8 * i + 8), 2));
}

/** `root`, then `left` and `right`, then `one` and `other`, each pair by digest, then `end`. */
const GOLDEN = [
  "bafyreibaqtv2tu4vbnzqdqlwwpejie6o2otlnehnrexgdf2kv4ba6tjxdm",
  "bafyreiavxlydkff74y3cmtaa423ravctop5y35l3nnpejt6t6n7pavzshy",
  "bafyreidk4obnyxvm7dzt2mwv3a2wsqgrwvohrinfy5o225d6fowimiwh2y",
  "bafyreiczdfa7etxlhjqqly7y6l74cbnzrkng3enw7empl6ojrdngicgiwu",
  "bafyreigfzafczcd2faunly5ucwmz5rtgorbud2byiu2bwkzhgydoptwpzy",
  "bafyreie5svebm63nr7bsmu2dalymhpvvughtbulriejcdcpdtoduyvnope",
];
