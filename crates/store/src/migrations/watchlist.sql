-- The watchlist has a key of its own, destroyed when its deployment ends; what an open alert needs is kept with the alert.
CREATE TABLE watchlist_keys (
    deployment  TEXT NOT NULL PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    destroying  INTEGER NOT NULL DEFAULT 0 CHECK (destroying IN (0, 1))
) STRICT;

ALTER TABLE watchlists ADD COLUMN last_number INTEGER NOT NULL DEFAULT 0;

-- Entries of different people that are alike; somebody must compare each pair.
CREATE TABLE watchlist_flags (
    deployment   TEXT NOT NULL REFERENCES watchlist_keys (deployment),
    first        INTEGER NOT NULL,
    second       INTEGER NOT NULL,
    likeness     TEXT NOT NULL,
    acknowledged INTEGER NOT NULL DEFAULT 0 CHECK (acknowledged IN (0, 1)),
    PRIMARY KEY (deployment, first, second)
) STRICT;

CREATE TABLE watchlist_approvals (
    deployment TEXT NOT NULL REFERENCES watchlist_keys (deployment),
    number     INTEGER NOT NULL,
    reason     BLOB NOT NULL,
    PRIMARY KEY (deployment, number)
) STRICT;

-- What an alert is about, as it was listed: outlives the list, ends with the alert.
CREATE TABLE alert_listings (
    alert      TEXT NOT NULL PRIMARY KEY REFERENCES alerts (alert) ON DELETE CASCADE,
    deployment TEXT NOT NULL REFERENCES sealing_keys (deployment),
    facts      BLOB NOT NULL,
    image      BLOB NOT NULL
) STRICT;

-- "Was I on a list?": keyed commitments in the order of their bytes, which says nothing of the order of the list.
CREATE TABLE commitment_keys (
    deployment  TEXT NOT NULL PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    destroying  INTEGER NOT NULL DEFAULT 0 CHECK (destroying IN (0, 1)),
    until_ns    INTEGER
) STRICT;

CREATE TABLE listed_commitments (
    deployment TEXT NOT NULL REFERENCES commitment_keys (deployment),
    commitment BLOB NOT NULL,
    PRIMARY KEY (deployment, commitment)
) STRICT;

-- People wrongly stopped for looking like somebody listed. Each has a key of its own; `links` is the key of all links.
CREATE TABLE suppression_keys (
    suppression TEXT NOT NULL PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    destroying  INTEGER NOT NULL DEFAULT 0 CHECK (destroying IN (0, 1))
) STRICT;

CREATE TABLE suppressions (
    suppression TEXT NOT NULL PRIMARY KEY REFERENCES suppression_keys (suppression),
    deployment  TEXT NOT NULL,
    alert       TEXT NOT NULL,
    expires_ns  INTEGER NOT NULL,
    consent     BLOB NOT NULL,
    template    BLOB NOT NULL,
    link        BLOB NOT NULL
) STRICT;
