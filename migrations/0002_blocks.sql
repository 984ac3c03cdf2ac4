-- The skip index: summaries of runs of records, made of the rows alone. A row of the three tables block, block_column and
-- block_words may be deleted at any time; it is made again by the next program that writes. Blobs begin with a version byte and a checksum.

-- Runs of consecutive records that do not overlap: where they lie, and which sites and origins occur in them.
CREATE TABLE block (
    -- The ids of the first and the last record.
    id          INTEGER PRIMARY KEY,
    last_id     INTEGER NOT NULL,
    -- How many there are.
    records     INTEGER NOT NULL,
    min_created INTEGER NOT NULL,
    max_created INTEGER NOT NULL,
    -- Their sites, and their origins, each once.
    sites       BLOB    NOT NULL,
    origins     BLOB    NOT NULL
);

-- What counting reads, apart from the rest: a column of the records in each blob, the shortest first, since a column behind a
-- long one costs reading that as well. record (their ids) is NULL when they have all ids from the first to the last.
CREATE TABLE block_column (
    id      INTEGER PRIMARY KEY,
    origin  BLOB NOT NULL,
    site    BLOB NOT NULL,
    created BLOB NOT NULL,
    record  BLOB
);

-- A filter of the words in the texts of the records.
CREATE TABLE block_words (
    id    INTEGER PRIMARY KEY,
    words BLOB NOT NULL
);

-- What the index has to know besides. There is one row.
CREATE TABLE index_state (
    -- The highest id of a record that was deleted: ids are not given again, so that who has read up to one misses nothing.
    deleted_id    INTEGER NOT NULL,
    -- The generation of the blocks: one more with every transaction that does anything else to them than to put new ones behind all
    -- others. Who remembers blocks of another generation forgets them.
    generation    INTEGER NOT NULL
);
INSERT INTO index_state (deleted_id, generation) VALUES (0, 0);

-- A block says what is in the file, whoever deletes, changes or puts in a record. logstore itself puts records behind all others and
-- needs no telling: it switches triggers off for its own connection.
CREATE TRIGGER record_inserted AFTER INSERT ON record BEGIN
    DELETE FROM block WHERE id = (SELECT max(id) FROM block WHERE id <= new.id) AND last_id >= new.id;
END;
CREATE TRIGGER record_deleted AFTER DELETE ON record BEGIN
    UPDATE index_state SET deleted_id = old.id WHERE deleted_id < old.id;
    DELETE FROM block WHERE id = (SELECT max(id) FROM block WHERE id <= old.id) AND last_id >= old.id;
END;
CREATE TRIGGER record_updated AFTER UPDATE ON record BEGIN
    DELETE FROM block WHERE id = (SELECT max(id) FROM block WHERE id <= old.id) AND last_id >= old.id;
    DELETE FROM block WHERE id = (SELECT max(id) FROM block WHERE id <= new.id) AND last_id >= new.id;
END;
CREATE TRIGGER block_deleted AFTER DELETE ON block BEGIN
    DELETE FROM block_column WHERE id = old.id;
    DELETE FROM block_words WHERE id = old.id;
    UPDATE index_state SET generation = generation + 1;
END;
CREATE TRIGGER block_updated AFTER UPDATE ON block BEGIN
    UPDATE index_state SET generation = generation + 1;
END;
CREATE TRIGGER block_inserted AFTER INSERT ON block BEGIN
    UPDATE index_state SET generation = generation + 1;
END;
