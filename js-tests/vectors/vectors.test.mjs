// The vector files against the independent implementation: that they are what the generator writes,
// that `@ipld/dag-cbor` and `multiformats` agree with every one, and that nothing is refused without
// reason.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';

import * as dagCbor from '@ipld/dag-cbor';
import { bases } from 'multiformats/basics';
import { base256emoji } from 'multiformats/bases/base256emoji';
import { base32z } from 'multiformats/bases/base32';
import { CID } from 'multiformats/cid';

import { FOLDER, generate } from './generate.mjs';
import { judge } from './judge.mjs';
import { cidOf, seal } from './node.mjs';
import { stateHash } from './state-hash.mjs';
import { fromHex, fromJson, toHex } from './typed-json.mjs';

const read = (name) => readFileSync(new URL(name, FOLDER), 'utf8');
const { accepted, refused } = JSON.parse(read('nodes.json'));
const cids = JSON.parse(read('cids.json'));
const { states } = JSON.parse(read('state-hash.json'));

// What `@ipld/dag-cbor` encodes and cannot decode: its text decoder drops a byte order mark.
const LOST_IN_DECODING = new Set(['content a byte order mark first', 'content nothing but a byte order mark']);

suite('files', () => {
  for (const [name, text] of Object.entries(generate())) {
    test(`${name} is what the generator writes`, () => assert.equal(read(name), text));
  }
  test('there are as many as promised, each with its own name', () => {
    for (const [vectors, least] of [[accepted, 32], [refused, 60], [cids.accepted_texts, 20], [cids.refused_texts, 20], [states, 20]]) {
      assert.ok(vectors.length >= least);
      assert.equal(new Set(vectors.map((vector) => vector.name)).size, vectors.length);
    }
  });
  test('the first is the one of the design', () => {
    assert.deepEqual(accepted[0].node, {
      content: 'node content', parents: [], event_type: 'proposal', scope_id: 'test-scope', timestamp: 0,
    });
  });
});

suite('the specification', () => {
  const spec = readFileSync(new URL('../spec.md', FOLDER), 'utf8');
  const byName = (name) => states.find((state) => state.name === name);

  test('quotes the first vector', () => {
    assert.ok(spec.includes(accepted[0].cid));
    const [, dump] = spec.match(/is these \d+ bytes:\s+```text\n(.*?)\n\n/s);
    assert.equal(dump.replace(/ {2,}("|map).*$|\s/gm, ''), accepted[0].block);
  });
  test('quotes the hashes of the worked example and of the empty store', () => {
    const { nodes, scopes, root, state_hash: state } = byName('the worked example of the specification');
    for (const hash of [...nodes.map(({ digest }) => digest), ...scopes.flatMap((scope) => [scope.root, scope.hash]), root, state]) {
      assert.ok(spec.includes(hash), hash);
    }
    assert.ok(spec.includes(byName('empty').state_hash));
  });
});

suite('accepted nodes', () => {
  for (const { name, node, same_as: sameAs = [], block, cid } of accepted) {
    test(name, () => {
      const bytes = fromHex(block);
      assert.equal(toHex(dagCbor.encode(fromJson(node))), block);
      assert.equal(cidOf(bytes).toString(), cid);
      for (const content of sameAs) assert.equal(toHex(seal({ ...node, content }).block), block);
      if (LOST_IN_DECODING.has(name)) {
        assert.notDeepEqual(dagCbor.decode(bytes), fromJson(node));
      } else {
        assert.deepEqual(dagCbor.decode(bytes), fromJson(node));
        assert.equal(judge(bytes), undefined);
      }
    });
  }
});

suite('refused blocks', () => {
  for (const { name, block, error } of refused) test(name, () => assert.equal(judge(fromHex(block)), error));
});

suite('CIDs', () => {
  const byPrefix = new Map([...Object.values(bases), base32z, base256emoji].map((base) => [base.prefix, base]));
  const isNode = (cid) => cid.version === 1 && cid.code === dagCbor.code && cid.multihash.code === 0x12
    && cid.multihash.size === 32;

  // One text for each CID and base: what isn't written back as it came is refused.
  function parse(text) {
    const base = byPrefix.get(String.fromCodePoint(text.codePointAt(0) ?? 0));
    if (base === undefined || base.name === 'identity') throw new Error('no such base');
    const cid = decode(base.decode(text));
    if (base.encode(cid.bytes) !== text) throw new Error('written in another way');
    return cid;
  }

  function decode(bytes) {
    const cid = CID.decode(bytes);
    if (!isNode(cid) || Buffer.compare(cid.bytes, bytes) !== 0) throw new Error("not a node's");
    return cid;
  }

  for (const { name, text, cid } of cids.accepted_texts) {
    test(`text, ${name}`, () => assert.equal(parse(text).toString(), cid));
  }
  for (const { name, text } of cids.refused_texts) test(`text refused: ${name}`, () => assert.throws(() => parse(text)));
  for (const { name, bytes, cid } of cids.accepted_bytes) {
    test(`bytes, ${name}`, () => assert.equal(decode(fromHex(bytes)).toString(), cid));
  }
  for (const { name, bytes } of cids.refused_bytes) {
    test(`bytes refused: ${name}`, () => assert.throws(() => decode(fromHex(bytes))));
  }
});

suite('state hash', () => {
  for (const state of states.filter((vector) => vector.generated === undefined)) {
    test(state.name, () => {
      const leaves = state.leaves ?? state.nodes.map(({ node, digest }) => {
        assert.equal(Buffer.from(seal(node).cid.multihash.digest).toString('hex'), digest);
        return { ...node, digest };
      });
      const emptyScopes = state.scopes.filter((scope) => scope.count === 0).map((scope) => scope.id);
      // Whatever the order of the leaves.
      for (const order of [leaves, [...leaves].reverse()]) {
        const found = stateHash(order, emptyScopes);
        assert.equal(found.count, state.count);
        assert.equal(found.root.toString('hex'), state.root);
        assert.equal(found.state.toString('hex'), state.state_hash);
        for (const { id, count, root, hash } of state.scopes) {
          const scope = found.scopes.find((other) => other.id === id);
          assert.deepEqual([scope.count, scope.root.toString('hex'), scope.hash.toString('hex')], [count, root, hash]);
        }
      }
    });
  }
});
