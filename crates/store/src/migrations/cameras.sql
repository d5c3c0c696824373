-- What the commitment to a camera's address is salted with: with it and the address anybody can be shown which camera was
-- opened. It is about no person and stays; the address is kept nowhere.
CREATE TABLE camera_salts (
    deployment TEXT NOT NULL,
    camera     TEXT NOT NULL,
    entry      INTEGER NOT NULL UNIQUE REFERENCES entries (seq),
    salt       TEXT NOT NULL,
    PRIMARY KEY (deployment, camera)
) STRICT;
