#!/bin/sh
# Compiles all C files for macOS, on both of its processors, and links the C library: against the headers and the list of system symbols that
# the compiler of the package ziglang brings. Python's and libuv's headers are this machine's. Nothing is run: there is no macOS here.
# Usage: check_macos.sh PYTHON
set -e
cd "$(dirname "$0")/.."
python=$("$1" -c 'import sysconfig; print(sysconfig.get_path("include"))')
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
uv=
if pkg-config --exists libuv; then # alone, without the other headers of its folder
    folder=$(pkg-config --variable=includedir libuv)
    cp -r "$folder/uv.h" "$folder/uv" "$out"
    uv=yes
fi
export out python
for machine in x86_64 aarch64; do
    sets=$(sed -n "s/^\(.* \)*$machine\( .*\)*: *//p" stream/arch/sets.txt)
    others=$(sed -n "/^#/d; s/.*: *//p" stream/arch/sets.txt | tr ' ' '\n' | grep -vxF "$(echo "$sets" | tr ' ' '\n')" || true)
    for file in $(find stream src -name "*.c"); do
        for set in $others; do
            case "$file" in *_$set.c) continue 2 ;; esac
        done
        case "$file" in */uv/*) [ "$uv" ] || continue ;; esac
        echo "$machine $file"
    done
done | xargs -P "$(getconf _NPROCESSORS_ONLN)" -L 1 sh -c 'mkdir -p "$out/$1" && exec '"$1"' -m ziglang cc -target "$1-macos" \
    -std=c11 -O1 -Wall -Wextra -Wpedantic -Werror -c -Istream/include -Istream -Isrc -I"$out" -I"$python" "$2" \
    -o "$out/$1/$(echo "$2" | tr / -).o"' sh
for machine in x86_64 aarch64; do
    "$1" -m ziglang cc -target $machine-macos -shared $(ls "$out/$machine"/stream-*.o | grep -v /stream-uv-) -o "$out/librjson.dylib"
    echo "macOS on $machine: $(ls "$out/$machine" | wc -l) files, no warnings; the C library is linked"
done
