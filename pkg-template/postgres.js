/** A journal in a PostgreSQL database, by the driver that the caller hands in: a Pool of `pg`, or `postgres()`. */
import { DagStoreError } from "./error.js";
import { encodeBase32 } from "./multibase.js";
import { News } from "./news.js";
import { readOptions } from "./options.js";
import { joined, parts } from "./parts.js";
import { Doubt, ROLLBACK, driverOf, isState } from "./postgres-driver.js";
import { rowsOf } from "./postgres-rows.js";
import { STEPS } from "./postgres-schema.js";
import { writeId } from "./id.js";

const SCHEMA = "dag_store";
const NAMES = /^(?!pg_)[a-z][a-z0-9_]{0,62}$/;

/** How often something is tried that may go well the next time, and how long it waits at most in between. */
const TRIES = 8;
const [SHORTEST_MS, LONGEST_MS] = [50, 2_000];
/** How often who waits asks for the last commit in any case. */
const HEARTBEAT_MS = 15_000;
/** Bytes that one append takes; and rows and bytes of blocks, about, that one statement inserts. */
const MAX_APPEND = 384 * 2 ** 20;
const SLICE = 2_000;

const SETTINGS = `SELECT
  set_config('synchronous_commit', CASE WHEN $1::text = 'relaxed' THEN 'off'
    ELSE replace(current_setting('synchronous_commit'), 'off', 'on') END, true),
  set_config('idle_in_transaction_session_timeout', '30s', true),
  set_config('lock_timeout', '10s', true)`;
const ADVANCE = `UPDATE dag_store.journal SET sequence = $3::bigint, commit = $4::text
  WHERE sequence = $1::bigint AND commit IS NOT DISTINCT FROM $2::text`;
const SEGMENT = "INSERT INTO dag_store.segments (sequence, part, commit, bytes) VALUES ($1::bigint, $2::integer, $3::text, $4::bytea)";
const COMMITS = `INSERT INTO dag_store.commits (sequence, cid, id, state_hash, inserted, removed)
  SELECT sequence, cid, decode(id, 'base64'), decode(state_hash, 'base64'), inserted, removed
  FROM json_to_recordset($1::text::json)
    AS new (sequence bigint, cid text, id text, state_hash text, inserted integer, removed integer)`;
const REMOVED = ["edges WHERE child", "nodes WHERE cid"].map(
  (rows) => `DELETE FROM dag_store.${rows} IN (SELECT json_array_elements_text($1::text::json))`,
);
const NODES = `INSERT INTO dag_store.nodes (cid, sequence, place, scope, type, timestamp, block, content)
  SELECT cid, sequence, place, scope, type, timestamp, decode(block, 'base64'), content::jsonb
  FROM json_to_recordset($1::text::json)
    AS new (cid text, sequence bigint, place integer, scope text, type text, timestamp bigint, block text, content text)`;
const EDGES = `INSERT INTO dag_store.edges (child, place, parent)
  SELECT child, place, parent FROM json_to_recordset($1::text::json) AS new (child text, place integer, parent text)`;
const NOTIFY = "SELECT pg_notify('dag_store', $1::text)";
const WAIT = "SELECT FROM dag_store.journal FOR UPDATE";
const IS_COMMITTED = "SELECT 1 FROM dag_store.commits WHERE sequence = $1::bigint AND cid = $2::text";
const READ = `SELECT sequence, commit, bytes FROM dag_store.segments
  WHERE sequence > $1::bigint AND sequence <= (
    SELECT max(sequence) FROM (
      SELECT sequence, sum(bytes) OVER (ORDER BY sequence) - bytes AS before FROM (
        SELECT sequence, sum(octet_length(bytes)) AS bytes FROM dag_store.segments
        WHERE sequence > $1::bigint AND sequence <= $1::bigint + 1000 GROUP BY sequence) AS sizes) AS sums
    WHERE before < $2::bigint OR sequence = $1::bigint + 1)
  ORDER BY sequence, part`;
const LAST = "SELECT sequence FROM dag_store.journal";
const CHECKPOINT = `SELECT checkpoint, checkpoint_commit, checkpoint_state_hash FROM dag_store.journal
  WHERE checkpoint IS NOT NULL`;
const CHUNK = `SELECT checkpoint IS NOT DISTINCT FROM $1::bigint AND checkpoint_commit IS NOT DISTINCT FROM $3::text AS is_in_force,
    (SELECT bytes FROM dag_store.chunks AS chunks WHERE chunks.checkpoint = $1::bigint AND part = $2::bigint) AS bytes
  FROM dag_store.journal`;
