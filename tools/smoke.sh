#!/bin/sh
# Installs the wheel and the sdist of a folder, each into an empty environment, and runs tests/smoke.py there.
# Usage: smoke.sh PYTHON DIST
set -e
smoke=$(cd "$(dirname "$0")/.." && pwd)/tests/smoke.py
dist=$(cd "$2" && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
unset PYTHONPATH
pkg-config --exists libuv 2>/dev/null && export RJSON_EXPECTS_UV=1
for kind in only-binary no-binary; do
    "$1" -m venv "$out/$kind"
    # The environment of a build asks PyPI for setuptools; rjson comes from the folder alone.
    if [ $kind = only-binary ]; then what="--no-index --find-links $dist --only-binary :all: rjson"; else what=$dist/rjson-*.tar.gz; fi
    "$out/$kind/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir $what
    (cd "$out" && "$out/$kind/bin/python" "$smoke")
done
