// Imports a history into the packaged store, and asks it what a user would ask.
//
//   node import.mjs <history.jsonl> <scope> <answer.json>
//
// A line is {"id", "parents", "timestamp"}, after the lines of its parents. What was found goes to
// answer.json, to be compared with what the native crate finds.

import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

import { DagStore } from 'dag-store';

/** How many nodes become visible at once. */
const BATCH = 500;

const [path, scope, answerPath] = process.argv.slice(2);
if (!answerPath) {
  throw new Error('usage: import.mjs <history.jsonl> <scope> <answer.json>');
}

const history = await readHistory(path);
const store = new DagStore();
await importHistory(store, history);
const { nodes, heads } = await report(store);
const stateHash = await store.stateHash();
await replayInAnotherOrder(store, stateHash);
await rollBackABranch(store, stateHash);
console.log(`  state hash  ${stateHash}`);
await writeFile(answerPath, JSON.stringify({ nodes, heads, stateHash }));
await store.close();

async function readHistory(path) {
  const commits = [];
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    commits.push(JSON.parse(line));
  }
  return commits;
}

/** One node a commit, in batches: each is there wholly, or not at all. */
async function importHistory(store, history) {
  const cids = new Map();
  const progress = progressBar('import', history.length);
  for (let from = 0; from < history.length; from += BATCH) {
    const batch = await store.beginBatch();
    for (const commit of history.slice(from, from + BATCH)) {
      cids.set(commit.id, await batch.insert(toNode(commit, cids)));
    }
    await batch.commit();
    progress(Math.min(from + BATCH, history.length));
  }
}

/** A commit as a node: what it is follows from how many parents it has. */
function toNode({ id, parents, timestamp }, cids) {
  const eventType = ['genesis', 'receipt'][parents.length] ?? 'anchor';
  return {
    content: { commit: id },
    eventType,
    scopeId: scope,
    timestamp,
    parents: parents.map((parent) => cids.get(parent)),
  };
}

async function report(store) {
  const counts = new Map();
  for await (const { eventType } of store.list()) {
    counts.set(eventType, (counts.get(eventType) ?? 0) + 1);
  }
  const nodes = await store.size();
  const heads = await store.heads();
  const kinds = [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ');
  console.log(`  ${count(nodes, 'node')} (${kinds}), ${count(heads.length, 'head')}`);
  for (const head of heads.slice(0, 5)) {
    const { content } = await store.get(head);
    console.log(`    head ${head} is commit ${content.commit}`);
  }
  if (heads.length > 5) {
    console.log(`    and ${heads.length - 5} more`);
  }
  return { nodes, heads };
}

/** The state hash tells what is in a store, not how it came there. */
async function replayInAnotherOrder(store, stateHash) {
  const nodes = await store.list().toArray();
  const order = depthFirst(nodes);
  const replica = new DagStore();
  const progress = progressBar('replay', nodes.length);
  for (let from = 0; from < order.length; from += BATCH) {
    await replica.insertMany(order.slice(from, from + BATCH));
    progress(Math.min(from + BATCH, order.length));
  }
  const moved = (await replica.list().toArray()).filter(({ cid }, at) => cid !== nodes[at].cid).length;
  assert.equal(await replica.stateHash(), stateHash, 'the replica has another state hash');
  assert.deepEqual((await replica.heads()).sort(), (await store.heads()).sort());
  console.log(`  a second store, filled in another order (${count(moved, 'node')} moved), has the same state hash`);
  await replica.close();
}

/**
 * Parents before children, but otherwise as far as can be from the order given: one line of descent
 * to its end, the youngest first.
 */
function depthFirst(nodes) {
  const children = new Map(nodes.map(({ cid }) => [cid, []]));
  const missing = new Map();
  for (const node of nodes) {
    missing.set(node.cid, node.parents.length);
    for (const parent of node.parents) {
      children.get(parent).push(node);
    }
  }
  const ready = nodes.filter(({ parents }) => parents.length === 0);
  const order = [];
  while (ready.length > 0) {
    const node = ready.pop();
    order.push(node);
    for (const child of children.get(node.cid)) {
      missing.set(child.cid, missing.get(child.cid) - 1);
      if (missing.get(child.cid) === 0) {
        ready.push(child);
      }
    }
  }
  assert.equal(order.length, nodes.length);
  return order;
}

/** A batch that is rolled back leaves no trace: neither of what it removed nor of what it added. */
async function rollBackABranch(store, stateHash) {
  const nodes = await store.list().toArray();
  const branch = newestBranch(nodes, (await store.heads()).at(-1));
  const batch = await store.beginBatch();
  await batch.removeMany(branch.map(({ cid }) => cid));
  assert.equal(await batch.get(branch[0].cid), undefined, 'the batch sees what it removed');
  await batch.insertMany(branch);
  const added = await batch.insert({
    content: 'never committed',
    eventType: 'proposal',
    scopeId: scope,
    timestamp: 0,
  });
  assert.ok(await batch.get(branch[0].cid), 'the batch sees what it added again');
  batch.rollback();
  assert.equal(await store.get(added), undefined);
  assert.equal(await store.size(), nodes.length);
  assert.equal(await store.stateHash(), stateHash, 'the rolled-back batch left a trace');
  console.log(`  a batch removed a branch of ${count(branch.length, 'node')} and added it again, and was rolled back: no change`);
}

/** A head and those of its ancestors that no other head descends from, children first. */
function newestBranch(nodes, head) {
  const inBranch = new Set([head]);
  const shared = new Set();
  const branch = [];
  // Children come after their parents in `nodes`, so backwards every child is seen first.
  for (const node of nodes.toReversed()) {
    const own = inBranch.has(node.cid) && !shared.has(node.cid);
    if (own) {
      branch.push(node);
    }
    for (const parent of node.parents) {
      (own ? inBranch : shared).add(parent);
    }
  }
  return branch;
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** A bar on a terminal; elsewhere a line at every quarter. */
function progressBar(what, total) {
  const { stdout } = process;
  let quarter = 0;
  return (done) => {
    if (stdout.isTTY) {
      const filled = Math.round((done / total) * 30);
      const bar = '█'.repeat(filled) + '░'.repeat(30 - filled);
      stdout.write(`\r  ${what} ${bar} ${done}/${total}${done === total ? '\n' : ''}`);
    } else if (Math.floor((done / total) * 4) > quarter) {
      quarter = Math.floor((done / total) * 4);
      console.log(`  ${what} ${done}/${total}`);
    }
  };
}
