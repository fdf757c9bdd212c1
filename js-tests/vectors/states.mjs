// Stores whose state hash is told: as nodes, as bare leaves where the digests are impossible to find
// nodes for, or by the rule for 1,000 nodes.

import { seal } from './node.mjs';
import { stateHash } from './state-hash.mjs';

const TYPES = ['genesis', 'proposal', 'vote', 'execution', 'attestation', 'receipt', 'anchor'];

const vectors = [];

function add(name, what, leaves, emptyScopes) {
  if (vectors.some((vector) => vector.name === name)) throw new Error(`twice: ${name}`);
  vectors.push({ name, ...what, ...stateHash(leaves, emptyScopes) });
}

/** A store of whole nodes. What a node leaves out is as in the first node vector. */
function store(name, nodes, emptyScopes) {
  const full = nodes.map((node) => ({
    content: 'node content', parents: [], event_type: 'proposal', scope_id: 'test-scope', timestamp: 0, ...node,
  }));
  const sealed = full.map((node) => ({ node, digest: digestOf(node) }));
  add(name, { nodes: sealed }, sealed.map(leafOf), emptyScopes);
}

/** A store that is only thought: of leaves with chosen digests. */
function leaves(name, given) {
  const full = given.map((leaf) => ({ scope_id: 'test-scope', timestamp: 0, event_type: 'vote', ...leaf }));
  add(name, { leaves: full }, full);
}

function digestOf(node) {
  return Buffer.from(seal(node).cid.multihash.digest).toString('hex');
}

function leafOf({ node, digest }) {
  return { scope_id: node.scope_id, timestamp: node.timestamp, event_type: node.event_type, digest };
}

const numbers = (count) => Array.from({ length: count }, (_, i) => i);

store('empty', [], ['test-scope', 'a scope nobody wrote to']);
store('one node', [{}]);
store('one node, and the hash of an empty scope', [{}], ['other-scope']);
store('two nodes, two timestamps', [{}, { timestamp: 1 }]);
store('two nodes, the same timestamp', [{ content: 'a' }, { content: 'b' }]);
store('two nodes that differ in their nonce', [{ nonce: nonceOf(1) }, { nonce: nonceOf(2) }]);
store('two scopes', [{ scope_id: 'a' }, { scope_id: 'b' }]);
store('the same events in two scopes, three each', ['a', 'b'].flatMap((scope) => (
  numbers(3).map((i) => ({ scope_id: scope, content: i, timestamp: 1000 + i })))));
store('three nodes of which one is the parent', familyOfThree());
store('the worked example of the specification', workedExample());
store('ten nodes of one timestamp', numbers(10).map((i) => ({ content: i, timestamp: 1735689600000 })));
store('every event type', TYPES.map((type, i) => ({ event_type: type, timestamp: i })));
store('event type of 64 bytes', [{ event_type: 't'.repeat(64) }]);
store('event type of 65 bytes', [{ event_type: 't'.repeat(65) }]);
store('event type of 255 bytes', [{ event_type: 't'.repeat(255) }]);
store('event types of 64 bytes in 32 characters, and of 66 in 33', [
  { event_type: '\u00e9'.repeat(32) }, { event_type: '\u00e9'.repeat(33) },
]);
store('timestamps 0 and 2^53-1', [{}, { timestamp: 2 ** 53 - 1 }]);
store('timestamps that are powers of two', [0, ...numbers(53).map((i) => 2 ** i), 2 ** 53 - 1].map((ms) => ({ timestamp: ms })));
store('timestamps one below the powers of two', numbers(54).map((i) => ({ timestamp: 2 ** i - 1 })));
store('twenty scopes, each a prefix of the next', numbers(20).map((i) => ({ scope_id: 'a'.repeat(i + 1) })));
store('scope ids of many scripts', ['\u00e9', 'e\u0301', '\u8a9e', '\u{1f5f3}', '\0', '__proto__', 's'.repeat(255)]
  .map((scope) => ({ scope_id: scope })));
store('a hundred scopes of one to four nodes', numbers(100).flatMap((i) => (
  numbers(1 + (i % 4)).map((j) => ({ scope_id: `scope-${i}`, content: [i, j], timestamp: i * j })))));

// For each k, the smallest nonce whose node's digest shares exactly k leading bits with that of nonce
// 0: what an attacker has to search for to make a path of the trie long.
const SHARED_BITS = [
  0x2, 0x8, 0x4, 0x1f, 0x1, 0x6, 0x8f, 0x242, 0x495, 0x35, 0x5e7, 0xff5, 0xa63, 0x437d, 0x2001a, 0x659, 0x6704, 0x1b204,
  0xa208, 0x729a7, 0x101459, 0x22d187, 0x531d4e, 0x99c4fd, 0x2effbe6, 0x6ce149, 0x90ce7c8, 0x6fb5b03, 0x48a96d7,
];
store('digests that share 0 to 28 bits with the first', [0, ...SHARED_BITS].map((n) => ({
  content: null, event_type: 'vote', scope_id: 'hostile', nonce: nonceOf(n),
})));

leaves('digests that differ in their last bit', [{ digest: '00'.repeat(32) }, { digest: `${'00'.repeat(31)}01` }]);
leaves('digests of one bit each, and none', [
  '00'.repeat(32),
  ...numbers(256).map((i) => (1n << BigInt(i)).toString(16).padStart(64, '0')),
].map((digest) => ({ digest })));
leaves('keys with one byte set each, at every place a timestamp or digest reaches', numbers(39).map((i) => {
  const key = Buffer.alloc(40);
  key[i + 1] = 1;
  return { timestamp: Number(key.readBigUInt64BE()), digest: key.subarray(8).toString('hex') };
}));
leaves('a digest of ones at the last timestamp, of zeros at the first', [
  { digest: '00'.repeat(32) }, { digest: 'ff'.repeat(32), timestamp: 2 ** 53 - 1 },
]);

add('generated, 1000 nodes', { generated: 1000 }, generated(1000));

/** The rule of docs/vectors/README.md. */
function generated(count) {
  const cids = [];
  return numbers(count).map((i) => {
    const parents = [];
    if (i % 10 !== 0) parents.push(i - 1);
    if (i % 10 === 5) parents.push(i - 5);
    const node = {
      content: i,
      parents: parents.map((p) => ({ '/': cids[p] })),
      event_type: TYPES[i % 7],
      scope_id: `scope-${(i * i) % 11}`,
      timestamp: (i * 2654435761) % 2 ** 32,
    };
    cids.push(seal(node).cid.toString());
    return leafOf({ node, digest: digestOf(node) });
  });
}

function familyOfThree() {
  const parent = { content: 'parent', parents: [], event_type: 'genesis', scope_id: 'test-scope', timestamp: 5 };
  const link = { '/': seal(parent).cid.toString() };
  return [parent, { content: 'child', parents: [link], timestamp: 6 }, { content: 'other child', parents: [link], timestamp: 4 }];
}

function workedExample() {
  const parent = { content: 'node content', parents: [], event_type: 'proposal', scope_id: 'test-scope', timestamp: 1735689600000 };
  const vote = { content: 'yes', parents: [{ '/': seal(parent).cid.toString() }], event_type: 'vote', timestamp: 1735689600001 };
  return [parent, vote, { scope_id: 'garden', event_type: 't'.repeat(65) }];
}

function nonceOf(number) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(number));
  return { '/': { bytes: bytes.toString('base64').replace(/=+$/, '') } };
}

export const states = vectors;
