-- Times are UTC milliseconds. Ids of monitors are never reused, so a late row cannot land in another's history.

CREATE TABLE monitor (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    paused_until INTEGER,
    down_after_s REAL,
    late_after_s REAL
) STRICT;

-- The newest key of a monitor is the one that people see; older ones work until the first report with a newer.
CREATE TABLE agent_key (
    id INTEGER PRIMARY KEY,
    agent_key TEXT NOT NULL UNIQUE,
    monitor_id INTEGER NOT NULL REFERENCES monitor ON DELETE CASCADE
) STRICT;
CREATE INDEX agent_key_of_monitor ON agent_key (monitor_id);

-- One row a monitor: what the fleet table needs in one read. `report` is the last report as JSON, `cpu_course`
-- one byte for each of the last reports (half percents), `gaps` the last times between reports as JSON.
CREATE TABLE latest (
    monitor_id INTEGER PRIMARY KEY REFERENCES monitor ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    status TEXT NOT NULL,
    status_since INTEGER NOT NULL,
    last_report_at INTEGER,
    address TEXT,
    gaps TEXT NOT NULL DEFAULT '[]',
    report TEXT,
    network_rx_rate REAL,
    network_tx_rate REAL,
    cpu_course BLOB NOT NULL DEFAULT x''
) STRICT;
CREATE INDEX latest_seq ON latest (seq);

-- Host facts and mount names repeat in every report, so they are stored once a monitor.
CREATE TABLE host (
    id INTEGER PRIMARY KEY,
    monitor_id INTEGER NOT NULL,
    os TEXT,
    hostname TEXT,
    kernel TEXT
) STRICT;
CREATE INDEX host_of_monitor ON host (monitor_id);

CREATE TABLE mount (
    id INTEGER PRIMARY KEY,
    monitor_id INTEGER NOT NULL,
    path TEXT NOT NULL,
    UNIQUE (monitor_id, path)
) STRICT;

CREATE TABLE sample (
    monitor_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    host_id INTEGER NOT NULL,
    cpu_usage REAL NOT NULL,
    cpu_iowait REAL,
    memory_usage REAL NOT NULL,
    memory_total_mb INTEGER NOT NULL,
    swap_usage REAL,
    network_rx_bytes INTEGER,
    network_tx_bytes INTEGER,
    load_1m REAL,
    load_5m REAL,
    load_15m REAL,
    PRIMARY KEY (monitor_id, at)
) STRICT, WITHOUT ROWID;

-- `position` keeps the order that the agent sent; sizes stay as the text that came.
CREATE TABLE sample_mount (
    monitor_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    mount_id INTEGER NOT NULL,
    usage REAL NOT NULL,
    size TEXT,
    used TEXT,
    avail TEXT,
    PRIMARY KEY (monitor_id, at, position)
) STRICT, WITHOUT ROWID;

-- Deleted monitors whose history is still being removed, a small batch at a time.
CREATE TABLE purge (
    monitor_id INTEGER PRIMARY KEY
) STRICT;

-- When a receiver ran: a time without reports in which nobody listened is no server's silence.
CREATE TABLE receiver_run (
    id INTEGER PRIMARY KEY,
    started_at INTEGER NOT NULL,
    alive_at INTEGER NOT NULL,
    stopped_at INTEGER
) STRICT;
