#!/bin/sh
# duckdb 2.0.1: the Python function read_json(file) leaves out a key that first shows behind the rows that the schema was taken from (20,480), without a
# word; SQL's read_ndjson and read_json refuse the same file ("unknown key"), and say which option helps.
set -e
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install -q --disable-pip-version-check duckdb==2.0.1
cd "$folder" && "$folder/venv/bin/python" - <<'P'
import duckdb

with open("rows.ndjson", "w") as file:
    file.write('{"a":1}\n' * 25_000 + '{"a":1,"b":2}\n')
relation = duckdb.read_json("rows.ndjson", format="newline_delimited")
last = relation.fetchall()[-1]
try:
    duckdb.sql("from read_ndjson('rows.ndjson')").fetchall()
    sql = "accepted"
except duckdb.Error as e:
    sql = str(e).splitlines()[0]
print("duckdb", duckdb.__version__, "| Python:", relation.columns, last, "| SQL:", sql)
assert relation.columns == ["a"] and last == (1,) and "unknown key" in sql
P