const ADD_CHUNK = "INSERT INTO dag_store.chunks (checkpoint, part, bytes) VALUES ($1::bigint, $2::bigint, $3::bytea)";
const SWITCH = `UPDATE dag_store.journal
  SET checkpoint = $1::bigint, checkpoint_commit = $2::text, checkpoint_state_hash = $3::bytea,
    sequence = greatest(sequence, $1::bigint), commit = CASE WHEN sequence > $1::bigint THEN commit ELSE $2::text END
  WHERE checkpoint IS NULL OR checkpoint < $1::bigint`;
const FORGET = ["chunks WHERE checkpoint <>", "segments WHERE sequence <="].map((rows) => `DELETE FROM dag_store.${rows} $1::bigint`);
const SERVER = "SELECT current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync";
const SIZE = `SELECT coalesce(sum(pg_total_relation_size(pg_class.oid)), 0)::bigint AS bytes
  FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = $1::text AND relkind = 'r'`;

export class PostgresJournal {
  #driver;
  #schema;
  #relaxed;
  #opening;
  #isClosed = false;
  #news = new News();
  #last = 0;
  #listening;

  constructor(database, options) {
    const read = readOptions(options, "options", ["schema", "durability"]);
    this.#driver = driverOf(database);
    this.#schema = read.text("schema") ?? SCHEMA;
    if (!NAMES.test(this.#schema)) read.fail("schema", "must be a small letter, then up to 62 small letters, digits and underscores, and not begin with `pg_`");
    this.#relaxed = read.choice("durability", ["strict", "relaxed"]) === "relaxed";
  }

  async open() {
    this.#opening ??= this.#retrying(() => this.#open());
    const { fsync } = await this.#opening;
    const durability = this.#relaxed || fsync !== "on" ? "relaxed" : "strict";
    return { durability, writers: "many", watch: true, checkpoints: true, maxAppend: MAX_APPEND };
  }

  async #open() {
    const [server] = await this.#query(SERVER);
    if (server.encoding !== "UTF8") throw new DagStoreError("ERR_INVALID_ARGUMENT", "the database's encoding must be UTF8");
    if ((await this.#version((sql, values) => this.#query(sql, values))) < STEPS.length) {
      await this.#write(async (run) => {
        await run("SELECT pg_advisory_xact_lock(hashtextextended('dag_store ' || $1::text, 0))", [this.#schema]);
        const [{ there }] = await run("SELECT to_regnamespace(quote_ident($1::text)) IS NOT NULL AS there", [this.#schema]);
        if (!there) await run("CREATE SCHEMA dag_store");
        const version = await this.#version(run);
        if (version === 0) {
          await run("CREATE TABLE dag_store.migrations (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())");
        }
        for (let number = version + 1; number <= STEPS.length; number++) {
          // One by one: a statement that has values, or could have, is one.
          for (const statement of STEPS[number - 1].replaceAll(/^--.*$/gm, "").split(";")) if (statement.trim()) await run(statement);
          await run("INSERT INTO dag_store.migrations (version) VALUES ($1::integer)", [number]);
        }
      });
    }
    return server;
  }

  /** The version that the tables are of; 0 where there are none. */
  async #version(run) {
    const [{ there }] = await run("SELECT to_regclass(quote_ident($1::text) || '.migrations') IS NOT NULL AS there", [this.#schema]);
    if (!there) return 0;
    const [{ last }] = await run("SELECT coalesce(max(version), 0) AS last FROM dag_store.migrations");
    if (Number(last) <= STEPS.length) return Number(last);
    throw new DagStoreError("ERR_UNSUPPORTED_VERSION", "the tables are of a later version; update dag-store to use them");
  }

  async append(after, segments) {
    const last = segments.at(-1);
    const cid = encodeBase32(last.commit);
    const rows = rowsOf(segments);
    let isDoubtful = false;
    try {
      return await this.#retrying(async () => {
        if (isDoubtful && (await this.#isCommitted(last.sequence, cid))) return true;
        isDoubtful = false;
        try {
          return await this.#append(after, segments, last.sequence, cid, rows);
        } catch (error) {
          isDoubtful = error instanceof Doubt;
          throw error;
        }
      });
    } catch (cause) {
      if (!isDoubtful) throw cause;
      throw new DagStoreError("ERR_OUTCOME_UNKNOWN", "the connection to the database died during the commit", { cause: cause.cause });
    }
  }

  async #append(after, segments, sequence, cid, rows) {
    const done = await this.#write(async (run) => {
      const before = after.commit === undefined ? null : encodeBase32(after.commit);
      await run(SETTINGS, [this.#relaxed ? "relaxed" : "strict"]);
      const { changed } = await run(ADVANCE, [after.sequence, before, sequence, cid]);
      if (changed === 0) return ROLLBACK;
      for (const { sequence, commit, bytes } of segments) {
        for (const [part, value] of parts(bytes).entries()) await run(SEGMENT, [sequence, part, encodeBase32(commit), ownBytes(value)]);
      }
      await run(COMMITS, [JSON.stringify(rows.commits)]);
      if (rows.removed.length > 0) for (const remove of REMOVED) await run(remove, [JSON.stringify(rows.removed)]);
      for (const nodes of slices(rows.nodes)) await run(NODES, [JSON.stringify(nodes)]);
      for (const edges of slices(rows.edges)) await run(EDGES, [JSON.stringify(edges)]);
      await run(NOTIFY, [`${this.#schema} ${sequence}`]);
      return true;
    });
    return done !== ROLLBACK;
  }

  /** Whether a commit that was in doubt has happened, once that can no longer change. */
  async #isCommitted(sequence, cid) {
    return this.#write(async (run) => {
      await run(SETTINGS, ["strict"]);
      await run(WAIT);
      return (await run(IS_COMMITTED, [sequence, cid])).length > 0;
    });
  }

  async read(after, maxBytes) {
    const rows = await this.#retrying(() => this.#query(READ, [after, maxBytes]));
    const segments = [];
    for (const { sequence, commit, bytes } of rows) {
      if (segments.at(-1)?.sequence === Number(sequence)) segments.at(-1).list.push(bytes);
      else segments.push({ sequence: Number(sequence), commit: cidOf(commit), list: [bytes] });
    }
    if (segments[0]?.sequence !== after + 1) {
      const checkpoint = await this.checkpoint();
      if (checkpoint !== undefined && after < checkpoint.sequence) throw compacted();
      if (segments.length > 0) throw new DagStoreError("ERR_CORRUPT", "the journal's tables are damaged: a segment is missing");
    }
    return segments.map(({ sequence, commit, list }) => ({ sequence, commit, bytes: ownBytes(joined(list)) }));
  }

  async changed(after, signal) {
    const goOn = () => this.#news.tell();
    signal.addEventListener("abort", goOn);
    this.#listening ??= this.#listen();
    while (!this.#isClosed && !signal.aborted && this.#last <= after) await this.#news.next();
    signal.removeEventListener("abort", goOn);
  }

  /** Listens until the journal is closed, whatever becomes of connections. */
  async #listen() {
    for (let tries = 0; !this.#isClosed; ) {
      const cut = new News();
      const ended = cut.next();
      let stop;
      try {
        stop = await this.#driver.listen((payload) => this.#heard(payload), () => cut.tell());
        for (;;) {
          // It listens by now: what came before is found by asking.
          await this.#look();
          tries = 0;
          // It may have been closed meanwhile.
          if (this.#isClosed) break;
          const isOver = await Promise.race([ended.then(() => true), this.#rest()]);
          if (isOver === true || this.#isClosed) break;
        }
      } catch {
        // Whoever uses the database next is told why.
        await pause(tries++);
      }
      stop?.();
    }
  }

  #heard(payload) {
    const [schema, sequence] = payload?.split(" ") ?? [];
    if (schema === this.#schema) this.#tell(Number(sequence));
    else if (payload === undefined) this.#look().catch(() => {});
  }

  async #look() {
    const [{ sequence }] = await this.#query(LAST);
    this.#tell(Number(sequence));
  }

  #tell(sequence) {
    this.#last = Math.max(this.#last, sequence);
    this.#news.tell();
  }

  /** Waits until it is time to ask again, or until the journal is closed. */
  #stopResting = () => {};
  #rest() {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, HEARTBEAT_MS);
      keepNothingAlive(timer);
      this.#stopResting = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async checkpoint() {
    const [row] = await this.#retrying(() => this.#query(CHECKPOINT));
    if (row === undefined) return undefined;
    return { sequence: Number(row.checkpoint), commit: cidOf(row.checkpoint_commit), stateHash: ownBytes(row.checkpoint_state_hash) };
  }

  async readCheckpoint({ sequence, commit }, part) {
    const [row] = await this.#retrying(() => this.#query(CHUNK, [sequence, part, encodeBase32(commit)]));
    if (!row.is_in_force) throw compacted();
    return row.bytes === null ? undefined : ownBytes(row.bytes);
  }

  /** Writes a checkpoint in one transaction, so that nothing is left of one that breaks off. */
  async writeCheckpoint({ sequence, commit, stateHash }, chunks) {
    const isThere = async () => (await this.checkpoint())?.sequence >= sequence;
    if (await isThere()) return false;
    let theirs;
    try {
      const done = await this.#write(async (run) => {
        let number = 0;
        for await (const chunk of noting(chunks, (error) => (theirs = { error }))) {
          for (const part of parts(chunk)) await run(ADD_CHUNK, [sequence, number++, ownBytes(part)]);
        }
        await run(SETTINGS, ["strict"]);
        const { changed } = await run(SWITCH, [sequence, encodeBase32(commit), ownBytes(stateHash)]);
        if (changed === 0) return ROLLBACK;
        for (const forget of FORGET) await run(forget, [sequence]);
        return true;
      });
      return done !== ROLLBACK;
    } catch (error) {
      if (theirs !== undefined) throw theirs.error;
      // Somebody else has written the same one meanwhile, or it is there though its acknowledgment isn't.
      if (await isThere().catch(() => false)) return false;
      throw told(error);
    }
  }

