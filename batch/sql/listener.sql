-- Users with their bucket and, where a hash assigns, their variant (0 control, 1 treatment), each from the first 64 bits of a
-- salted SHA-256.
CREATE TABLE listener AS
WITH hashed AS (
    SELECT
        user_id,
        ('0x' || sha256(getvariable('salt') || ':' || user_id)[:16])::UBIGINT AS variant_hash,
        ('0x' || sha256(getvariable('salt') || ':bucket:' || user_id)[:16])::UBIGINT AS bucket_hash
    FROM (SELECT DISTINCT user_id FROM line WHERE reason IS NULL)
)
SELECT
    (row_number() OVER (ORDER BY user_id))::INTEGER AS listener,
    user_id,
    /*: variant */ AS variant,
    (bucket_hash % getvariable('buckets'))::INTEGER AS bucket
FROM hashed;
