/** The journal in a file, from JavaScript: its bytes, what damage does, its lock, and a full disk. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { DagStoreError } from "dag-store";
import { FileJournal } from "dag-store/file";
import { journalCases } from "dag-store/testing";

const HEADER = 112;
const HEAD = 32;
const EVERYTHING = 1 << 30;
const root = path.dirname(createRequire(import.meta.url).resolve("dag-store/package.json"));

// In memory where there is such a folder: thousands of small files are synced here.
const scratch = mkdtempSync(path.join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "dag-store-file-"));
after(() => rmSync(scratch, { recursive: true }));

/** A path in a folder of its own. */
let count = 0;
const fresh = () => path.join(mkdtempSync(path.join(scratch, `${count++}-`)), "j");
const beside = (file) => readdirSync(path.dirname(file)).sort();

function segment(sequence, length = 40) {
  const commit = Uint8Array.from({ length: 36 }, (_, i) => (sequence * 7 + i * 31) % 251);
  commit.set([0x01, 0x71, 0x12, 0x20]);
  return { sequence, commit, bytes: Uint8Array.from({ length }, (_, i) => (sequence + i * i) % 256) };
}

const chain = (first, last) => {
  const lengths = [7, 0, 1, 60];
  return Array.from({ length: last - first + 1 }, (_, i) => segment(first + i, lengths[i % lengths.length]));
};

const tip = (segments) => segments.at(-1) ?? { sequence: 0 };

async function opened(file, options) {
  const journal = new FileJournal(file, options);
  await journal.open();
  return journal;
}

/** All that can be read after a number, and the code that it ends with, if it ends with an error. */
async function readOn(journal, after = 0, step = EVERYTHING) {
  const all = [];
  for (;;) {
    let read;
    try {
      read = await journal.read(all.at(-1)?.sequence ?? after, step);
    } catch (error) {
      return { all, code: error.code };
    }
    if (read.length === 0) return { all, code: undefined };
    all.push(...read);
  }
}

async function* stream(parts) {
  yield* parts;
}

const failsWith = (code) => (error) => {
  assert.ok(error instanceof DagStoreError, `${error?.stack}`);
  assert.equal(error.code, code, error.message);
  return true;
};

for (const { name, run } of journalCases(() => {
  const file = fresh();
  return { open: () => new FileJournal(file), remove: () => assert.deepEqual(beside(file), ["j"]) };
})) {
  test(`the contract of journals: ${name}`, async (context) => {
    const reason = await run();
    if (reason) context.diagnostic(reason);
  });
}

test("files are as specified, byte by byte", async () => {
  const file = fresh();
  const text = readFileSync(new URL("../../docs/vectors/journal-file.json", import.meta.url), "utf8");
  const read = (fields) =>
    Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, key === "sequence" ? value : fromHex(value)]));
  const fromHex = (hex) => new Uint8Array(Buffer.from(hex, "hex"));
  const [made, ...steps] = JSON.parse(text).steps;
  writeFileSync(file, fromHex(made.file));
  const all = [];
  let covered = 0;
  for (const { name, append, checkpoint, parts, file: bytes } of steps) {
    const journal = await opened(file);
    if (append) {
      const segments = append.map(read);
      assert.equal(await journal.append(tip(all), segments), true);
      all.push(...segments);
    } else {
      const placed = read(checkpoint);
      const list = parts.map(fromHex);
      assert.equal(await journal.writeCheckpoint(placed, stream(list)), true);
      covered = placed.sequence;
      assert.deepEqual(await journal.checkpoint(), placed);
      for (const [i, part] of [...list, undefined].entries()) assert.deepEqual(await journal.readCheckpoint(placed, i), part);
    }
    await journal.close();
    assert.equal(readFileSync(file, "hex"), bytes, name);
    const reader = await opened(file, { readOnly: true });
    assert.deepEqual((await readOn(reader, covered)).all, all.slice(covered));
    await reader.close();
  }
  assert.equal(all.length, 5);
});

test("CRC-32 by a table is that of zlib", async () => {
  const { crc32, crc32ByTable } = await import(path.join(root, "dist/file-format.js"));
  assert.equal(crc32ByTable(Buffer.from("123456789")), 0xcbf43926);
  for (const length of [0, 1, 255, 1000]) {
    const bytes = segment(9, length).bytes;
    assert.equal(crc32(bytes), crc32ByTable(bytes));
  }
});

