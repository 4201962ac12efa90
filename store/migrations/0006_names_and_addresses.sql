-- Names that read the same become one name in the form in which all are stored from now on; what collides gets a
-- number, and an event says so. `distinct_names` is `store.text.distinct_names` over JSON.
CREATE TABLE renamed AS
    SELECT json_extract(value, '$[0]') AS before, json_extract(value, '$[1]') AS name
    FROM json_each(distinct_names((SELECT json_group_array(name) FROM (SELECT name FROM monitor ORDER BY id))));
INSERT INTO event (at, kind, monitor_id, monitor, detail)
    SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'renamed', monitor.id, renamed.name,
        json_object('before', before, 'normalised', json('true'))
    FROM renamed JOIN monitor ON monitor.name = before ORDER BY monitor.id;
UPDATE monitor SET name = (SELECT renamed.name FROM renamed WHERE before = monitor.name)
    WHERE name IN (SELECT before FROM renamed);
DROP TABLE renamed;

CREATE TABLE renamed AS
    SELECT json_extract(value, '$[0]') AS before, json_extract(value, '$[1]') AS name
    FROM json_each(distinct_names((SELECT json_group_array(name) FROM (SELECT name FROM channel ORDER BY id))));
UPDATE channel SET name = (SELECT renamed.name FROM renamed WHERE before = channel.name)
    WHERE name IN (SELECT before FROM renamed);
DROP TABLE renamed;

-- Where the install lines sent agents, since when: of a receiver that has moved, its silent agents do not know.
CREATE TABLE receiver_address (
    at INTEGER NOT NULL,
    address TEXT NOT NULL
) STRICT;
