"""dlt's sql_database source with pydruid, into DuckDB; the backend is given."""

import os
import sys
import tempfile

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"

import dlt
from dlt.sources.sql_database import sql_table

host, datasource, out, backend = sys.argv[1:5]
with tempfile.TemporaryDirectory() as folder:
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=folder,
        destination=dlt.destinations.duckdb(out),
        dataset_name="main_dlt",
    )
    table = sql_table(f"druid://{host}/druid/v2/sql/", table=datasource, backend=backend, chunk_size=50_000)
    pipeline.run(table, table_name="wikipedia", write_disposition="replace")
