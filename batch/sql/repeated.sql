-- Acceptable rows whose declared key an earlier one has, whoever and whenever that was.
CREATE TABLE repeated AS
SELECT row
FROM line
WHERE reason IS NULL AND event_key IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY event_key ORDER BY row) > 1;
