-- The staff register: every change, newest last; what is true of somebody is their newest line.
CREATE TABLE staff (
    event            INTEGER PRIMARY KEY REFERENCES events (seq),
    officer          TEXT NOT NULL,
    role             TEXT NOT NULL,
    trained_until_ns INTEGER NOT NULL,
    standing         TEXT NOT NULL CHECK (standing IN ('active', 'suspended')),
    reason           TEXT NOT NULL
) STRICT;
CREATE INDEX staff_of_officer ON staff (officer, event);
