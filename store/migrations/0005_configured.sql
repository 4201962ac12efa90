-- Limits that the receiver's configuration file sets for all monitors; what people set goes before them.
ALTER TABLE defaults ADD COLUMN configured TEXT NOT NULL DEFAULT '{}';
