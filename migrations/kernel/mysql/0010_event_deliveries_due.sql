-- What is due, what was held back longest first: what is not is not looked at, however much of it there is. It is in the place of
-- another index. Leases are of a subscriber, not of a delivery, and have a table of their own. ix_event_log_undispatched is here
-- what it becomes on the other engines.
SET @change_deliveries = (
    SELECT IF(
        COUNT(*) = 0,
        'ALTER TABLE event_deliveries
            ADD KEY ix_event_deliveries_due (subscriber, settled_at, next_attempt_at, event_id),
            DROP KEY ix_event_deliveries_open,
            DROP COLUMN leased_until,
            DROP COLUMN fence',
        'DO 0'
    )
    FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = 'event_deliveries' AND index_name = 'ix_event_deliveries_due'
);
PREPARE change_deliveries FROM @change_deliveries;
EXECUTE change_deliveries;
DEALLOCATE PREPARE change_deliveries;
