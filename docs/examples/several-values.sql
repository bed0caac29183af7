-- A dimension with several values per row is a list (VARCHAR[]): one row per value, and how often each occurs.
SELECT tag, count(*) AS views
FROM pageviews, unnest(tags) AS value (tag)
GROUP BY tag
ORDER BY views DESC, tag;

-- Rows that have a value, without taking the list apart. As in Druid, a row without values is none of them.
SELECT count(*) AS views
FROM pageviews
WHERE list_contains(tags, 'news');
