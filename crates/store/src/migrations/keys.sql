-- Version 2. A deployment's key can be replaced: it seals a data key, and what is sealed with that stays as it is. Where
-- version 1 sealed something, the key itself was used, and `data_key` is empty until the first replacement.
ALTER TABLE sealing_keys ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;
ALTER TABLE sealing_keys ADD COLUMN since_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sealing_keys ADD COLUMN data_key BLOB;
UPDATE sealing_keys SET since_ns = coalesce((SELECT max(at_ns) FROM events), 0);
