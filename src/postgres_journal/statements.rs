//! What is asked of the database. Every value is a parameter; the schema's name is all that is put in.

/// What a transaction needs, whatever the defaults are: to be on the disk (or not, where that was chosen) when it is
/// acknowledged, and not to keep the others waiting where its connection has gone without a word.
pub(super) const SETTINGS: &str = "SELECT \
    set_config('synchronous_commit', CASE WHEN $1 THEN 'off' \
      ELSE replace(current_setting('synchronous_commit'), 'off', 'on') END, true), \
    set_config('idle_in_transaction_session_timeout', '30s', true), \
    set_config('lock_timeout', '10s', true)";

/// Moves the end of the chain, if it is where it is thought to be. Writers wait for each other here.
pub(super) const ADVANCE: &str = "UPDATE dag_store.journal SET sequence = $3, commit = $4 \
    WHERE sequence = $1 AND commit IS NOT DISTINCT FROM $2";

pub(super) const SEGMENTS: &str = "INSERT INTO dag_store.segments (sequence, part, commit, bytes) \
    SELECT * FROM unnest($1::bigint[], $2::integer[], $3::text[], $4::bytea[])";

pub(super) const COMMITS: &str = "INSERT INTO dag_store.commits \
    (sequence, cid, id, state_hash, inserted, removed) \
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bytea[], $5::integer[], $6::integer[])";

pub(super) const REMOVED_EDGES: &str = "DELETE FROM dag_store.edges WHERE child = ANY($1::text[])";
pub(super) const REMOVED_NODES: &str = "DELETE FROM dag_store.nodes WHERE cid = ANY($1::text[])";

pub(super) const NODES: &str = "INSERT INTO dag_store.nodes \
    (cid, sequence, place, scope, type, timestamp, block, content) \
    SELECT cid, sequence, place, scope, type, timestamp, block, content::jsonb \
    FROM unnest($1::text[], $2::bigint[], $3::integer[], $4::text[], $5::text[], $6::bigint[], \
      $7::bytea[], $8::text[]) \
      AS new (cid, sequence, place, scope, type, timestamp, block, content)";

pub(super) const EDGES: &str = "INSERT INTO dag_store.edges (child, place, parent) \
    SELECT * FROM unnest($1::text[], $2::integer[], $3::text[])";

pub(super) const NOTIFY: &str = "SELECT pg_notify('dag_store', $1)";

/// Waits until no transaction holds the end of the chain any more: what had begun is over then, either way.
pub(super) const WAIT: &str = "SELECT FROM dag_store.journal FOR UPDATE";
pub(super) const IS_COMMITTED: &str =
    "SELECT EXISTS (SELECT FROM dag_store.commits WHERE sequence = $1 AND cid = $2)";

/// Whole segments after $1, until they have $2 bytes.
pub(super) const READ: &str = "SELECT sequence, commit, bytes FROM dag_store.segments \
    WHERE sequence > $1 AND sequence <= ( \
      SELECT max(sequence) FROM ( \
        SELECT sequence, sum(bytes) OVER (ORDER BY sequence) - bytes AS before FROM ( \
          SELECT sequence, sum(octet_length(bytes)) AS bytes FROM dag_store.segments \
          WHERE sequence > $1 AND sequence <= $1 + 1000 GROUP BY sequence) AS sizes) AS sums \
      WHERE before < $2 OR sequence = $1 + 1) \
    ORDER BY sequence, part";

pub(super) const LAST: &str = "SELECT sequence FROM dag_store.journal";

pub(super) const CHECKPOINT: &str = "SELECT checkpoint, checkpoint_commit, checkpoint_state_hash \
    FROM dag_store.journal WHERE checkpoint IS NOT NULL";

/// A part, and whether its checkpoint is still the one in force.
pub(super) const CHUNK: &str = "SELECT \
      checkpoint IS NOT DISTINCT FROM $1 AND checkpoint_commit IS NOT DISTINCT FROM $3, \
      (SELECT bytes FROM dag_store.chunks AS chunks WHERE chunks.checkpoint = $1 AND part = $2) \
    FROM dag_store.journal";

pub(super) const ADD_CHUNK: &str =
    "INSERT INTO dag_store.chunks (checkpoint, part, bytes) VALUES ($1, $2, $3)";

pub(super) const SWITCH: &str = "UPDATE dag_store.journal \
    SET checkpoint = $1, checkpoint_commit = $2, checkpoint_state_hash = $3, \
      sequence = greatest(sequence, $1), commit = CASE WHEN sequence > $1 THEN commit ELSE $2 END \
    WHERE checkpoint IS NULL OR checkpoint < $1";
pub(super) const FORGET_CHUNKS: &str = "DELETE FROM dag_store.chunks WHERE checkpoint <> $1";
pub(super) const FORGET_SEGMENTS: &str = "DELETE FROM dag_store.segments WHERE sequence <= $1";

/// What the server is, as far as a journal's promises go.
pub(super) const SERVER: &str =
    "SELECT current_setting('server_encoding'), current_setting('fsync') = 'on'";

pub(super) const SIZE: &str = "SELECT coalesce(sum(pg_total_relation_size(pg_class.oid)), 0)::bigint \
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace \
    WHERE nspname = $1 AND relkind = 'r'";
