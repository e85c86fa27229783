-- The first row of each reason.
SELECT reason, min(row)
FROM line
WHERE reason IS NOT NULL
GROUP BY reason
ORDER BY min(row);
