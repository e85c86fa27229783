-- The texts of one measure by number: of several fields, the same text in two of them is two values.
CREATE TABLE text_/*: i */ AS
SELECT (row_number() OVER ())::INTEGER AS number, m/*: i */_part, m/*: i */_text
FROM (SELECT DISTINCT m/*: i */_part, m/*: i */_text FROM line WHERE reason IS NULL);
