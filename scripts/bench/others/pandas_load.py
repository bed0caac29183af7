"""pandas with pydruid, then DuckDB."""

import sys

import duckdb
import pandas
from sqlalchemy import create_engine

host, datasource, out = sys.argv[1:4]
engine = create_engine(f"druid://{host}/druid/v2/sql/")
with engine.connect() as druid:
    rows = pandas.read_sql(f'SELECT * FROM "{datasource}"', druid.connection)
duckdb.connect(out).execute("CREATE TABLE wikipedia AS FROM rows")
