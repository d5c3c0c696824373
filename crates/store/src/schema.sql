-- Everything that happened, published or withheld. What each column may be shown to: disclosure.rs.
CREATE TABLE events (
    seq        INTEGER PRIMARY KEY,
    at_ns      INTEGER NOT NULL,
    actor      TEXT,
    kind       TEXT NOT NULL,
    deployment TEXT,
    alert      TEXT,
    listed     INTEGER,
    withheld   TEXT
) STRICT;
CREATE INDEX events_of_deployment ON events (deployment, seq) WHERE deployment IS NOT NULL;
CREATE INDEX events_of_alert ON events (alert, seq) WHERE alert IS NOT NULL;
CREATE UNIQUE INDEX proposals ON events (deployment) WHERE kind = 'deployment-proposed';

-- The public log, entry by entry, from 0 without gaps.
CREATE TABLE entries (
    seq       INTEGER PRIMARY KEY,
    event     INTEGER NOT NULL UNIQUE REFERENCES events (seq),
    bytes     BLOB NOT NULL,
    leaf_hash BLOB NOT NULL
) STRICT;

CREATE TABLE policies (
    entry  INTEGER PRIMARY KEY REFERENCES entries (seq),
    digest TEXT NOT NULL,
    text   TEXT NOT NULL
) STRICT;

CREATE TABLE operations (
    operation TEXT NOT NULL PRIMARY KEY,
    entry     INTEGER NOT NULL REFERENCES entries (seq)
) STRICT;

CREATE TABLE notices (
    deployment TEXT NOT NULL PRIMARY KEY,
    entry      INTEGER NOT NULL REFERENCES entries (seq),
    text       TEXT NOT NULL
) STRICT;

-- One row while something is sealed for a deployment. `destroying` is set before its key is destroyed.
CREATE TABLE sealing_keys (
    deployment  TEXT NOT NULL PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    destroying  INTEGER NOT NULL DEFAULT 0 CHECK (destroying IN (0, 1))
) STRICT;

CREATE TABLE watchlists (
    deployment TEXT NOT NULL PRIMARY KEY REFERENCES sealing_keys (deployment),
    salt       BLOB NOT NULL
) STRICT;

CREATE TABLE watchlist_entries (
    deployment TEXT NOT NULL REFERENCES sealing_keys (deployment),
    number     INTEGER NOT NULL,
    facts      BLOB NOT NULL,
    image      BLOB NOT NULL,
    template   BLOB NOT NULL,
    PRIMARY KEY (deployment, number)
) STRICT;

CREATE TABLE alerts (
    alert       TEXT NOT NULL PRIMARY KEY,
    entry       INTEGER NOT NULL UNIQUE REFERENCES entries (seq),
    deployment  TEXT NOT NULL REFERENCES sealing_keys (deployment),
    salt        BLOB NOT NULL,
    particulars BLOB NOT NULL,
    live        BLOB NOT NULL,
    template    BLOB NOT NULL
) STRICT;
CREATE INDEX alerts_of_deployment ON alerts (deployment, entry);

CREATE TABLE checkpoints (
    size  INTEGER PRIMARY KEY,
    at_ns INTEGER NOT NULL,
    root  BLOB NOT NULL
) STRICT;

-- `origin`: the log's name. `wipe_due`: freed space may still hold deleted rows.
CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
