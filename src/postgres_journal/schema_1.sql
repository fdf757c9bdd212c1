-- The tables of a journal, version 1. `docs/postgres.md` says what is in them.

CREATE TABLE dag_store.journal (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  sequence bigint NOT NULL,
  commit text COLLATE "C",
  checkpoint bigint,
  checkpoint_commit text COLLATE "C",
  checkpoint_state_hash bytea
);
INSERT INTO dag_store.journal (sequence) VALUES (0);

CREATE TABLE dag_store.segments (
  sequence bigint NOT NULL,
  part integer NOT NULL,
  commit text COLLATE "C" NOT NULL,
  bytes bytea NOT NULL,
  PRIMARY KEY (sequence, part)
);
-- A CAR file of hashes and small blocks is not worth the time it takes to compress.
ALTER TABLE dag_store.segments ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE TABLE dag_store.chunks (
  checkpoint bigint NOT NULL,
  part bigint NOT NULL,
  bytes bytea NOT NULL,
  PRIMARY KEY (checkpoint, part)
);
ALTER TABLE dag_store.chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE TABLE dag_store.commits (
  sequence bigint PRIMARY KEY,
  cid text COLLATE "C" NOT NULL,
  id bytea,
  state_hash bytea,
  inserted integer,
  removed integer,
  committed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE dag_store.nodes (
  cid text COLLATE "C" PRIMARY KEY,
  sequence bigint NOT NULL,
  place integer NOT NULL,
  scope text,
  type text,
  timestamp bigint NOT NULL,
  block bytea NOT NULL,
  content jsonb
);
CREATE INDEX nodes_by_scope ON dag_store.nodes (scope, timestamp);

CREATE TABLE dag_store.edges (
  child text COLLATE "C" NOT NULL,
  place integer NOT NULL,
  parent text COLLATE "C" NOT NULL,
  PRIMARY KEY (child, place)
);
CREATE INDEX edges_by_parent ON dag_store.edges (parent);
