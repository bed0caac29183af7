-- Two datasources of one file are two tables: what Druid cannot join, DuckDB can.
SELECT p.__time::DATE AS day, count(DISTINCT p.user) AS visitors, count(DISTINCT b.user) AS buyers
FROM pageviews AS p
LEFT JOIN purchases AS b ON b.user = p.user AND b.__time::DATE = p.__time::DATE
GROUP BY day
ORDER BY day;
