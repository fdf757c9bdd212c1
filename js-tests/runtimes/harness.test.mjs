/** The harness itself: what went wrong in a runtime must be a failure in the table, and leave nothing behind. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { suite } from "../suite/index.mjs";
import { named, runProject } from "./cell.mjs";
import { Results } from "./results.mjs";

const passed = suite.map(({ name }) => ({ name, outcome: "passed" }));
const version = () => "1";

async function run(cell) {
  for await (const result of runProject([{ name: "cell", version, ...cell }], {})) return result;
}

test("every cell has a name of its own", () => {
  const cells = (...names) => names.map((name) => ({ name }));
  assert.deepEqual(named(cells("one", "two")), cells("one", "two"));
  assert.throws(() => named(cells("one", "two", "one")), /two cells are called one/);
});

test("every case must report, once, and no other", () => {
  const counts = (outcomes) => {
    const results = new Results({});
    outcomes.forEach((outcome) => results.take(outcome));
    const { passed, failed, notHere } = results.end();
    return [passed, failed, notHere.length];
  };
  const all = passed.length;
  assert.deepEqual(counts(passed), [all, 0, 0]);
  assert.deepEqual(counts([]), [0, all, 0]);
  assert.deepEqual(counts(passed.slice(1)), [all - 1, 1, 0]);
  assert.deepEqual(counts([...passed, passed[0]]), [all, 1, 0]);
  assert.deepEqual(counts([...passed, { name: "another", outcome: "passed" }]), [all, 1, 0]);
  assert.deepEqual(counts([{ ...passed[0], outcome: "failed" }, ...passed.slice(1)]), [all - 1, 1, 0]);
  assert.deepEqual(counts([{ ...passed[0], outcome: "not here" }, ...passed.slice(1)]), [all - 1, 0, 1]);
});

test("a runtime that prints every outcome passes", async () => {
  const lines = passed.map((outcome) => JSON.stringify(outcome)).join("\n");
  const { failed, passed: count } = await run({
    async run(context) {
      await context.consumer.write("print.mjs", `console.log(${JSON.stringify(lines)})`);
      await context.runSuite(process.execPath, ["print.mjs"]);
    },
  });
  assert.deepEqual([count, failed], [passed.length, 0]);
});

const FAILURES = {
  "that dies": [(context) => context.runSuite(process.execPath, ["--eval", "console.log('last words'); process.exit(3)"]), "ended with 3"],
  "that prints nothing": [(context) => context.runSuite(process.execPath, ["--eval", ""]), "did not run"],
  "that isn't there": [(context) => context.runSuite("no-such-runtime", []), "ENOENT"],
  "that hangs": [(context) => context.runSuite(process.execPath, ["--eval", "setInterval(() => {}, 1e6)"]), "did not end within"],
  "that never starts to serve": [(context) => context.start(process.execPath, ["--eval", ""]).printed(/ready/), "before it printed"],
};
for (const [what, [cell, why]] of Object.entries(FAILURES)) {
  test(`a runtime ${what} has failed, and the table says why`, async () => {
    const { failed, failures, output } = await run({ run: cell, limit: what === "that hangs" ? 2_000 : undefined });
    assert.ok(failed >= passed.length);
    assert.ok(failures.some(({ error }) => error.includes(why)), JSON.stringify(failures));
    if (what === "that dies") assert.match(output, /last words/);
  });
}

test("what a cell started is gone with it, and so is its project", async () => {
  let child;
  let folder;
  await run({
    suite: false,
    async run(context) {
      folder = context.consumer.folder;
      const code = `
        const child = require("child_process").spawn(process.execPath, ["--eval", "setInterval(() => {}, 1e6)"]);
        console.log("child " + child.pid);
        setInterval(() => {}, 1e6);`;
      const parent = context.start(process.execPath, ["--eval", code]);
      [, child] = await parent.printed(/^child (\d+)$/);
    },
  });
  assert.ok(!existsSync(folder));
  // It was killed; the system takes its time to bury it.
  for (let i = 0; i < 1_200 && !isGone(child); i++) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(isGone(child), `${child} lives on`);
});

/** Ended, if perhaps not yet buried by whoever inherited it. */
function isGone(pid) {
  const stat = `/proc/${pid}/stat`;
  return !existsSync(stat) || / Z /.test(readFileSync(stat, "utf8"));
}
