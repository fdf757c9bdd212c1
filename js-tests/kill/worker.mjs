/**
 * Commits to a journal until it is killed, and says what was acknowledged; or looks what is there. The twin of
 * `tests/kill/worker.rs`, which has the rules; here any journal will do that one process can open after another.
 *
 * node worker.mjs commit|check JOURNAL PATH
 */
import { DagStore } from "dag-store";
import { FileJournal } from "dag-store/file";
import { writeSync } from "node:fs";
import process from "node:process";

/** Of each journal: how it is opened to write, and to look. */
const JOURNALS = {
  file: { commit: (path) => new FileJournal(path), check: (path) => new FileJournal(path, { readOnly: true }) },
};
/** How many commits wait together. */
const GROUP = 4;
/** How often there is a checkpoint. */
const CHECKPOINT = 40;

async function commit(journal) {
  const store = await DagStore.open({ journal });
  let last = store.opened.sequence;
  say(`open ${last}`);
  const history = new History();
  await history.goTo(last);
  for (;;) {
    const batches = [];
    for (let i = 0; i < GROUP; i++) batches.push(await history.next(store));
    const group = batches.map(async (batch, i) => {
      const number = last + 1 + i;
      const { sequence, stateHash } = await batch.commit({ stateHash: true });
      if (sequence !== number) throw new Error(`commit ${number} became ${sequence}`);
      say(`ack ${number} ${stateHash}`);
    });
    if ((last + GROUP) % CHECKPOINT === 0) group.push(store.checkpoint());
    await Promise.all(group);
    last += GROUP;
  }
}

async function check(journal) {
  const store = await DagStore.open({ journal });
  const last = store.opened.sequence;
  const model = new DagStore();
  const history = new History();
  for (let number = 1; number <= last; number++) {
    const batch = await history.next(model);
    const { stateHash } = await batch.commit({ stateHash: true });
    say(`state ${number} ${stateHash}`);
  }
  await store.verify();
  if ((await store.stateHash()) !== (await model.stateHash())) throw new Error(`not what commit ${last} left`);
  await Promise.all([store.close(), model.close()]);
}

/** Commits that follow from their numbers alone: 1 to 3 nodes each, one of which goes some time later. */
class History {
  #number = 0;
  /** The nodes of the last commit. */
  #last = [];

  async goTo(number) {
    const store = new DagStore();
    while (this.#number < number) (await this.next(store)).free();
    await store.close();
  }

  /** Stages the next commit. */
  async next(store) {
    const number = ++this.#number;
    const batch = await store.beginBatch();
    if (number % 5 === 0) await batch.removeMany(this.#last.slice(1, 2));
    const nodes = Array.from({ length: 1 + (number % 3) }, (_, place) => ({
      content: `${number}.${place}`,
      eventType: "vote",
      scopeId: `scope ${number % 4}`,
      timestamp: number,
      parents: this.#last.slice(0, 1),
    }));
    this.#last = await batch.insertMany(nodes);
    return batch;
  }
}

function say(line) {
  writeSync(1, `${line}\n`);
}

const [, , what, kind, path] = process.argv;
await { commit, check }[what](JOURNALS[kind][what](path));