  async status() {
    const [{ bytes }] = await this.#retrying(() => this.#query(SIZE, [this.#schema]));
    return { bytesUsed: Number(bytes) };
  }

  /** Ends what it began. The driver is the caller's, and stays open. */
  async close() {
    this.#isClosed = true;
    this.#news.tell();
    this.#stopResting();
    await this.#listening;
  }

  #named(sql) {
    return sql.replaceAll(/\bdag_store\.|(?<=CREATE SCHEMA )dag_store/g, (name) => `"${this.#schema}"${name.endsWith(".") ? "." : ""}`);
  }

  async #query(sql, values) {
    if (this.#isClosed) throw closed();
    return this.#driver.query(this.#named(sql), values);
  }

  async #write(task) {
    if (this.#isClosed) throw closed();
    return this.#driver.transaction((run) => task((sql, values) => run(this.#named(sql), values)));
  }

  /** Does something that may be done again, until it is not for a failure that passes. */
  async #retrying(task) {
    for (let tries = 0; ; tries++) {
      try {
        return await task();
      } catch (error) {
        if (!isPassing(error) || tries + 1 === TRIES) throw error instanceof Doubt ? error : told(error);
        await pause(tries);
      }
    }
  }
}

/** What it is given, and word of an error that comes from there. */
async function* noting(chunks, note) {
  try {
    yield* chunks;
  } catch (error) {
    note(error);
    throw error;
  }
}

