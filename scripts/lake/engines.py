"""Reads a lake with polars, Spark and DuckDB and holds each against the DuckDB files that it was exported from.

    python engines.py LAKE/TABLE TABLE FILE.duckdb...

Compared: the number of rows; per column the number of values, and a sum that every engine computes alike (of integers,
of the lengths of texts and lists and bytes, of times in ms; of floating-point numbers the count of NaN, of infinities, of
zeros with a sign, and the sum of the rest); rows and times per partition key. Exit 1 where anything differs.
"""
import json
import os
import struct
import sys
from collections import defaultdict

import duckdb

path, table, *files = sys.argv[1:]
GLOB = os.path.join(path, "**", "*.parquet")


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


class Prints:
    """Sums of a column's values, whatever engine gave them as Python values."""

    def __init__(self):
        self.values = 0
        self.sum = 0
        self.special = defaultdict(int)

    def add(self, value):
        if value is None:
            return
        self.values += 1
        if isinstance(value, float):
            if value != value:
                self.special["nan"] += 1
            elif value in (float("inf"), float("-inf")):
                self.special[str(value)] += 1
            else:
                # Every bit counts: also the sign of a zero.
                self.sum += struct.unpack("<q", struct.pack("<d", value))[0]
        elif isinstance(value, bool):
            self.sum += value
        elif isinstance(value, int):
            self.sum += value
        elif isinstance(value, str):
            self.sum += sum(value.encode()) + 257 * len(value)
        elif isinstance(value, (bytes, bytearray, memoryview)):
            self.sum += sum(bytes(value)) + 257 * len(bytes(value))
        elif isinstance(value, (list, tuple)):
            self.sum += 1_000_003 * len(value)
            for n, one in enumerate(value):
                inner = Prints()
                inner.add(one)
                self.sum += (n + 2) * (inner.sum + 7 * inner.values)
        else:
            raise TypeError(f"{type(value)}: {value!r}")

    def tell(self):
        return [self.values, self.sum, dict(sorted(self.special.items()))]


def prints(names, rows):
    sums = {name: Prints() for name in names}
    count = 0
    keys = defaultdict(int)
    for row, key in rows:
        count += 1
        keys[key] += 1
        for name, value in zip(names, row):
            sums[name].add(value)
    return {"rows": count, "columns": {n: p.tell() for n, p in sums.items()}, "partitions": dict(sorted(keys.items()))}


def truth(names, keys):
    """From the DuckDB files: times in ms, JSON as text, keys computed from the time in UTC."""
    parts = ", ".join(f"{part}(__time)" for part in ("year", "month", "day")[: len(keys)])
    def rows():
        for file in files:
            with duckdb.connect(file, read_only=True) as connection:
                types = dict(connection.execute(f"SELECT column_name, data_type FROM (DESCRIBE SELECT * FROM {quoted(table)}) t(column_name, data_type, a, b, c, d)").fetchall())
                values = ", ".join(
                    "epoch_ms(__time)" if n == "__time" else f"{quoted(n)}::VARCHAR" if types[n] == "JSON" else quoted(n)
                    for n in names
                )
                cursor = connection.execute(f"SELECT {values}, {parts} FROM {quoted(table)}")
                while batch := cursor.fetchmany(10_000):
                    for row in batch:
                        yield row[: len(names)], row[len(names) :]
    return prints(names, rows())


def by_duckdb(names, keys):
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'America/New_York'")
        values = ", ".join("epoch_ms(__time)" if n == "__time" else quoted(n) for n in names)
        types = "{" + ", ".join(f"'{key}': INTEGER" for key in keys) + "}"
        cursor = connection.execute(
            f"SELECT {values}, {', '.join(keys)} FROM read_parquet('{GLOB}', hive_partitioning = true, hive_types = {types})"
        )
        def rows():
            while batch := cursor.fetchmany(10_000):
                for row in batch:
                    yield row[: len(names)], row[len(names) :]
        return prints(names, rows()), duckdb.__version__


def by_polars(names, keys):
    import polars as pl

    frame = pl.scan_parquet(GLOB, hive_partitioning=True)
    schema = frame.collect_schema()
    print("polars:", {n: str(t) for n, t in schema.items()}, file=sys.stderr)
    frame = frame.with_columns(pl.col("__time").dt.epoch("ms")).select([*names, *keys]).collect()
    rows = ((row[: len(names)], tuple(int(key) for key in row[len(names) :])) for row in frame.iter_rows())
    return prints(names, rows), pl.__version__


def by_spark(names, keys):
    import pyspark
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "1g")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        # Instants do not care.
        .config("spark.sql.session.timeZone", "America/New_York")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    try:
        frame = spark.read.parquet(path)
        print("spark:", {f.name: f.dataType.simpleString() for f in frame.schema}, file=sys.stderr)
        values = ["unix_millis(__time) AS __time" if n == "__time" else f"`{n.replace('`', '``')}`" for n in names]
        selected = frame.selectExpr(*values, *keys)
        def rows():
            for row in selected.toLocalIterator():
                yield tuple(row)[: len(names)], tuple(row)[len(names) :]
        return prints(names, rows()), pyspark.__version__
    finally:
        spark.stop()


def main():
    manifests = os.path.join(path, "_druidsync")
    with open(os.path.join(manifests, sorted(os.listdir(manifests))[0])) as file:
        manifest = json.load(file)
    names = [column["name"] for column in manifest["columns"]]
    keys = manifest["keys"]
    expected = truth(names, keys)
    wrong = 0
    print(f"{table}: {expected['rows']} rows, {len(names)} columns, {len(expected['partitions'])} partitions in {len(files)} files")
    for engine, read in (("DuckDB", by_duckdb), ("polars", by_polars), ("Spark", by_spark)):
        found, version = read(names, keys)
        differing = [n for n in names if found["columns"][n] != expected["columns"][n]]
        same = found == expected
        wrong += not same
        print(f"{engine} {version}: {'equal' if same else 'DIFFERENT'}: {found['rows']} rows {differing or ''}")
        for name in differing:
            print("   ", name, "expected", expected["columns"][name], "found", found["columns"][name])
        if found["partitions"] != expected["partitions"]:
            print("    partitions", found["partitions"], "expected", expected["partitions"])
    sys.exit(1 if wrong else 0)


main()
