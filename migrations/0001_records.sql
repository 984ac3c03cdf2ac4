-- Places in programs that log. One row for each distinct combination; NULL: the client did not say.
CREATE TABLE site (
    id        INTEGER PRIMARY KEY,
    name      TEXT    NOT NULL,
    levelno   INTEGER NOT NULL,
    levelname TEXT    NOT NULL,
    pathname  TEXT,
    lineno    INTEGER,
    funcName  TEXT,
    -- Only when they are not what follows from pathname.
    filename  TEXT,
    module    TEXT
);
CREATE INDEX site_key ON site (name, lineno, levelno, pathname);

-- Who logged. One row for each distinct combination; NULL: the client did not say.
CREATE TABLE origin (
    id          INTEGER PRIMARY KEY,
    hostname    TEXT NOT NULL,
    process     INTEGER,
    processName TEXT,
    thread      INTEGER,
    threadName  TEXT,
    -- When the process began to log: milliseconds since the Unix epoch.
    started     INTEGER
);
CREATE INDEX origin_key ON origin (process, thread, started, hostname);

-- The records. site and origin are ids of the tables above, without a declared reference: checking one would cost every
-- insert, and only logstore writes here.
CREATE TABLE record (
    id         INTEGER PRIMARY KEY,
    -- Nanoseconds since the Unix epoch, UTC.
    created    INTEGER NOT NULL,
    site       INTEGER NOT NULL,
    origin     INTEGER NOT NULL,
    message    TEXT    NOT NULL,
    task_name  TEXT,
    exc_text   TEXT,
    stack_info TEXT,
    -- A JSON object.
    extra      TEXT
);

-- A site with what follows from its pathname: the file's name is what is behind the last slash (or backslash), the module is
-- that without its last extension. rtrim with all other characters of the text finds the last of one.
CREATE VIEW site_derived AS
SELECT id, name, levelno, levelname, pathname, lineno, funcName, filename,
       coalesce(module,
                nullif(substr(rtrim(filename, replace(filename, '.', '')), 1,
                              length(rtrim(filename, replace(filename, '.', ''))) - 1), ''),
                filename) AS module
FROM (SELECT id, name, levelno, levelname, pathname, lineno, funcName, module,
             coalesce(filename,
                      substr(pathname, length(rtrim(pathname, replace(replace(pathname, '/', ''), '\', ''))) + 1)
             ) AS filename
      FROM site);

-- Seconds and nanoseconds are taken apart as integers, whose remainder is negative before 1970: a float would round.

-- Every field of every record, under the names of Python's LogRecord.
CREATE VIEW records AS
SELECT record.id                                                                      AS id,
       record.created                                                                 AS created_ns,
       strftime('%Y-%m-%dT%H:%M:%S', (record.created - (record.created % 1000000000 + 1000000000) % 1000000000) / 1000000000, 'unixepoch')
           || printf('.%09dZ', (record.created % 1000000000 + 1000000000) % 1000000000) AS created,
       site.name                                                                      AS name,
       site.levelno                                                                   AS levelno,
       site.levelname                                                                 AS levelname,
       record.message                                                                 AS message,
       origin.hostname                                                                AS hostname,
       origin.process                                                                 AS process,
       origin.processName                                                             AS processName,
       origin.thread                                                                  AS thread,
       origin.threadName                                                              AS threadName,
       record.task_name                                                               AS taskName,
       site.pathname                                                                  AS pathname,
       site.filename                                                                  AS filename,
       site.module                                                                    AS module,
       site.lineno                                                                    AS lineno,
       site.funcName                                                                  AS funcName,
       record.exc_text                                                                AS exc_text,
       record.stack_info                                                              AS stack_info,
       record.extra                                                                   AS extra
FROM record
LEFT JOIN site_derived AS site ON site.id = record.site
LEFT JOIN origin ON origin.id = record.origin;

-- The seven text columns of dagrunner's logger, in its order and with its local times, so that old SQL keeps working.
CREATE VIEW logs AS
SELECT strftime('%Y-%m-%dT%H:%M:%S', (record.created - (record.created % 1000000000 + 1000000000) % 1000000000) / 1000000000, 'unixepoch', 'localtime') AS created,
       site.name                                                                            AS name,
       site.levelname                                                                       AS level,
       record.message                                                                       AS message,
       origin.hostname                                                                      AS hostname,
       CAST(origin.process AS TEXT)                                                         AS process,
       CAST(origin.thread AS TEXT)                                                          AS thread
FROM record
LEFT JOIN site ON site.id = record.site
LEFT JOIN origin ON origin.id = record.origin;