function* slices(rows) {
  for (let at = 0; at < rows.length; at += SLICE) yield rows.slice(at, at + SLICE);
}

async function pause(tries) {
  const most = Math.min(LONGEST_MS, SHORTEST_MS * 2 ** tries);
  await new Promise((resolve) => setTimeout(resolve, Math.random() * most));
}

/** A process that has nothing else to do may end. */
function keepNothingAlive(timer) {
  if (globalThis.Deno) Deno.unrefTimer(timer);
  else timer.unref();
}

const codeOf = (error) => (isState(error?.code) ? error.code : undefined);

/** Whether a failure may pass: the connection or the server goes, or others were in the way. */
function isPassing(error) {
  if (error instanceof DagStoreError) return false;
  const code = codeOf(error);
  return error instanceof Doubt || code === undefined || /^(08|40|57)|^55P03$/.test(code);
}

const MEANINGS = [
  [/^53100$/, "ERR_QUOTA", "the database has no room left"],
  [/^42501$/, "ERR_STORAGE", "the database refuses: the role lacks a right; `docs/postgres.md` lists those it needs"],
  [/^55P03$/, "ERR_CONTENDED", "others kept the journal locked for too long"],
  [/^XX00[12]$/, "ERR_CORRUPT", "the database is damaged"],
  [/^40/, "ERR_CONTENDED", "the database could not serialise this"],
  [/^28/, "ERR_STORAGE", "the database refuses the role or its password"],
];

/** What the driver failed with, in our words: with the code and the message, and none of the details, which may quote rows. */
function told(error) {
  if (error instanceof DagStoreError) return error;
  const code = codeOf(error);
  const [, kind, what] = MEANINGS.find(([codes]) => codes.test(code)) ?? [, "ERR_STORAGE", code ? "the database failed" : "the connection to the database failed"];
  const cause = new Error(code ? `${code}: ${error.message}` : String(error?.code ?? error?.message));
  return new DagStoreError(kind, what, { cause });
}

/** The bytes, without a class or a memory that they share with others. */
function ownBytes(bytes) {
  return globalThis.Buffer ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) : bytes;
}

function cidOf(text) {
  const bytes = new Uint8Array(36);
  writeId(text, bytes, 0);
  return bytes;
}

function compacted() {
  return new DagStoreError("ERR_COMPACTED", "a checkpoint has taken the place of what was asked for");
}

function closed() {
  return new DagStoreError("ERR_CLOSED", "the journal is closed");
}
