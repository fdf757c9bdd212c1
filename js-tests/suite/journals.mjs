/** Journals: their contract, and what a store on one promises besides. A suite of its own, for wherever there is a medium. */
import { NotHere, equal, node, ok, rejects } from "./expect.mjs";
import { playTrace } from "./trace.mjs";

/** How many commits each of two stores makes that write at each other. */
const EACH = 40;

/** How long a case may take, in milliseconds: each commit waits for a disk, which others may keep busy. */
const LONGEST_MS = 600_000;

/**
 * @param {typeof import("dag-store/testing")} testing
 * @param {() => import("dag-store/testing").JournalMedium} makeMedium
 * @param {{ reopenEvery?: number, failEvery?: number }} [options] after how many operations of the golden trace the store is
 *   opened again; and which of the ways to fail are tried, each on a medium of its own: every so-many-th
 * @returns {{ name: string, run: (api: object) => Promise<void> }[]}
 */
export function journalSuite(testing, makeMedium, { reopenEvery = 10, failEvery = 1 } = {}) {
  const contract = testing.journalCases(makeMedium).map(({ name, run }) => ({
    name: `journal: ${name}`,
    longest: LONGEST_MS,
    async run() {
      const reason = await run();
      if (reason !== undefined) throw new NotHere(reason);
    },
  }));
  const stores = Object.entries(STORES).map(([name, check]) => ({
    name: `store on a journal: ${name}`,
    longest: LONGEST_MS,
    async run(api) {
      const place = new Place({ ...testing, ...api }, makeMedium, reopenEvery, failEvery);
      try {
        await check(place, api);
      } finally {
        await place.end();
      }
    },
  }));
  return [...contract, ...stores];
}

/** Where a case has its media and its stores. */
class Place {
  reopenEvery;
  failEvery;
  #ways = 0;
  #api;
  #makeMedium;
  #media = [];
  #stores = [];

  constructor(api, makeMedium, reopenEvery, failEvery) {
    this.#api = api;
    this.#makeMedium = makeMedium;
    this.reopenEvery = reopenEvery;
    this.failEvery = failEvery;
  }

  /** Whether the next way to fail is one of those that are left out. */
  leavesOut() {
    return this.#ways++ % this.failEvery > 0;
  }

  async medium() {
    const medium = await this.#makeMedium();
    this.#media.push(medium);
    return medium;
  }

  /** Removes one medium of many, before the end. */
  async remove(medium) {
    this.#media.splice(this.#media.indexOf(medium), 1);
    await medium.remove?.();
  }

  /** Opens a store on a medium, with a journal that fails where that is asked for. */
  async open(medium, fault) {
    const { DagStore, FaultyJournal } = this.#api;
    const journal = await medium.open();
    const store = await DagStore.open({ journal: fault ? new FaultyJournal(journal, fault) : journal });
    // One that fails is closed by whoever wanted it.
    if (!fault) this.#stores.push(store);
    return store;
  }

  /** Two stores on one medium. */
  async two() {
    const medium = await this.medium();
    const one = await this.open(medium);
    const { promises } = await one.status();
    if (promises.writers !== "many") throw new NotHere("one writer is promised");
    return { medium, one, other: await this.open(medium), promises };
  }

