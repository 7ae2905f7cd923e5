-- When an event of another service was taken over into this log; null: it happened here.
ALTER TABLE event_log ADD COLUMN received_at INTEGER;
