-- The User-Agent of the last report if it came from an agent of ours (store/agents.py).
ALTER TABLE latest ADD COLUMN user_agent TEXT;