  async end() {
    await Promise.all(this.#stores.map((store) => store.close()));
    for (const medium of this.#media) await medium.remove?.();
  }
}

/** All that can be seen of a store. */
async function seen(store) {
  const nodes = await store.list().toArray();
  const { stateHash } = await store.verify();
  return { nodes, heads: await store.heads(), size: await store.size(), hash: await store.stateHash(), stateHash };
}

const STORES = {
  async "writes that wait together are appended together"(place, { DagStore }) {
    const journal = await (await place.medium()).open();
    const groups = [];
    const append = journal.append.bind(journal);
    journal.append = (after, segments) => {
      groups.push(segments.length);
      return append(after, segments);
    };
    const store = await DagStore.open({ journal });
    const { durability } = (await store.status()).promises;
    await Promise.all(Array.from({ length: 60 }, (_, i) => store.insert(node(i))));
    await store.close();
    equal(groups.reduce((sum, count) => sum + count), 60);
    // Who only remembers is done before anybody waits.
    if (durability === "strict") ok(groups.length <= 10, `groups of ${groups}`);
  },

  async "what was committed is there when it is opened again"(place) {
    const medium = await place.medium();
    let store = await place.open(medium);
    equal(store.opened, { sequence: 0, commits: 0, bytesCut: 0 });
    const empty = await seen(store);
    const root = await store.insert(node(0));
    const child = await store.insert(node(1, { parents: [root] }));
    const { sequence, stateHash } = await store.insertMany([node(2), node(3, { parents: [child] })]);
    equal([sequence, stateHash], [3, await store.stateHash()]);
    equal(await store.remove((await store.heads())[0]), true);
    const batch = await store.beginBatch();
    await batch.insert(node(5));
    await batch.rollback();
    const before = await seen(store);
    await store.close();
    store = await place.open(medium);
    equal(store.opened, { sequence: 4, commits: 4, bytesCut: 0 });
    equal(await seen(store), before);
    ok(before.hash !== empty.hash);
    equal((await store.insertMany([node(4)])).sequence, 5);
  },

  async "the golden trace is the same, opened again and again"(place, api) {
    let medium;
    const open = async () => place.open((medium = await place.medium()));
    let times = 0;
    await playTrace(api, open, async (store) => {
      if (++times % place.reopenEvery > 0) return store;
      if (times % 40 === 0 && (await store.status()).promises.checkpoints) await store.checkpoint();
      await store.close();
      return place.open(medium);
    });
    equal(times, 1000);
  },

  async "a checkpoint takes the place of the commits before it"(place) {
    const medium = await place.medium();
    let store = await place.open(medium);
    if (!(await store.status()).promises.checkpoints) throw new NotHere("no checkpoints are promised");
    const { inserted } = await store.insertMany(Array.from({ length: 3000 }, (_, i) => node(i)), { id: "ab".repeat(16) });
    await store.remove(inserted[0]);
    equal(await store.checkpoint(), true);
    equal(await store.checkpoint(), false, "there is one of this commit");
    await store.insert(node(5000));
    const before = await seen(store);
    await store.close();
    store = await place.open(medium);
    equal(store.opened, { sequence: 3, checkpoint: 2, commits: 1, bytesCut: 0 });
    equal(await seen(store), before);
    equal([await store.hasCommit("ab".repeat(16)), await store.hasCommit("ac".repeat(16))], [true, false]);
  },

  async "writes that overlap are all there, in the order of the calls"(place) {
    const medium = await place.medium();
    const store = await place.open(medium);
    const reading = [];
    const writing = Array.from({ length: 60 }, (_, i) => {
      reading.push(store.size());
      return i % 3 === 0 ? store.insertMany([node(i)]).then(({ inserted: [cid] }) => cid) : store.insert(node(i));
    });
    const cids = await Promise.all(writing);
    equal((await store.list().toArray()).map(({ cid }) => cid), cids);
    const sizes = await Promise.all(reading);
    ok(sizes.every((size, i) => i === 0 || size >= sizes[i - 1]), sizes.join());
    await store.close();
    const again = await place.open(medium);
    equal((await again.list().toArray()).map(({ cid }) => cid), cids);
  },

  async "calls made before the close are done, and later ones refused"(place) {
    const medium = await place.medium();
    const store = await place.open(medium);
    const writing = Array.from({ length: 10 }, (_, i) => store.insert(node(i)));
    const closing = store.close();
    await rejects(store.insert(node(100)), "ERR_CLOSED");
    const cids = await Promise.all(writing);
    await closing;
    await rejects(store.size(), "ERR_CLOSED");
    equal((await (await place.open(medium)).list().toArray()).map(({ cid }) => cid), cids);
  },

  async "two stores that write at each other lose nothing, and agree"(place) {
    const { medium, one, other } = await place.two();
    const write = async (store, scopeId) => {
      const commits = [];
      for (let i = 0; i < EACH; i++) commits.push(await store.insertMany([node(i, { scopeId })]));
      return commits;
    };
    const [ours, theirs] = await Promise.all([write(one, "one"), write(other, "other")]);
    await Promise.all([one.refresh(), other.refresh()]);
    const sequences = [...ours, ...theirs].map(({ sequence }) => sequence).sort((a, b) => a - b);
    equal(sequences, Array.from({ length: 2 * EACH }, (_, i) => i + 1), "each commit has a place of its own");
    const all = await seen(one);
    equal(await seen(other), all);
    equal(all.size, 2 * EACH);
    equal(await seen(await place.open(medium)), all);
  },

  async "of two commits under the same condition, one is refused"(place) {
    const { one, other } = await place.two();
    const root = await one.insert(node(0));
    const conditions = [{ heads: [root] }];
    const next = (store, i) =>
      store.insertMany([node(i, { parents: [root] })], { conditions }).then(
        () => "done",
        ({ code }) => code,
      );
    equal((await Promise.all([next(one, 1), next(other, 2)])).sort(), ["ERR_CONDITION_FAILED", "done"]);
    await Promise.all([one.refresh(), other.refresh()]);
    equal([await one.size(), await other.stateHash()], [2, await one.stateHash()]);
  },

  async "what others commit is seen without asking"(place) {
    const { one, other, promises } = await place.two();
    if (!promises.watch) throw new NotHere("no watching is promised");
    for (let i = 0; i < 3; i++) {
      const id = await one.insert(node(i));
      while (!(await other.has(id))) await new Promise((resolve) => setTimeout(resolve));
    }
    const changing = other.changed();
    await one.insert(node(3));
    await changing;
    await other.refresh();
    equal(await other.stateHash(), await one.stateHash());
  },

  async "waiting for others ends by a signal, and with the store"(place) {
    const store = await place.open(await place.medium());
    const controller = new AbortController();
    const waiting = store.changed({ signal: controller.signal });
    controller.abort("enough");
    equal((await rejects(waiting, "ERR_ABORTED")).cause, "enough");
    // Listened to from the first: the journal may take a while to close.
    const ended = rejects(store.changed(), "ERR_CLOSED");
    await store.close();
    await ended;
  },

  async "a commit of unknown outcome is settled by its id"(place) {
    for (const [when, isThere] of Object.entries({ after: true, before: false, half: false })) {
      const medium = await place.medium();
      // Every other error says that nothing was written.
      const code = when === "before" ? "ERR_STORAGE" : "ERR_OUTCOME_UNKNOWN";
      const store = await place.open(medium, { call: "append", at: 2, when });
      const first = await store.insert(node(0));
      const id = "0123456789abcdef".repeat(2);
      const error = await rejects(store.insertMany([node(1)], { id }), code, when);
      equal(error.commitId ?? id, id);
      if (code === "ERR_OUTCOME_UNKNOWN") await rejects(store.get(first), "ERR_NEEDS_REOPEN", when);
      else equal(await store.size(), 1);
      await store.close();
      const again = await place.open(medium);
      equal([await again.hasCommit(id), await again.size()], [isThere, isThere ? 2 : 1], when);
    }
  },

  async "whichever call fails, nothing that was acknowledged is lost"(place, api) {
    const states = await statesOf(api);
    for (const way of WAYS) {
      for (let at = 1; ; at++) {
        if (place.leavesOut()) continue;
        const what = `call ${at} fails ${way.when} its effect, ${way.times}`;
        const trial = new Trial(place, await place.medium(), states, what);
        const failed = await trial.run({ at, ...way });
        await trial.end();
        if (!failed) break;
      }
    }
  },

  async "nor where another call fails while the first fault is recovered from"(place, api) {
    const states = await statesOf(api);
    let failed = 0;
    for (const when of ["after", "half"]) {
      for (const way of WAYS) {
        for (let at = 1; at <= 6; at++) {
          if (place.leavesOut()) continue;
          const what = `an append fails ${when} its effect, then call ${at} ${way.when} its, ${way.times}`;
          const trial = new Trial(place, await place.medium(), states, what);
          equal(await trial.run({ call: "append", at: 2, when, times: "always" }), true, what);
          failed += await trial.run({ at, ...way });
          await trial.end();
        }
      }
    }
    ok(failed * place.failEvery > 40, `${failed} second faults were seen`);
  },

  async "a store is moved here and from here, and goes on where that was stopped"(place, { DagStore }) {
    const source = new DagStore();
    let parents = [];
    for (let i = 0; i < 30; i++) {
      const nodes = Array.from({ length: 100 }, (_, j) => node(100 * i + j, { parents }));
      parents = (await source.insertMany(nodes)).inserted.slice(0, 2);
    }
    const expected = await seen(source);
    const medium = await place.medium();
    // The second commit fails, and may have happened.
    let store = await place.open(medium, { call: "append", at: 2, when: "half" });
    await rejects(source.copyTo(store), "ERR_OUTCOME_UNKNOWN");
    await store.close();
    store = await place.open(medium);
    const there = await store.size();
    equal(there, 1024);
    const { nodes, skipped, stateHash } = await source.copyTo(store, { verify: true });
    equal([nodes, skipped, stateHash], [3000 - there, there, expected.hash]);
    await store.close();
    // And from one medium to another.
    const [from, to] = [await place.open(medium), await place.open(await place.medium())];
    equal(await seen(from), expected);
    equal((await from.copyTo(to, { verify: true })).nodes, 3000);
    equal(await seen(to), expected);
  },

  async "what is left of a journal can be saved into memory"(place, { DagStore }) {
    const medium = await place.medium();
    const store = await place.open(medium);
    await store.insertMany([node(0), node(1)]);
    await store.insert(node(2));
    const hash = await store.stateHash();
    await store.close();
    const { store: saved, sequence, damage } = await DagStore.recover({ journal: await medium.open() });
    equal([sequence, damage, await saved.stateHash()], [2, undefined, hash]);
    await saved.insert(node(3));
    equal([(await saved.status()).promises, saved.opened], [undefined, undefined]);
    await saved.close();
  },
};

/** Every way to fail. */
const WAYS = ["before", "after", "half"].flatMap((when) => ["once", "always"].map((times) => ({ when, times })));

/** Commits, in order, each of another kind. */
const SCRIPT = [
  (store) => store.insert(node(0)),
  (store) => store.insertMany([node(1), node(2), node(3)]),
  async (store) => store.remove((await store.heads())[0]),
  async (store) => {
    const batch = await store.beginBatch();
    await batch.insert(node(4));
    return batch.commit();
  },
  (store) => store.insertMany([node(5)], { id: "ef".repeat(16) }),
];
/** After so many of them there is a checkpoint. */
const CHECKPOINT_AFTER = 3;

/** What a store lists before the first commit of the script, and after each. */
async function statesOf({ DagStore }) {
  const store = new DagStore();
  const states = [[]];
  for (const step of SCRIPT) {
    await step(store);
    states.push(await cidsIn(store));
  }
  await store.close();
  return states;
}

const cidsIn = async (store) => (await store.list().toArray()).map(({ cid }) => cid);

/** A medium on which the script is gone through while calls fail; and what somebody outside knows of it. */
class Trial {
  #acknowledged = 0;

  constructor(place, medium, states, what) {
    Object.assign(this, { place, medium, states, what });
  }

  /** Goes on with the script until something fails; tells whether it did. */
  async run(fault) {
    let store;
    try {
      store = await this.place.open(this.medium, fault);
      await this.#check(store);
      const { checkpoints } = (await store.status()).promises;
      for (const step of SCRIPT.slice(this.#acknowledged)) {
        if (checkpoints && this.#acknowledged === CHECKPOINT_AFTER) await store.checkpoint();
        await step(store);
        this.#acknowledged++;
        await store.refresh();
      }
      equal(await store.hasCommit("ef".repeat(16)), true, this.what);
      return false;
    } catch (error) {
      equal(error?.name, "DagStoreError", `${this.what}: ${error?.stack}`);
      return true;
    } finally {
      await store?.close().catch(({ name }) => equal(name, "DagStoreError"));
    }
  }

  /** With nothing failing, all is there that was acknowledged, and the rest can be done. */
  async end() {
    equal(await this.run(), false, this.what);
    const store = await this.place.open(this.medium);
    await store.verify();
    equal(await cidsIn(store), this.states.at(-1), this.what);
    await store.close();
    await this.place.remove(this.medium);
  }

  /** What is there must be what some commit left: the last that was acknowledged, or the one after that. */
  async #check(store) {
    const { sequence } = store.opened;
    const { what } = this;
    ok(sequence === this.#acknowledged || sequence === this.#acknowledged + 1, `${what}: ${sequence} of ${this.#acknowledged} are there`);
    equal(await cidsIn(store), this.states[sequence], what);
    this.#acknowledged = sequence;
  }
}
