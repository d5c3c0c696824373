-- A first judgement of two, until the second: shown to nobody.
CREATE TABLE first_judgements (
    alert      TEXT NOT NULL PRIMARY KEY REFERENCES alerts (alert),
    deployment TEXT NOT NULL,
    judgement  TEXT NOT NULL,
    salt       TEXT NOT NULL
) STRICT;

-- One row for each key that seals one thing, because the thing outlives its deployment or has none.
CREATE TABLE own_keys (
    name        TEXT NOT NULL PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    destroying  INTEGER NOT NULL DEFAULT 0 CHECK (destroying IN (0, 1))
) STRICT;

-- Evidence kept beyond its expiry, sealed again under a key of its own.
CREATE TABLE held_alerts (
    alert       TEXT NOT NULL PRIMARY KEY,
    entry       INTEGER NOT NULL UNIQUE REFERENCES entries (seq),
    deployment  TEXT NOT NULL,
    salt        BLOB NOT NULL,
    particulars BLOB NOT NULL,
    live        BLOB NOT NULL,
    template    BLOB NOT NULL
) STRICT;
CREATE INDEX held_alerts_of_deployment ON held_alerts (deployment);

-- What a code on an alert receipt answers about.
CREATE TABLE alert_receipts (
    code_hash  BLOB NOT NULL PRIMARY KEY,
    alert      TEXT NOT NULL,
    deployment TEXT NOT NULL,
    until_ns   INTEGER NOT NULL
) STRICT;

CREATE TABLE complaints (
    complaint  TEXT NOT NULL PRIMARY KEY,
    entry      INTEGER NOT NULL UNIQUE REFERENCES entries (seq),
    alert      TEXT,
    deployment TEXT,
    until_ns   INTEGER NOT NULL,
    text       BLOB NOT NULL,
    answer     BLOB
) STRICT;

-- Pairs of listed images shown among the alerts of an exercise to measure reviewers.
CREATE TABLE seedings (
    deployment TEXT NOT NULL PRIMARY KEY,
    entry      INTEGER NOT NULL UNIQUE REFERENCES entries (seq),
    salt       TEXT NOT NULL
) STRICT;

CREATE TABLE seeds (
    seed       TEXT NOT NULL PRIMARY KEY,
    deployment TEXT NOT NULL REFERENCES seedings (deployment),
    number     INTEGER NOT NULL,
    shown      INTEGER NOT NULL,
    listed     INTEGER NOT NULL,
    camera     TEXT,
    shown_ns   INTEGER,
    expires_ns INTEGER,
    UNIQUE (deployment, number)
) STRICT;

CREATE TABLE seed_judgements (
    seed      TEXT NOT NULL REFERENCES seeds (seed),
    place     INTEGER NOT NULL CHECK (place IN (1, 2)),
    judge     TEXT NOT NULL,
    judgement TEXT NOT NULL,
    salt      TEXT NOT NULL,
    seconds   INTEGER NOT NULL,
    PRIMARY KEY (seed, place)
) STRICT;

-- Shares and complaints are rebuilt from their entries, which belong to no deployment.
CREATE INDEX events_of_shares ON events (seq) WHERE kind GLOB 'share-*';
CREATE INDEX events_of_complaints ON events (seq) WHERE kind GLOB 'complaint-*';