/** A journal of five groups, perhaps with a checkpoint of the fourth commit; and where its last record begins. */
async function small(file, withCheckpoint) {
  const segments = chain(1, 9);
  let journal = await opened(file);
  for (let at = 0; at < 8; at += 2) await journal.append(tip(segments.slice(0, at)), segments.slice(at, at + 2));
  if (withCheckpoint) {
    const { sequence, commit } = segments[3];
    const parts = [new Uint8Array(90).fill(7), new Uint8Array(10).fill(8)];
    assert.ok(await journal.writeCheckpoint({ sequence, commit, stateHash: new Uint8Array(32) }, stream(parts)));
  }
  await journal.close();
  const last = readFileSync(file).length;
  journal = await opened(file);
  await journal.append(tip(segments.slice(0, 8)), segments.slice(8));
  await journal.close();
  return { segments, bytes: readFileSync(file), last };
}

/** Opens a damaged copy in both ways: what is read is a prefix, and what is missing was told of. Gives how many were read, or the error. */
async function judge(file, damaged, segments, covered = 0) {
  writeFileSync(file, damaged);
  let salvaged;
  const reader = new FileJournal(file, { readOnly: true });
  try {
    await reader.open();
    salvaged = await readOn(reader, covered, 100);
    assert.deepEqual(salvaged.all, segments.slice(covered, covered + salvaged.all.length));
  } catch (error) {
    failsWith("ERR_CORRUPT")(error);
  }
  await reader.close();
  assert.deepEqual(readFileSync(file), damaged, "reading changes nothing");

  const journal = new FileJournal(file);
  try {
    await journal.open();
  } catch (error) {
    failsWith("ERR_CORRUPT")(error);
    assert.notEqual(salvaged ? salvaged.code : "ERR_CORRUPT", undefined);
    assert.deepEqual(readFileSync(file), damaged, "what is damaged is left alone");
    assert.deepEqual(beside(file), ["j"], "the lock is given back");
    return { error };
  }
  const { all, code } = await readOn(journal, covered);
  assert.deepEqual({ all, code }, salvaged);
  const { bytesCut, bytesUsed } = await journal.status();
  assert.equal(bytesUsed + bytesCut, damaged.length);
  assert.equal(readFileSync(file).length, bytesUsed);
  // It goes on from there.
  const before = segments.slice(0, covered + all.length);
  assert.ok(await journal.append(tip(before), [segment(before.length + 1)]));
  await journal.close();
  return { read: all.length };
}

test("every byte that changes is noticed", async () => {
  const file = fresh();
  const { segments, bytes, last } = await small(file, false);
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Buffer.from(bytes);
    damaged[at] ^= 1 << at % 8;
    const { read, error } = await judge(file, damaged, segments);
    // Rot in the last record can't be told from a write that broke off.
    if (at >= last) assert.equal(read, 8, `byte ${at}`);
    else assert.ok(error.offset <= at && at < HEADER === (error.offset === 0), `byte ${at}`);
  }
});

test("every byte of a checkpoint that changes is noticed", async () => {
  const file = fresh();
  const { segments, bytes, last } = await small(file, true);
  const end = HEADER + 2 * HEAD + 100;
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Buffer.from(bytes);
    damaged[at] ^= 0x10;
    if (at >= HEADER && at < end) {
      // Seen when it is read.
      writeFileSync(file, damaged);
      const journal = await opened(file);
      const checkpoint = await journal.checkpoint();
      const read = async () => {
        for (let i = 0; await journal.readCheckpoint(checkpoint, i); i++);
      };
      await assert.rejects(read, failsWith("ERR_CORRUPT"));
      await journal.close();
    } else {
      assert.equal((await judge(file, damaged, segments, 4)).error === undefined, at >= last, `byte ${at}`);
    }
  }
});

