/** The journal in PostgreSQL by both drivers, on a real server: in Node, Deno and Bun, and beside the native one. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import process, { env } from "node:process";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import * as dagStore from "dag-store";
import { PostgresJournal } from "dag-store/postgres";
import * as testing from "dag-store/testing";
import { BUN, BUN_QUIET } from "../runtimes/bun.mjs";
import { DENO, DENO_RUN } from "../runtimes/deno.mjs";
import { journalSuite } from "../suite/journals.mjs";
import { EXTENT, connect, inGuests, mediumOf } from "./drivers.mjs";
import { startProxy } from "./proxy.mjs";
import { PASSWORD, startServer } from "./server.mjs";

const { DagStore } = dagStore;
/** The native program that commits beside us. */
const NATIVE = env.DAG_STORE_POSTGRES_WORKER;
const GUEST = fileURLToPath(new URL("guest.mjs", import.meta.url));
const CASES = inGuests(journalSuite(testing, () => {})).length;
const COMMITS = env.DAG_STORE_FULL ? 1_000 : 25;
const CUTS = env.DAG_STORE_FULL ? 100 : 8;

const server = await startServer();
const connected = { pg: connect("pg", server.address), postgres: connect("postgres", server.address) };
const drivers = { pg: connected.pg.driver, postgres: connected.postgres.driver };
const look = async (sql, values) => (await drivers.pg.query(sql, values)).rows;
after(async () => {
  await Promise.all(Object.values(connected).map(({ end }) => end()));
  await server.end();
});

let number = 0;
const node = (content, parents = []) => ({ content, parents, eventType: "vote", scopeId: "s", timestamp: 5 });

for (const [name, driver] of Object.entries(drivers)) {
  const makeMedium = () => mediumOf(driver, `by_${name}_${number++}`);

  for (const { name: check, run } of journalSuite(testing, makeMedium, EXTENT)) {
    test(`${name}: ${check}`, async () => {
      await run(dagStore).catch((error) => {
        // It has a limit, but one that is too large to try.
        if (error?.name !== "NotHere") throw error;
      });
    });
  }

  test(`${name}: the tables say what the store says`, async () => {
    const schema = `tables_${name}`;
    const open = () => DagStore.open({ journal: new PostgresJournal(driver, { schema }) });
    const store = await open();
    const values = [null, true, -7, 0.5, 2n ** 64n - 1n, 1e300, "it's; é \\ \u0001", [1, { "a b": null }], "\0", new Uint8Array(2)];
    const nodes = values.map((value) => node(value));
    const { inserted } = await store.insertMany(nodes);
    const [child, gone] = (await store.insertMany([node("child", inserted.slice(0, 2)), node("gone")])).inserted;
    await store.remove(gone);
    const rows = await look(`SELECT cid, content::text AS content FROM ${schema}.nodes ORDER BY sequence, place`);
    assert.deepEqual(rows.map(({ cid }) => cid), [...inserted, child].map(String));
    const expected = ["null", "true", "-7", "0.5", "18446744073709551615", `1${"0".repeat(300)}`, '"it\'s; é \\\\ \\u0001"', '[1, {"a b": null}]', null, null, '"child"'];
    assert.deepEqual(rows.map(({ content }) => content), expected);
    const edges = await look(`SELECT child, parent FROM ${schema}.edges ORDER BY place`);
    assert.deepEqual(edges, inserted.slice(0, 2).map((parent) => ({ child: String(child), parent: String(parent) })));
    const [commit] = await look(`SELECT encode(state_hash, 'hex') AS hash FROM ${schema}.commits ORDER BY sequence DESC LIMIT 1`);
    assert.equal(commit.hash, String(await store.stateHash()));
    await store.close();
  });
}

for (const name of Object.keys(drivers)) {
  test(`${name}: connections are cut in the middle of commits, and each is there once`, async () => {
    const proxy = await startProxy(server.address);
    const { driver, end } = connect(name, proxy.address, { prepare: false });
    const schema = `cut_${name}`;
    const store = await DagStore.open({ journal: new PostgresJournal(driver, { schema }) });
    for (let i = 0; i < CUTS; i++) {
      proxy.cut(i % 2 ? "before" : "after");
      await store.insert(node(i));
    }
    assert.equal(proxy.cuts(), CUTS);
    const rows = await look(`SELECT sequence, content::text AS content FROM ${schema}.nodes ORDER BY sequence`);
    assert.deepEqual(rows, Array.from({ length: CUTS }, (_, i) => ({ sequence: String(i + 1), content: String(i) })));
    await store.close();
    await end();
    await proxy.end();
  });
}

test("pg: a store that was closed has given all connections back", async () => {
  const { driver, end } = connect("pg", server.address);
  const store = await DagStore.open({ journal: new PostgresJournal(driver, { schema: "given_back" }) });
  await store.insert(node("one"));
  assert.ok(driver.totalCount > driver.idleCount, "one listens");
  await store.close();
  assert.equal(driver.totalCount, driver.idleCount);
  await end();
});

