"""What one does by hand: DuckDB reads the CSV that curl fetched. NULL and '' are one and the same then."""

import sys

import duckdb

csv, out = sys.argv[1:3]
duckdb.connect(out).execute("CREATE TABLE wikipedia AS FROM read_csv(?, header = true)", [csv])
