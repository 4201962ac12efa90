-- Settings are JSON objects by key (store/policy.py); what is not in them has its default.
ALTER TABLE monitor ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
UPDATE monitor SET settings =
    json_patch('{}', json_object('late_after', late_after_s, 'down_after', down_after_s));
ALTER TABLE monitor DROP COLUMN late_after_s;
ALTER TABLE monitor DROP COLUMN down_after_s;

-- The settings of all monitors that have none of their own; one row.
CREATE TABLE defaults (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    settings TEXT NOT NULL
) STRICT;
INSERT INTO defaults VALUES (1, '{}');

-- Since when a monitor has a key that no report came with yet, while an older one works.
ALTER TABLE monitor ADD COLUMN rotated_at INTEGER;
UPDATE monitor SET rotated_at = created_at
    WHERE (SELECT count(*) FROM agent_key WHERE monitor_id = monitor.id) > 1;
-- Whether a report came with the older key since then.
ALTER TABLE monitor ADD COLUMN old_key_used INTEGER NOT NULL DEFAULT 0;

-- `tracks` follows the readings that are beyond a limit, or were until just now (store/thresholds.py), as JSON.
ALTER TABLE latest ADD COLUMN tracks TEXT NOT NULL DEFAULT '[]';
-- Whether a monitor is down as one of all, which is told as one event and not as its own.
ALTER TABLE latest ADD COLUMN unsaid INTEGER NOT NULL DEFAULT 0;
-- When it was last noticed that two machines use the monitor's key.
ALTER TABLE latest ADD COLUMN shared_at INTEGER;

-- Ids are never used again: those who follow remember the last one they saw. The name is that of then.
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    monitor_id INTEGER,
    monitor TEXT,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX event_of_monitor ON event (monitor_id, id);

-- What was refused lately, one line for the same again; empty text where there is no key or no field.
CREATE TABLE rejection (
    address TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    reason TEXT NOT NULL,
    field TEXT NOT NULL,
    status INTEGER NOT NULL,
    count INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (address, fingerprint, reason, field)
) STRICT, WITHOUT ROWID;

-- Keys that worked once, by fingerprint: it tells whose agent is refused with one. `reason` is rotated or deleted.
CREATE TABLE ended_key (
    fingerprint TEXT PRIMARY KEY,
    monitor TEXT NOT NULL,
    reason TEXT NOT NULL,
    ended_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Where alerts go. `target` is an Apprise URL or a command and may hold secrets, `shown` is the same without them.
CREATE TABLE channel (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    target TEXT NOT NULL,
    shown TEXT NOT NULL,
    level TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    sent_at INTEGER,
    failed_at INTEGER,
    problem TEXT,
    dropped INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Alerts on their way, oldest first, each to one channel; `content` is JSON. What is delivered is deleted.
CREATE TABLE message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    channel_id INTEGER NOT NULL REFERENCES channel ON DELETE CASCADE,
    made_at INTEGER NOT NULL,
    content TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX message_of_channel ON message (channel_id, id);

-- How far the notifier has come: the last event that it made messages of, and when it last looked for reminders.
CREATE TABLE notified (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    event_id INTEGER NOT NULL,
    reminded_at INTEGER NOT NULL
) STRICT;
INSERT INTO notified VALUES (1, 0, 0);