test("whatever the end is cut to, what is left is a prefix, or refused", async () => {
  for (const [withCheckpoint, start, covered] of [[false, HEADER, 0], [true, HEADER + 2 * HEAD + 100, 4]]) {
    const file = fresh();
    const { segments, bytes } = await small(file, withCheckpoint);
    for (let length = 0; length <= bytes.length; length++) {
      const { error } = await judge(file, bytes.subarray(0, length), segments, covered);
      assert.equal(error === undefined, length >= start, `${length} bytes`);
    }
  }
});

test("a write that broke off is cut off, unless a later record shows that it had not", async () => {
  const file = fresh();
  const { segments, bytes, last } = await small(file, false);
  const sound = bytes.subarray(0, last);
  const torn = Buffer.from(bytes.subarray(last)).fill(0, 0, HEAD);
  for (const end of [torn, Buffer.concat([torn, Buffer.alloc(5000)]), Buffer.concat([torn, sound.subarray(HEADER)])]) {
    assert.equal((await judge(file, Buffer.concat([sound, end]), segments)).read, 8);
  }
  const damaged = Buffer.from(bytes.subarray(0, last + HEAD + 1));
  damaged[last - 1] ^= 1;
  assert.ok((await judge(file, damaged, segments)).error.offset < last);
});

test("a journal has one writer, whatever its path is, and any number of readers", async () => {
  const file = fresh();
  const journal = await opened(file);
  const link = path.join(path.dirname(file), "link");
  symlinkSync(file, link);
  for (const name of [file, link, path.join(path.dirname(file), "..", path.basename(path.dirname(file)), "j")]) {
    await assert.rejects(opened(name), (error) => failsWith("ERR_LOCKED")(error) && /this process/.test(error.message));
  }
  const reader = await opened(file, { readOnly: true });
  await assert.rejects(reader.append({ sequence: 0 }, [segment(1)]), failsWith("ERR_INVALID_ARGUMENT"));
  await reader.close();
  await journal.close();
  await (await opened(link)).close();
});

test("a journal that is not opened, or that can't be, says so", async () => {
  const unopened = new FileJournal(fresh());
  await assert.rejects(unopened.read(0, 1), failsWith("ERR_INVALID_ARGUMENT"));
  await unopened.close();
  await assert.rejects(unopened.open(), failsWith("ERR_CLOSED"));
  for (const wrong of ["", 7, undefined, "a\0b"]) assert.throws(() => new FileJournal(wrong), failsWith("ERR_INVALID_ARGUMENT"));
  assert.throws(() => new FileJournal("j", { readonly: true }), failsWith("ERR_INVALID_ARGUMENT"));
  await assert.rejects(opened(path.join(scratch, "no-folder", "j")), failsWith("ERR_STORAGE"));
  await assert.rejects(opened(path.join(scratch, "none"), { readOnly: true }), failsWith("ERR_STORAGE"));
  const file = fresh();
  for (const text of ["", "hello", "\0".repeat(1000)]) {
    writeFileSync(file, text);
    await assert.rejects(opened(file), failsWith("ERR_CORRUPT"));
    assert.equal(readFileSync(file, "utf8"), text);
  }
});

/** Opens the journal, says how that went, and holds it until its input ends. */
const HOLD = `
  import { FileJournal } from "dag-store/file";
  const journal = new FileJournal(process.argv[1]);
  process.stdin.once("data", async () => {
    await journal.open().then(() => console.log("open"), (error) => console.log(error.code));
  });
  console.log("ready");
`;

/** A process that wants the journal, once it is told to. */
async function taker(file) {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", HOLD, file], { stdio: ["pipe", "pipe", "inherit"] });
  const heard = child.stdout[Symbol.asyncIterator]();
  const hear = async () => String((await heard.next()).value).trim();
  assert.equal(await hear(), "ready");
  return {
    pid: child.pid,
    take() {
      child.stdin.write("take\n");
      return hear();
    },
    async kill() {
      child.kill("SIGKILL");
      await once(child, "close");
    },
  };
}

