-- What is due, what was held back longest first: what is not is not looked at, however much of it there is.
CREATE INDEX ix_event_deliveries_due ON event_deliveries (subscriber, settled_at, next_attempt_at, event_id);

-- In its place.
DROP INDEX ix_event_deliveries_open;

-- Also in the order of dispatch, which others follow; those that are null are next to each other, in the order of their ids.
DROP INDEX ix_event_log_undispatched;

CREATE INDEX ix_event_log_undispatched ON event_log (dispatched_at, id);

-- Leases are of a subscriber, not of a delivery, and have a table of their own.
ALTER TABLE event_deliveries DROP COLUMN leased_until;

ALTER TABLE event_deliveries DROP COLUMN fence;
