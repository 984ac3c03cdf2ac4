-- What no record needs any longer goes: rows of site and origin, hashes of what has come, clients. setting has "swept": how many rows of
-- site and origin the last sweep left, and the sum of their highest ids.

-- The generation of site and origin: one more with every transaction that removes rows of theirs. Who remembers ids of another
-- generation forgets them. No id is given again.
ALTER TABLE index_state ADD COLUMN names INTEGER NOT NULL DEFAULT 0;
-- One more whenever somebody else than logstore puts in or changes a record: whoever looks which sites are in use looks again.
ALTER TABLE index_state ADD COLUMN touched INTEGER NOT NULL DEFAULT 0;

DROP TRIGGER record_inserted;
CREATE TRIGGER record_inserted AFTER INSERT ON record BEGIN
    UPDATE index_state SET touched = touched + 1;
    DELETE FROM block WHERE id = (SELECT max(id) FROM block WHERE id <= new.id) AND last_id >= new.id;
END;
DROP TRIGGER record_updated;
CREATE TRIGGER record_updated AFTER UPDATE ON record BEGIN
    UPDATE index_state SET touched = touched + 1;
    DELETE FROM block WHERE id = (SELECT max(id) FROM block WHERE id <= old.id) AND last_id >= old.id;
    DELETE FROM block WHERE id = (SELECT max(id) FROM block WHERE id <= new.id) AND last_id >= new.id;
END;

-- When something came of a client last, in hours since the Unix epoch; what is there already came now.
ALTER TABLE client ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;
UPDATE client SET seen = unixepoch() / 3600;
CREATE INDEX client_seen ON client (seen);

-- When these came. To read it out of the table is to read the hashes in front of it, so the index has to suffice.
ALTER TABLE client_print ADD COLUMN hour INTEGER NOT NULL DEFAULT 0;
UPDATE client_print SET hour = unixepoch() / 3600;
CREATE INDEX client_print_hour ON client_print (hour);
