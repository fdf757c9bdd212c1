/**
 * Measures ways to keep nodes against one another, by turns, so that whatever else the machine does meets all of them:
 * one node and wait, 64 at once, 1,000 as one batch; then opening what is there.
 *
 * A subject has a `name`, a `note`, and `open()`, which gives `{ one, together, batch, close, bytes? }`. `replays` says that
 * opening it reads all it holds.
 */
import { DagStore } from "dag-store";
import { nodes, root } from "./nodes.mjs";
import { median, time } from "./time.mjs";

const TOGETHER = 64;
const BATCH = 1000;
const OPENINGS = 5;

/** Gives a row per subject: medians in microseconds of one node and of a node in each kind of group. */
export async function measure(subjects, { rounds = 30, say = () => {} } = {}) {
  const parent = await rootCid();
  const rows = subjects.map(({ name, note }) => ({ name, note, one: [], together: [], batch: [] }));
  const opened = [];
  for (const subject of subjects) opened.push(await subject.open());
  for (const store of opened) await store.one(root);
  let made = 1;
  for (let round = 0; round < rounds; round++) {
    say(`round ${round + 1} of ${rounds}`);
    const [one, together, batch] = [1, TOGETHER, BATCH].map((count) => nodes((made += count) - count, count, parent));
    for (let i = 0; i < subjects.length; i++) {
      const at = (i + round) % subjects.length;
      rows[at].one.push(await time(() => opened[at].one(one[0])));
      rows[at].together.push((await time(() => opened[at].together(together))) / TOGETHER);
      rows[at].batch.push((await time(() => opened[at].batch(batch))) / BATCH);
    }
  }
  for (const [at, store] of opened.entries()) {
    const bytes = await store.bytes?.();
    await store.close();
    if (bytes !== undefined) rows[at].bytes = bytes / made;
    if (subjects[at].replays) rows[at].opening = median(await openings(subjects[at])) / made;
  }
  return rows.map(({ one, together, batch, ...row }) => ({ ...row, one: median(one), together: median(together), batch: median(batch), nodes: made }));
}

async function openings(subject) {
  const times = [];
  for (let i = 0; i < OPENINGS; i++) {
    let store;
    times.push(await time(async () => (store = await subject.open())));
    await store.close();
  }
  return times;
}

/** A store on a journal, as a subject; `hasSize`, where the medium tells what this journal alone takes. */
export const journalSubject = (name, note, makeJournal, hasSize = true) => ({
  name,
  note,
  replays: true,
  async open() {
    const store = await DagStore.open({ journal: await makeJournal() });
    return {
      one: (node) => store.insert(node),
      together: (nodes) => Promise.all(nodes.map((node) => store.insert(node))),
      batch: (nodes) => store.insertMany(nodes),
      close: () => store.close(),
      bytes: async () => (hasSize ? (await store.status()).medium?.bytesUsed : undefined),
    };
  },
});

const rootCid = () => new DagStore().insert(root);
