-- The end of the selected range in ms, if the file has rows at or after it; null if the file ends before.
SELECT any_value(getvariable('select_to')) FROM line WHERE reason = 'not_selected' AND time >= getvariable('select_to');
