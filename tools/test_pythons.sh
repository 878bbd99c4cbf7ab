#!/usr/bin/env bash
# Runs the tests on Pythons that the machine does not have: Debian sid's newest, and their debug builds, in a root folder of its own.
#
#   tools/test_pythons.sh [PYTHON...]      default: python3.14 python3.15 python3.14-dbg python3.14t
#
# python3.14t, free-threaded, is in no package: it is built from Debian's source of python3.14. So is python3.14t-tsan, which is not in the
# default: 3.14t and rjson under ThreadSanitizer, with the suppressions that CPython's source has for races of its own, on the tests of threads.
#
# Needs root and debootstrap; the machine's own packages are not touched. The first run takes some minutes more, for the root.
#
# Environment:
#   RJSON_SID_ROOT        the root folder, made if there is none (default: build/sid)
#   RJSON_CPYTHON_SOURCE  where the source of python3.14t is (default: 3.14.5, from the mirror's pool)
#   RJSON_TESTS           what pytest runs (default: all but what needs a web server, a compiler for other machines, or much time)
set -euo pipefail
cd "$(dirname "$0")/.."

[ "$(id -u)" = 0 ] || { echo "tools/test_pythons.sh: it makes a root folder with debootstrap, so it must run as root (sudo make test-pythons)" >&2; exit 2; }

ROOT=$(realpath -m "${RJSON_SID_ROOT:-build/sid}")
PYTHONS=("$@")
[ $# -gt 0 ] || PYTHONS=(python3.14 python3.15 python3.14-dbg python3.14t)
TESTS=${RJSON_TESTS:-tests/py/encode tests/py/decode tests/py/compat tests/py/reformat tests/py/targets tests/py/aio tests/py/uv tests/py/package/test_subinterpreters.py tests/py/package/test_free_threading.py}
PACKAGES=ca-certificates,gcc,g++,libc6-dev,pkg-config,libuv1-dev,make,curl,openssl,git,tzdata
for version in 3.14 3.15; do
    PACKAGES+=,python$version-venv,python$version-dev,python$version-dbg,libpython$version-testsuite
done

# The machine's own mirror, whatever it is.
MIRROR=$(apt-get indextargets --format '$(URI)' 2>/dev/null | sed -n 's|\(.*/debian\)/dists/.*|\1|p' | head -1)
MIRROR=${MIRROR:-http://deb.debian.org/debian}

if [ ! -x "$ROOT/usr/bin/python3.15" ]; then
    command -v debootstrap >/dev/null || tools/install_packages.sh debootstrap
    debootstrap --variant=minbase --include="$PACKAGES" sid "$ROOT" "$MIRROR"
fi

unmount() {
    umount "$ROOT/dev/pts" "$ROOT/dev/shm" "$ROOT/dev" "$ROOT/proc" 2>/dev/null || true
}
if ! mountpoint -q "$ROOT/proc"; then
    trap unmount EXIT
    mount -t proc proc "$ROOT/proc"
    mount -t devtmpfs devtmpfs "$ROOT/dev"
    mkdir -p "$ROOT/dev/pts" "$ROOT/dev/shm"
    mount -t devpts devpts "$ROOT/dev/pts"
    mount -t tmpfs tmpfs "$ROOT/dev/shm"
fi
# What this machine trusts, and where its pip looks.
cp -r /etc/ssl/certs/ca-certificates.crt "$ROOT/etc/ssl/certs/"
[ ! -e /etc/pip.conf ] || cp /etc/pip.conf "$ROOT/etc/"
cp /etc/resolv.conf "$ROOT/etc/" 2>/dev/null || true

# build_free_threaded NAME CONFIGURE_OPTION...: in /srv/NAME
build_free_threaded() {
    local name=$1
    shift
    chroot "$ROOT" sh -ec '
        url=$1 name=$2
        shift 2
        apt-get install -y -qq --no-install-recommends libssl-dev zlib1g-dev libffi-dev libsqlite3-dev libbz2-dev liblzma-dev libzstd-dev xz-utils >/dev/null
        cd /srv
        /usr/lib/apt/apt-helper download-file "$url" python3.14.tar.xz
        mkdir -p "$name" && tar xf python3.14.tar.xz --strip-components=1 -C "$name"
        cd "$name"
        ./configure --quiet --disable-gil --prefix="/opt/$name" --without-static-libpython --disable-test-modules "$@"
        make --quiet -j2
    ' sh "${RJSON_CPYTHON_SOURCE:-$MIRROR/pool/main/p/python3.14/python3.14_3.14.5.orig.tar.xz}" "$name" "$@" >"$ROOT/srv/$name.log" 2>&1 ||
        { tail -5 "$ROOT/srv/$name.log" >&2; return 1; }
}

prepare_python() {
    case $1 in python3.14t*) ;; *) return ;; esac
    if ! chroot "$ROOT" sh -c "command -v python3.14t" >/dev/null; then
        build_free_threaded python3.14t CFLAGS=-O2
        chroot "$ROOT" sh -ec 'cd /srv/python3.14t; make --quiet install; ln -sf /opt/python3.14t/bin/python3.14t /usr/local/bin/python3.14t' >>"$ROOT/srv/python3.14t.log" 2>&1
    fi
    if [ "$1" = python3.14t-tsan ] && [ ! -x "$ROOT/srv/$1/python" ]; then
        build_free_threaded "$1" --with-thread-sanitizer CFLAGS="-O1 -g1"
    fi
}

