"""Estimates distinct users from the HLL sketches of a pulled table, without Druid.

    pip install duckdb datasketches
    python distinct_users.py analytics.duckdb TABLE COLUMN
"""
import sys

import datasketches
import duckdb

path, table, column = sys.argv[1:]
quoted = lambda name: '"' + name.replace('"', '""') + '"'
union = datasketches.hll_union(12)
with duckdb.connect(path, read_only=True) as file:
    rows = file.execute(f"SELECT {quoted(column)} FROM {quoted(table)} WHERE {quoted(column)} IS NOT NULL")
    while batch := rows.fetchmany(1000):
        for (sketch,) in batch:
            union.update(datasketches.hll_sketch.deserialize(sketch))
print(union.get_result(datasketches.tgt_hll_type.HLL_4).get_estimate())
