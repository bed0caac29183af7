-- A COMPLEX<json> column is JSON: ->> gives text, -> gives JSON, paths are Druid's own ($.a.b[0]).
SELECT payload ->> '$.client.os' AS os, avg((payload ->> '$.took')::DOUBLE) AS took
FROM pageviews
WHERE payload ->> '$.client.os' IS NOT NULL
GROUP BY os
ORDER BY os;

-- Integers beyond 2^53 keep their digits.
SELECT max((payload ->> '$.id')::BIGINT) AS greatest
FROM pageviews;
