-- Rolled-up history. A bucket is its start divided by its width, counted since 1970. Percentages and loads are
-- stored times 100, memory in MB of 2^20, so that a value takes two bytes and not eight. The average, least and
-- greatest of every number; for the network the bytes moved (by counter differences), the seconds that they took,
-- and apart from these what moved during gaps: it belongs to the month's total but would be a spike in a rate.

CREATE TABLE rollup_5m (
    monitor_id INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    count INTEGER NOT NULL,
    cpu_usage_avg INTEGER NOT NULL, cpu_usage_min INTEGER NOT NULL, cpu_usage_max INTEGER NOT NULL,
    cpu_iowait_avg INTEGER, cpu_iowait_min INTEGER, cpu_iowait_max INTEGER,
    memory_usage_avg INTEGER NOT NULL, memory_usage_min INTEGER NOT NULL, memory_usage_max INTEGER NOT NULL,
    memory_total_mb_avg INTEGER NOT NULL, memory_total_mb_min INTEGER NOT NULL, memory_total_mb_max INTEGER NOT NULL,
    swap_usage_avg INTEGER, swap_usage_min INTEGER, swap_usage_max INTEGER,
    load_1m_avg INTEGER, load_1m_min INTEGER, load_1m_max INTEGER,
    load_5m_avg INTEGER, load_5m_min INTEGER, load_5m_max INTEGER,
    load_15m_avg INTEGER, load_15m_min INTEGER, load_15m_max INTEGER,
    network_s INTEGER,
    rx_bytes INTEGER, tx_bytes INTEGER,
    rx_gap_bytes INTEGER, tx_gap_bytes INTEGER,
    PRIMARY KEY (monitor_id, bucket)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollup_1h (
    monitor_id INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    count INTEGER NOT NULL,
    cpu_usage_avg INTEGER NOT NULL, cpu_usage_min INTEGER NOT NULL, cpu_usage_max INTEGER NOT NULL,
    cpu_iowait_avg INTEGER, cpu_iowait_min INTEGER, cpu_iowait_max INTEGER,
    memory_usage_avg INTEGER NOT NULL, memory_usage_min INTEGER NOT NULL, memory_usage_max INTEGER NOT NULL,
    memory_total_mb_avg INTEGER NOT NULL, memory_total_mb_min INTEGER NOT NULL, memory_total_mb_max INTEGER NOT NULL,
    swap_usage_avg INTEGER, swap_usage_min INTEGER, swap_usage_max INTEGER,
    load_1m_avg INTEGER, load_1m_min INTEGER, load_1m_max INTEGER,
    load_5m_avg INTEGER, load_5m_min INTEGER, load_5m_max INTEGER,
    load_15m_avg INTEGER, load_15m_min INTEGER, load_15m_max INTEGER,
    network_s INTEGER,
    rx_bytes INTEGER, tx_bytes INTEGER,
    rx_gap_bytes INTEGER, tx_gap_bytes INTEGER,
    PRIMARY KEY (monitor_id, bucket)
) STRICT, WITHOUT ROWID;

-- Mounts are interned per monitor, so a mount's id is enough. Sizes in KiB, as far as the agent's text tells.
CREATE TABLE rollup_mount_5m (
    mount_id INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    count INTEGER NOT NULL,
    usage_avg INTEGER NOT NULL, usage_min INTEGER NOT NULL, usage_max INTEGER NOT NULL,
    size_kb INTEGER,
    used_kb INTEGER,
    PRIMARY KEY (mount_id, bucket)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollup_mount_1h (
    mount_id INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    count INTEGER NOT NULL,
    usage_avg INTEGER NOT NULL, usage_min INTEGER NOT NULL, usage_max INTEGER NOT NULL,
    size_kb INTEGER,
    used_kb INTEGER,
    PRIMARY KEY (mount_id, bucket)
) STRICT, WITHOUT ROWID;

-- Up to which report a monitor is rolled up, per tier; what comes later is new, since `at` rises strictly.
CREATE TABLE rolled_up (
    monitor_id INTEGER NOT NULL,
    tier TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (monitor_id, tier)
) STRICT, WITHOUT ROWID;

-- What a monitor's status was from when on: the fleet can be shown as it was then.
CREATE TABLE verdict (
    monitor_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    status TEXT NOT NULL,
    PRIMARY KEY (monitor_id, at)
) STRICT, WITHOUT ROWID;
INSERT INTO verdict SELECT monitor_id, status_since, status FROM latest;

-- When a mount will be full at its present growth, judged anew each hour; NULL if it does not grow clearly.
ALTER TABLE mount ADD COLUMN full_at INTEGER;