failed=()
for python in "${PYTHONS[@]}"; do
    echo "== $python"
    prepare_python "$python"
    sources=/srv/rjson-$python venv=/srv/venv-${python%-tsan}
    rm -rf "$ROOT$sources"
    mkdir -p "$ROOT$sources"
    git ls-files -z | tar --null -T - -c | tar -x -C "$ROOT$sources"
    if ! chroot "$ROOT" env LANG=C.UTF-8 PIP_DISABLE_PIP_VERSION_CHECK=1 sh -ec '
        python=$1 sources=$2 venv=$3 tests=$4
        [ -x "$venv/bin/python" ] || "${python%-tsan}" -m venv "$venv"
        cd "$sources"
        "$venv/bin/python" -m pip install --quiet setuptools wheel pytest pytest-asyncio pytest-xdist hypothesis anyio trio attrs tqdm argcomplete
        # What has no wheel for this Python yet is left out, and so are its tests.
        packages="uvloop numpy msgspec pydantic isal zlib-ng lz4 zstandard"
        # The wheel of multidict 7.2, which aiohttp needs, does not run on a debug build.
        case "$python" in *-dbg) ;; *) packages="$packages aiohttp" ;; esac
        for package in $packages; do
            "$venv/bin/python" -m pip install --quiet --only-binary :all: "$package" || echo "no $package for $python"
        done
        case "$python" in *-tsan) export CFLAGS="-O1 -g1 -fsanitize=thread" LDFLAGS=-fsanitize=thread ;; esac
        "$venv/bin/python" -W ignore setup.py --quiet build_ext --inplace
        case "$python" in *-tsan)
            cat "/srv/$python"/Tools/tsan/suppressions*.txt >suppressions.txt
            # What pytest captures would not be seen, so reports go to files; the exit status is 66 if there are any.
            PYTHONPATH=python:$(echo "$venv"/lib/python*/site-packages) TSAN_OPTIONS="suppressions=$PWD/suppressions.txt log_path=$PWD/report" \
                setarch -R "/srv/$python/python" -m pytest -q -p no:cacheprovider tests/py/package/test_free_threading.py || { cat report.* >&2; exit 1; }
            exit ;;
        esac
        PYTHONPATH=python "$venv/bin/python" -m pytest -q -n 2 --dist loadscope --no-loadscope-reorder -p no:cacheprovider --ignore=tests/py/uv/test_uv_server.py $tests
    ' sh "$python" "$sources" "$venv" "$TESTS"; then
        failed+=("$python")
    fi
done
[ ${#failed[@]} = 0 ] || { echo "failed: ${failed[*]}" >&2; exit 1; }
echo "passed: ${PYTHONS[*]}"
