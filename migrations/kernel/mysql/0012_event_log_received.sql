-- When an event of another service was taken over into this log; null: it happened here. Once: MySQL has no ADD COLUMN IF NOT EXISTS.
SET @add_received_at = (
    SELECT IF(COUNT(*) = 0, 'ALTER TABLE event_log ADD COLUMN received_at BIGINT', 'DO 0')
    FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'event_log' AND column_name = 'received_at'
);
PREPARE add_received_at FROM @add_received_at;
EXECUTE add_received_at;
DEALLOCATE PREPARE add_received_at;
