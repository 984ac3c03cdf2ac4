-- Which spill files are stored, and how far: written in the transaction that stores their records, so that none is stored twice.
CREATE TABLE spill (
    -- The file's id, a random number in its header.
    file    INTEGER PRIMARY KEY,
    -- The number of the last frame that is stored.
    through INTEGER NOT NULL
);
