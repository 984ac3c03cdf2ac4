-- Clients that number their records (extra fields client and seq): which numbers have come, whatever became of the records since.
CREATE TABLE client (
    id   INTEGER PRIMARY KEY,
    name TEXT    NOT NULL UNIQUE
);

-- Runs of numbers that have come. They neither overlap nor touch.
CREATE TABLE client_range (
    client INTEGER NOT NULL,
    first  INTEGER NOT NULL,
    last   INTEGER NOT NULL,
    PRIMARY KEY (client, first)
) WITHOUT ROWID;

-- What the latest of them held, so that a record that comes again is told from another one with its number: eight bytes for each number
-- from the first on, a hash of the record.
CREATE TABLE client_print (
    client INTEGER NOT NULL,
    first  INTEGER NOT NULL,
    prints BLOB    NOT NULL
);
CREATE INDEX client_print_key ON client_print (client, first);