const RUNTIMES = {
  deno: { program: DENO, flags: [...DENO_RUN, "--allow-all"] },
  bun: { program: BUN, flags: ["run"], more: BUN_QUIET },
};
for (const [runtime, { program, flags, more }] of Object.entries(RUNTIMES)) {
  for (const name of Object.keys(drivers)) {
    test(`${runtime}: ${name}`, async () => {
      const guest = spawn(program, [...flags, GUEST, name, server.address], { env: { ...env, ...more }, stdio: ["ignore", "pipe", "inherit"] });
      const ended = once(guest, "exit");
      const failed = [];
      let cases = 0;
      for await (const line of createInterface({ input: guest.stdout })) {
        const { name, error } = JSON.parse(line);
        cases++;
        if (error) failed.push(`${name}: ${error}`);
      }
      assert.deepEqual(failed, []);
      assert.deepEqual(await ended, [0, null]);
      assert.equal(cases, CASES);
    });
  }
}

test("no error, log or printed journal tells a password", async (t) => {
  const logs = ["debug", "error", "info", "log", "warn"].map((name) => t.mock.method(console, name, () => {}));
  const refused = server.address.replace(PASSWORD, "open-barley");
  const nowhere = new URL(refused);
  nowhere.port = "1";
  const fails = async ([name, address]) => {
    const { driver, end } = connect(name, address);
    const journal = new PostgresJournal(driver);
    const error = await DagStore.open({ journal }).then(assert.fail, (error) => error);
    assert.equal(error.code, "ERR_STORAGE");
    await end();
    return [error, error.cause, journal].map((value) => `${value} ${value.stack} ${inspect(value, { depth: 9, showHidden: true })}`);
  };
  const names = Object.keys(drivers);
  const told = await Promise.all([refused, nowhere.href].flatMap((address) => names.map((name) => fails([name, address]))));
  assert.equal(told.length, 4);
  const logged = logs.flatMap(({ mock }) => mock.calls.map((call) => inspect(call.arguments)));
  assert.doesNotMatch([...told.flat(), ...logged].join("\n"), /barley|sesame/);
});

test("the JavaScript of docs/postgres.md runs as printed", async () => {
  const text = readFileSync(new URL("../../docs/postgres.md", import.meta.url), "utf8");
  const snippets = [...text.matchAll(/^```js postgres\n(.*?)^```/gms)].map(([, code]) => code);
  assert.equal(snippets.length, 2);
  for (const [number, code] of snippets.entries()) {
    const file = fileURLToPath(new URL(`snippet-${number}.mjs`, import.meta.url));
    writeFileSync(file, code);
    const run = spawn(process.execPath, [file], { env: { ...env, DATABASE_URL: server.address }, stdio: ["ignore", "inherit", "inherit"] });
    assert.deepEqual(await once(run, "exit"), [0, null]);
  }
  const [{ count }] = await look("SELECT (SELECT count(*) FROM dag_store.nodes) + (SELECT count(*) FROM garden.nodes) AS count");
  assert.equal(count, "2");
});

test("a driver that is none, and names that are not names", () => {
  for (const driver of [undefined, null, {}, () => {}, "postgres://x"]) {
    assert.throws(() => new PostgresJournal(driver), { code: "ERR_INVALID_ARGUMENT" });
  }
  for (const schema of ["", "A", 'a"; DROP SCHEMA public; --', "a".repeat(64)]) {
    assert.throws(() => new PostgresJournal(drivers.pg, { schema }), { code: "ERR_INVALID_ARGUMENT" });
  }
});

test("native writers and both drivers at once make one chain", async () => {
  assert.ok(NATIVE, "DAG_STORE_POSTGRES_WORKER must name the native program");
  const schema = "together";
  const natives = [0, 1].map((name) => {
    const native = spawn(NATIVE, { env: { ...env, DAG_STORE_POSTGRES_WORK: `${server.address} ${schema} native${name} ${COMMITS} ${COMMITS * 4}` }, stdio: ["ignore", "pipe", "inherit"] });
    return { ended: once(native, "exit"), lines: createInterface({ input: native.stdout })[Symbol.asyncIterator]() };
  });
  const stores = await Promise.all(
    Object.values(drivers).map((driver) => DagStore.open({ journal: new PostgresJournal(driver, { schema }) })),
  );
  const acknowledged = new Map();
  const write = async (store, name) => {
    for (let i = 0; i < COMMITS; ) {
      try {
        const { sequence, inserted } = await store.insertMany([node(`${name} ${i}`)]);
        acknowledged.set(sequence, String(inserted[0]));
        i++;
      } catch (error) {
        assert.equal(error.code, "ERR_CONTENDED");
      }
    }
  };
  const listen = async ({ ended, lines }) => {
    for await (const line of lines) {
      const [what, sequence, cid] = line.split(" ");
      if (what === "ack") acknowledged.set(Number(sequence), cid);
    }
    assert.deepEqual(await ended, [0, null]);
  };
  await Promise.all([...stores.map(write), ...natives.map(listen)]);
  const all = COMMITS * 4;
  assert.equal(acknowledged.size, all);
  const rows = await look(`SELECT sequence, cid FROM ${schema}.nodes ORDER BY sequence`);
  assert.deepEqual(new Map(rows.map(({ sequence, cid }) => [Number(sequence), cid])), new Map([...acknowledged].sort(([a], [b]) => a - b)));
  const hashes = new Set();
  for (const store of stores) {
    await store.refresh();
    hashes.add(String(await store.stateHash()));
    await store.close();
  }
  const [{ hash }] = await look(`SELECT encode(state_hash, 'hex') AS hash FROM ${schema}.commits ORDER BY sequence DESC LIMIT 1`);
  assert.deepEqual([...hashes], [hash]);
});
