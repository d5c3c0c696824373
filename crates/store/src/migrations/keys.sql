-- Version 2. One row for each file in `keys/` but the log's. A file can be replaced: it seals a data key, and what is sealed
-- with that stays as it is. A file of version 1 was the data key itself: `data_key` is empty until its first replacement.
CREATE TABLE key_files (
    name        TEXT NOT NULL PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    generation  INTEGER NOT NULL,
    since_ns    INTEGER NOT NULL,
    data_key    BLOB
) STRICT;
INSERT INTO key_files (name, fingerprint, generation, since_ns)
    SELECT 'deployment-' || deployment, fingerprint, 1, coalesce((SELECT max(at_ns) FROM events), 0) FROM sealing_keys;

-- Each event fixes all before it; each publication vouches for the events so far. Older events are linked when the
-- database is next opened, older publications vouch for none.
ALTER TABLE events ADD COLUMN chain BLOB;
ALTER TABLE checkpoints ADD COLUMN events INTEGER;
ALTER TABLE checkpoints ADD COLUMN vouched BLOB;
