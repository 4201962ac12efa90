-- Tags are a JSON list in the order that people gave them (store/tags.py); a note is one line of text.
ALTER TABLE monitor ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE monitor ADD COLUMN note TEXT NOT NULL DEFAULT '';
