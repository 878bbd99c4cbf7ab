#!/bin/sh
# Compiles every C file with gcc and with clang, warnings being errors, with and without knowledge of CPython's internals.
# Usage: check_warnings.sh PYTHON
set -e
cd "$(dirname "$0")/.."
include=$("$1" -c 'import sysconfig; print(sysconfig.get_path("include"))')
check() {
    cc=$1
    for file in $(find src stream -name "*.c"); do
        case "$(uname -m) $file" in
        x86_64*sse* | x86_64*avx* | x86_64*_x86.c | aarch64*neon* | aarch64*arm64*) ;;
        *sse* | *avx* | *_x86.c | *neon* | *arm64*) continue ;;
        esac
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
check clang
wait $!
echo "no warnings: gcc, clang, and the public headers as C++"
