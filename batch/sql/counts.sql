-- Rows by what became of them: the reason of a reject, null for an acceptable row.
SELECT reason, count(*) FROM line GROUP BY reason;