test("a process that was killed is succeeded, by one alone of those who try", async () => {
  const file = fresh();
  let holder = await taker(file);
  assert.equal(await holder.take(), "open");
  await assert.rejects(opened(file), (error) => failsWith("ERR_LOCKED")(error) && error.message.includes(`process ${holder.pid}`));
  for (let round = 0; round < 5; round++) {
    const takers = await Promise.all([taker(file), taker(file), taker(file)]);
    await holder.kill();
    const heard = await Promise.all(takers.map((each) => each.take()));
    assert.deepEqual([...heard].sort(), ["ERR_LOCKED", "ERR_LOCKED", "open"]);
    holder = takers[heard.indexOf("open")];
    await Promise.all(takers.filter((each) => each !== holder).map((each) => each.kill()));
    assert.deepEqual(beside(file), ["j", "j.lock"]);
  }
  await holder.kill();
  await (await opened(file)).close();
  assert.deepEqual(beside(file), ["j"]);
});

test("a lock is taken over only where its holder is surely gone", async () => {
  const file = fresh();
  const journal = await opened(file);
  const lock = readFileSync(`${file}.lock`, "utf8");
  await journal.close();
  const gone = spawnSync(process.execPath, ["--version"]).pid;
  const left = (change) => {
    const text = change(lock);
    assert.notEqual(text, lock);
    writeFileSync(`${file}.lock`, text);
  };
  const dead = (text) => text.replace(/pid=\d+/, `pid=${gone}`);
  const refuse = [
    (text) => dead(text).replace(/machine=/, "machine=another "),
    (text) => dead(text).replace(/namespace=/, "namespace=another "),
    (text) => text.replace(/started=.*/, "started="),
    () => "",
    (text) => dead(text).replace("lock 1", "lock 2"),
    (text) => dead(text).replace(/id=\w+/, "id=../../j"),
  ];
  for (const change of refuse) {
    left(change);
    await assert.rejects(opened(file), failsWith("ERR_LOCKED"));
    rmSync(`${file}.lock`);
  }
  const takeOver = [
    dead,
    (text) => text.replace(/started=.*/, "started=1"),
    (text) => text.replace(/boot=.*/, "boot=another"),
    (text) => {
      // A successor died on the way.
      const [, id] = /id=(\w+)/.exec(text);
      writeFileSync(`${file}.lock.${id}`, dead(text).replace(id, "0123456789abcdef"));
      return dead(text);
    },
  ];
  for (const change of takeOver) {
    left(change);
    await (await opened(file)).close();
    assert.deepEqual(beside(file), ["j"]);
  }
});

/** Appends until the disk is full; then a smaller one, which there is room for. */
const FILL = `
  import { FileJournal } from "dag-store/file";
  const journal = new FileJournal(process.argv[1]);
  await journal.open();
  const commit = new Uint8Array(36);
  commit.set([0x01, 0x71, 0x12, 0x20]);
  let tip = { sequence: 0 };
  const append = async (length) => {
    const segment = { sequence: tip.sequence + 1, commit, bytes: new Uint8Array(length).fill(7) };
    await journal.append(tip, [segment]);
    tip = segment;
  };
  const checkpoint = { sequence: 1, commit, stateHash: new Uint8Array(32) };
  const large = async function* () { yield new Uint8Array(100_000); };
  const code = async (task) => task.then(() => "done", (error) => error.code);
  let full;
  while ((full = await code(append(10_000))) === "done");
  console.log(full, await code(append(100)), await code(journal.writeCheckpoint(checkpoint, large())));
  console.log((await journal.read(0, 1 << 30)).length, tip.sequence);
  await journal.close();
`;

test("a full disk is told, takes nothing away, and what fits is still written", async () => {
  const file = fresh();
  // A limit on the length of files is as good: the write fails in its midst.
  const shell = 'ulimit -f 128; exec "$0" --input-type=module --eval "$1" "$2"';
  const { stdout, stderr } = spawnSync("sh", ["-c", shell, process.execPath, FILL, file], { encoding: "utf8" });
  const [codes, [read, tipped]] = stdout.trim().split("\n").map((line) => line.split(" "));
  assert.deepEqual(codes, ["ERR_QUOTA", "done", "ERR_QUOTA"], stderr);
  assert.ok(Number(read) > 4 && read === tipped, stdout);
  assert.deepEqual(beside(file), ["j"]);
  const journal = await opened(file);
  assert.equal((await readOn(journal)).all.length, Number(read));
  assert.equal((await journal.status()).bytesCut, 0);
  await journal.close();
});
