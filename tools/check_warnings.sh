#!/bin/sh
# Compiles every C file with gcc and with clang, warnings being errors, with and without knowledge of CPython's internals.
# Usage: check_warnings.sh PYTHON
set -e
cd "$(dirname "$0")/.."
include=$("$1" -c 'import sysconfig; print(sysconfig.get_path("include"))')
# Those of the instruction sets of other machines are left out.
others=$(sed -n "/^#/d; /\b$(uname -m)\b/d; s/.*: *\(.*\) scalar/\1/p" stream/arch/sets.txt)
check() {
    cc=$1
    for file in $(find src stream -name "*.c"); do
        for set in $others; do
            case "$file" in *_$set.c) continue 2 ;; esac
        done
        for portable in "" -DRJSON_PORTABLE=1; do
            $cc -std=c11 -O2 -Wall -Wextra -Wpedantic -Werror $portable -fsyntax-only \
                -Istream/include -Istream -Isrc -I"$include" "$file"
        done
    done
    for header in stream uv; do
        $cc -x c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -Istream/include stream/include/rjson/$header.h
    done
}
check gcc &
gcc=$!
check clang
wait $gcc # fails as it did
echo "no warnings: gcc, clang, and the public headers as C++"
