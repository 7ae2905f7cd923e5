-- Once: MySQL has no ADD COLUMN IF NOT EXISTS.
SET @add_name = (
    SELECT IF(COUNT(*) = 0, 'ALTER TABLE racks ADD COLUMN name TEXT', 'DO 0')
    FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'racks' AND column_name = 'name'
);
PREPARE add_name FROM @add_name;
EXECUTE add_name;
DEALLOCATE PREPARE add_name;
