/** The tables of values in docs/javascript.md, held against the package and against `@ipld/dag-cbor`. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as dagCbor from "@ipld/dag-cbor";
import { DagStore, DagStoreError, Link } from "dag-store";
import { CID } from "multiformats/cid";
import { FOUND, GIVEN, Several } from "./values-table.mjs";

const page = readFileSync(new URL("../../docs/javascript.md", import.meta.url), "utf8");

/** The rows of the table below a heading: cells by the name in the first. */
function table(heading) {
  const [, below] = page.split(`\n### ${heading}\n`);
  const lines = below.split("\n\n").find((part) => part.startsWith("|")).split("\n").slice(2);
  return new Map(lines.filter(Boolean).map((line) => {
    const [name, ...cells] = line.slice(1, -1).split("|").map((cell) => cell.trim());
    return [name, cells];
  }));
}

const MAJOR = ["integer", "integer", "bytes", "string", "list", "map", "link"];
const SIMPLE = { 0xf4: "boolean", 0xf5: "boolean", 0xf6: "null", 0xfb: "float" };
/** Where the content begins in a block without a nonce. */
const CONTENT = 9;
const kindOf = (block) => MAJOR[block[CONTENT] >> 5] ?? SIMPLE[block[CONTENT]];

function show(value) {
  if (typeof value === "string") return `\`${JSON.stringify(value)}\``;
  if (typeof value === "bigint") return `\`${value}n\``;
  if (typeof value !== "object" || value === null) return `\`${Object.is(value, -0) ? "-0" : value}\``;
  if (Array.isArray(value)) return value.constructor === Array ? "array" : "something odd";
  if (value instanceof Uint8Array) return "`Uint8Array`";
  if (value instanceof Link || value instanceof CID) return "`Link`";
  const keys = Object.keys(value);
  if (Object.getPrototypeOf(value) !== Object.prototype) return "something odd";
  return `object${keys.join() === "a" ? "" : ` with ${keys.map((key) => `\`${key}\``).join(", ") || "nothing"}`}`;
}

const node = (content) => ({ content, parents: [], scope_id: "s", timestamp: 0, event_type: "vote" });

/** What they make of it, as the page would say; compared with what we make of it. */
function theirs(ours, make) {
  let cells;
  try {
    cells = make();
  } catch {
    cells = ["refused"];
  }
  return cells.join() === ours.filter(Boolean).join() ? "the same" : cells.join(", back as ");
}

function compare(name, cells, ours, other) {
  const [why] = cells.slice(-1);
  assert.deepEqual(cells.slice(0, -1), [...ours, other], name);
  assert.equal(why !== "", other !== "the same", `${name}: a reason where we differ, and only there`);
}

test("what is given: every row says what happens, here and there", async () => {
  const rows = table("From JavaScript");
  assert.deepEqual([...rows.keys()], Object.keys(GIVEN));
  const store = new DagStore();
  for (const [name, cells] of rows) {
    const given = GIVEN[name];
    for (const content of given instanceof Several ? given.values : [given]) {
      let ours;
      try {
        const id = await store.insert({ content, eventType: "vote", scopeId: "s", timestamp: 0 });
        ours = [kindOf(await store.getBlock(id)), show((await store.get(id)).content)];
      } catch (error) {
        assert.ok(error instanceof DagStoreError);
        assert.equal(error.code, name === "a value that holds itself" ? "ERR_LIMIT" : "ERR_INVALID_NODE", name);
        ours = ["refused", ""];
      }
      const other = theirs(ours, () => {
        const block = dagCbor.encode(node(content));
        return [kindOf(block), show(dagCbor.decode(block).content)];
      });
      compare(name, cells, ours, other);
    }
  }
});

test("what is found in blocks: every row says what happens, here and there", async () => {
  const rows = table("From a block");
  assert.deepEqual([...rows.keys()], Object.keys(FOUND));
  const store = new DagStore();
  const [before, after] = (() => {
    const block = Buffer.from(dagCbor.encode(node(0)));
    return [block.subarray(0, CONTENT), block.subarray(CONTENT + 1)];
  })();
  for (const [name, cells] of rows) {
    const block = Buffer.concat([before, Buffer.from(FOUND[name], "hex"), after]);
    let ours;
    try {
      ours = [show((await store.get(await store.insertBlock(block))).content)];
    } catch (error) {
      assert.ok(error instanceof DagStoreError);
      assert.equal(error.code, "ERR_INVALID_NODE", name);
      ours = ["refused"];
    }
    const other = theirs(ours, () => [show(dagCbor.decode(block).content)]);
    compare(name, cells, ours, other);
  }
});
