-- 001: the first schema. Times are milliseconds since 1970 in UTC; 0 means "not yet" where a column may be empty.

-- One row: what belongs to the database as a whole.
CREATE TABLE state (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    revision_floor INTEGER NOT NULL, -- the highest revision that a deleted series had: a new one starts above it, so (id, revision) never repeats
    probes         INTEGER NOT NULL  -- raised by the writer to find out whether a full disk has room again
) STRICT;
INSERT INTO state (one, revision_floor, probes) VALUES (1, 0, 0);

CREATE TABLE models (
    key        INTEGER PRIMARY KEY, -- ascending in the order of creation
    id         TEXT NOT NULL UNIQUE,
    name       TEXT UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE model_versions (
    key           INTEGER PRIMARY KEY,
    model         TEXT NOT NULL REFERENCES models (id) ON DELETE CASCADE,
    version       INTEGER NOT NULL CHECK (version > 0),
    state         TEXT NOT NULL CHECK (state IN ('training', 'ready', 'failed', 'cancelled')),
    job           TEXT NOT NULL,
    spec          TEXT NOT NULL,                -- JSON
    report        TEXT,                         -- JSON, NULL until ready
    trained_until INTEGER NOT NULL DEFAULT 0,
    ready_order   INTEGER,                      -- ascending in the order in which versions became ready, whatever the clock did
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    checksum      INTEGER,                      -- CRC-32 of weights
    weights       BLOB,                         -- last: a read of the other columns never touches its pages
    UNIQUE (model, version)
) STRICT;
CREATE INDEX model_versions_by_ready_order ON model_versions (ready_order) WHERE ready_order IS NOT NULL;

CREATE TABLE series (
    key         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    unit        TEXT,
    labels      TEXT NOT NULL DEFAULT '{}',     -- JSON object
    step_ms     INTEGER NOT NULL DEFAULT 0,     -- both 0: not set
    step_months INTEGER NOT NULL DEFAULT 0,
    season      TEXT,                           -- "24,168"; '' is an explicit "none", NULL is "infer it"
    aggregate   TEXT NOT NULL DEFAULT 'mean',
    delay_ms    INTEGER NOT NULL DEFAULT 0,
    min         REAL,
    max         REAL,
    whole       INTEGER NOT NULL DEFAULT 0,     -- 1: values are integers
    model       TEXT REFERENCES models (id),    -- the pinned one
    points      INTEGER NOT NULL DEFAULT 0,     -- counts, first and last are kept in the transaction that changes the points
    missing     INTEGER NOT NULL DEFAULT 0,
    first       INTEGER NOT NULL DEFAULT 0,
    last        INTEGER NOT NULL DEFAULT 0,
    revision    INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX series_by_model ON series (model) WHERE model IS NOT NULL;

-- series is series.key without a REFERENCES: that would cost a look-up a row, and every writer of points holds the series' row already.
CREATE TABLE points (
    series INTEGER NOT NULL,
    time   INTEGER NOT NULL,
    value  REAL, -- NULL: a missing observation
    PRIMARY KEY (series, time)
) STRICT, WITHOUT ROWID;

CREATE TABLE model_series (
    version_key INTEGER NOT NULL REFERENCES model_versions (key) ON DELETE CASCADE,
    series      TEXT NOT NULL,    -- the id, which stays when the series goes
    removed     INTEGER NOT NULL, -- 1: the series that it learned from was deleted
    PRIMARY KEY (version_key, series)
) STRICT, WITHOUT ROWID;
CREATE INDEX model_series_by_series ON model_series (series);

-- Jobs are records: they stay when their model goes.
CREATE TABLE jobs (
    key             INTEGER PRIMARY KEY, -- ascending in the order of creation
    id              TEXT NOT NULL UNIQUE,
    kind            TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    model           TEXT NOT NULL,
    version         INTEGER NOT NULL,
    progress        REAL NOT NULL DEFAULT 0,
    epoch           INTEGER NOT NULL DEFAULT 0,
    epochs          INTEGER NOT NULL DEFAULT 0,
    loss            REAL,
    validation_loss REAL,
    eta_seconds     REAL,
    deaths          INTEGER NOT NULL DEFAULT 0,
    request         TEXT NOT NULL,              -- JSON
    skipped         TEXT NOT NULL DEFAULT '[]', -- JSON array
    error           TEXT,                       -- JSON object
    created_at      INTEGER NOT NULL,
    started_at      INTEGER NOT NULL DEFAULT 0,
    finished_at     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX jobs_by_state ON jobs (state, key);

CREATE TABLE issued (
    key       INTEGER PRIMARY KEY,
    id        TEXT NOT NULL UNIQUE,
    series    INTEGER NOT NULL REFERENCES series (key) ON DELETE CASCADE,
    model     TEXT, -- NULL: a classical method answered without a model. No reference: what was issued outlives its model, to be scored
    version   INTEGER NOT NULL,
    method    TEXT NOT NULL,
    issued_at INTEGER NOT NULL,
    last      INTEGER NOT NULL,
    revision  INTEGER NOT NULL,
    steps     INTEGER NOT NULL,
    levels    INTEGER NOT NULL,
    data      BLOB NOT NULL -- little-endian, 8 bytes each: time[steps] integers; mean[steps], median[steps], level[levels],
                            -- lower[levels][steps], upper[levels][steps] doubles
) STRICT;
CREATE INDEX issued_by_series ON issued (series, issued_at);
