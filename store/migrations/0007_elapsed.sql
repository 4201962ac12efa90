-- The time between a report and the one before as a clock that nobody sets has it, where that is not what `at` says:
-- the receiver's clock was set between them, or the report was given another time later. 0 if it is not known.
ALTER TABLE sample ADD COLUMN elapsed_ms INTEGER;
