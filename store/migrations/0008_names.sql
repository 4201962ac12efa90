-- Mounts and host facts are forgotten once no kept report names them. `gone_at` is when the first report came without
-- them, NULL while the newest one has them (`report` is a list: its fields in order, the mounts last). Ids are never
-- used again: raw reports may outlive what they named.

CREATE TABLE new_mount (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    monitor_id INTEGER NOT NULL,
    path TEXT NOT NULL,
    full_at INTEGER,
    gone_at INTEGER,
    UNIQUE (monitor_id, path)
) STRICT;
INSERT INTO new_mount (id, monitor_id, path, full_at, gone_at)
    SELECT id, monitor_id, path, full_at, coalesce(
        (SELECT (max(bucket) + 1) * 3600000 FROM rollup_mount_1h WHERE mount_id = mount.id),
        (SELECT last_report_at FROM latest WHERE latest.monitor_id = mount.monitor_id),
        0)
    FROM mount;
UPDATE new_mount SET gone_at = NULL WHERE id IN (
    SELECT mount.id FROM latest CROSS JOIN json_each(latest.report, '$[#-1]') AS listed
    JOIN mount ON mount.monitor_id = latest.monitor_id AND mount.path = json_extract(listed.value, '$[0]')
    WHERE latest.report IS NOT NULL
);
UPDATE new_mount SET full_at = NULL WHERE gone_at IS NOT NULL;
DROP TABLE mount;
ALTER TABLE new_mount RENAME TO mount;
CREATE INDEX mount_gone ON mount (monitor_id, gone_at);

CREATE TABLE new_host (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    monitor_id INTEGER NOT NULL,
    os TEXT,
    hostname TEXT,
    kernel TEXT,
    gone_at INTEGER
) STRICT;
INSERT INTO new_host (id, monitor_id, os, hostname, kernel, gone_at)
    SELECT host.id, host.monitor_id, os, hostname, kernel,
        CASE WHEN report IS NULL OR os IS NOT json_extract(report, '$[10]')
            OR hostname IS NOT json_extract(report, '$[11]')
            OR kernel IS NOT json_extract(report, '$[12]') THEN coalesce(last_report_at, 0) END
    FROM host LEFT JOIN latest ON latest.monitor_id = host.monitor_id;
DROP TABLE host;
ALTER TABLE new_host RENAME TO host;
CREATE INDEX host_facts ON host (monitor_id, hostname, os, kernel);
CREATE INDEX host_gone ON host (monitor_id, gone_at);
