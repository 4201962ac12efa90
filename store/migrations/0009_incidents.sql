-- What each channel was told of and not yet that it is over (store/incidents.py). No monitor: the silence of all.
CREATE TABLE incident (
    channel_id INTEGER NOT NULL REFERENCES channel ON DELETE CASCADE,
    monitor_id INTEGER REFERENCES monitor ON DELETE CASCADE,
    subject TEXT NOT NULL,
    level TEXT NOT NULL,
    detail TEXT NOT NULL,
    UNIQUE (channel_id, monitor_id, subject)
) STRICT;
CREATE INDEX incident_of_monitor ON incident (monitor_id);

-- The servers that a message is about, as a JSON list; NULL where it is about more than servers.
ALTER TABLE message ADD COLUMN monitors TEXT;

-- Until now that was guessed from the events: the newest about a subject, of those that are in a message.
INSERT INTO incident
WITH said AS (
    SELECT max(id), at, kind, monitor_id, detail, coalesce(json_extract(detail, '$.level'), 'critical') AS level,
        CASE
            WHEN kind IN ('down', 'up') THEN 'down'
            WHEN kind IN ('silence', 'reports_again') THEN 'silence'
            ELSE json_extract(detail, '$.metric') || coalesce(':' || json_extract(detail, '$.mount'), '')
        END AS subject
    FROM event
    WHERE kind IN ('down', 'up', 'silence', 'reports_again', 'degraded', 'recovered')
    AND id <= (SELECT event_id FROM notified)
    GROUP BY monitor_id, subject
)
SELECT channel.id, monitor_id, subject, said.level, detail FROM said JOIN channel ON at >= channel.created_at
WHERE said.kind IN ('down', 'silence', 'degraded')
AND (channel.level = 'warning' OR said.level = 'critical')
AND (monitor_id IS NULL OR monitor_id IN (SELECT id FROM monitor));
