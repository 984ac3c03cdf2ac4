-- What is in force in this file, for whoever opens it next to see. Nobody has to have any of it.
CREATE TABLE setting (
    -- "keep": the rules of retention, an array of JSON as they are written for --keep. "max_bytes": how large the file may be.
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) WITHOUT ROWID;
