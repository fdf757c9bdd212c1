// Writes docs/vectors/*.json, with `@ipld/dag-cbor`, `multiformats` and Node's SHA-256 alone: no line
// of the store takes part. The golden trace is also written as a module, since not every runtime that the
// suite knows can read a file or import JSON. Run it as `node js-tests/vectors/generate.mjs`.

import { writeFileSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';

import { accepted } from './accepted.mjs';
import { cids } from './cids.mjs';
import { steps } from './journal-file.mjs';
import { refused } from './refused.mjs';
import { states } from './states.mjs';
import { trace } from './trace.mjs';
import { toHex } from './typed-json.mjs';

/** Where the vectors are. */
export const FOLDER = new URL('../../docs/vectors/', import.meta.url);

/** Every vector file: its name and its text. */
export function generate() {
  const golden = printLines(trace);
  return {
    'nodes.json': print({ accepted: accepted.map(hexed), refused: refused.map(hexed) }),
    'cids.json': print({
      accepted_texts: cids.texts.accepted,
      refused_texts: cids.texts.refused,
      accepted_bytes: cids.bytes.accepted.map(hexed),
      refused_bytes: cids.bytes.refused.map(hexed),
    }),
    'state-hash.json': print({ states: states.map(stateHexed) }),
    'trace.json': golden,
    'journal-file.json': printLines({ steps }),
    '../../js-tests/suite/golden.mjs': `/** docs/vectors/trace.json, written by js-tests/vectors/generate.mjs. */\nexport const golden = ${golden.trimEnd()};\n`,
  };
}

function hexed(vector) {
  return Object.fromEntries(Object.entries(vector).map(([field, value]) => (
    [field, value instanceof Uint8Array ? toHex(value) : value])));
}

function stateHexed({ scopes, root, state, ...vector }) {
  return {
    ...vector,
    scopes: scopes.map((scope) => ({ ...scope, root: scope.root.toString('hex'), hash: scope.hash.toString('hex') })),
    root: root.toString('hex'),
    state_hash: state.toString('hex'),
  };
}

/** JSON with a line for each field of a vector, and one for each item of a list of objects in it. */
function print(lists) {
  const printed = Object.entries(lists).map(([name, vectors]) => (
    ` ${JSON.stringify(name)}: [\n${vectors.map(printVector).join(',\n')}\n ]`));
  return `{\n${printed.join(',\n')}\n}\n`;
}

/** JSON with a line for each item of its lists. */
function printLines(lists) {
  const printed = Object.entries(lists).map(([name, items]) => (
    ` ${JSON.stringify(name)}: [\n${items.map((item) => `  ${JSON.stringify(item)}`).join(',\n')}\n ]`));
  return `{\n${printed.join(',\n')}\n}\n`;
}

function printVector(vector) {
  const fields = Object.entries(vector).map(([field, value]) => `   ${JSON.stringify(field)}: ${printField(value)}`);
  return `  {\n${fields.join(',\n')}\n  }`;
}

function printField(value) {
  if (!Array.isArray(value) || value.length < 2) return JSON.stringify(value);
  return `[\n${value.map((item) => `    ${JSON.stringify(item)}`).join(',\n')}\n   ]`;
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of Object.entries(generate())) writeFileSync(new URL(name, FOLDER), text);
}
