# Everything a fresh Debian or Ubuntu machine needs is installed by the targets themselves, and only what is missing.
#
#   make demo        stream a real file tree as JSON: into a file, through gzip, over a socket, a million rows
#   make live        a page that draws a million rows of SQLite as they arrive, on http://127.0.0.1:8000/
#   make cluster     ten million rows to an S3 server by two workers, one of which is killed
#   make test        all tests: C, Python, examples, README
#   make test-asan   all of them again under the address and undefined-behaviour sanitizers
#   make test-isa    the same for each instruction set of this machine
#   make test-all    the Python tests on every installed Python (nox)
#   make test-pythons  the same on Debian sid's newest Pythons and debug builds, in a root folder of their own (as root)
#   make test-cluster  Dask, Ray and S3, which need rjson[test-cluster]
#   make test-live   the live page in a real Chromium
#   make test-arm64  the C tests for 64-bit ARM, cross-compiled and emulated
#   make tsan-threads  free-threaded CPython and the extension under ThreadSanitizer, on the tests of threads (as root)
#   make test-slow   long forms: millions of numbers, long fuzzing (RJSON_CORPUS=DIR: of a folder's JSON files, too); make valgrind, make tsan
#   make check-macos all C files compiled for macOS
#   make fuzz        libFuzzer on the C library and atheris on the extension, SECONDS (60) for each target of tests/fuzz; what they find new goes to build/fuzz
#   make soak        an aio server, the C server and a fan-out for MINUTES (10) under 1,000 slow, fast, resetting and half-open clients
#   make install     the C library: headers, static and shared libraries, files for pkg-config and CMake; PREFIX and DESTDIR as usual
#   make sdist, make wheel  what PyPI gets, in dist/; make smoke installs both into empty environments
#   make docs        the documentation as a site, in build/site
#   make bench       figures of this machine, against the peers that PyPI has
#   make lint        warnings as errors on gcc and clang, formatting, types; make types: by pyright too, as editors see them

PYTHON ?= python3
VENV = .venv
BIN = $(VENV)/bin
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
NATIVE = $(shell find src stream -name "*.[ch]") setup.py pyproject.toml Makefile

# Two processes; tests/conftest.py says which tests must not run side by side.
PARALLEL = -n 2 --dist loadscope --no-loadscope-reorder -p no:cacheprovider

.PHONY: demo cluster test test-asan test-isa test-portable test-all test-pythons tsan-threads test-slow test-arm64 check-macos valgrind tsan fuzz install sdist wheel smoke docs bench lint types format clean live test-live test-cluster
.DELETE_ON_ERROR:

demo: $(VENV)/demo.stamp
	$(BIN)/python examples/py/demo.py

live: $(VENV)/live.stamp
	$(BIN)/python examples/live/server.py

cluster: $(VENV)/cluster.stamp
	$(BIN)/python examples/py/cluster.py

test: $(VENV)/test.stamp
	$(BIN)/python -m pytest $(PARALLEL)

# ---- set-up

# $(1): apt packages, $(2): a command that succeeds where they are there already.
define system_packages
	@$(2) >/dev/null 2>&1 || tools/install_packages.sh $(1)
endef

.PRECIOUS: $(VENV)/bin/python
$(VENV)/bin/python:
	$(call system_packages,gcc libc6-dev python3-dev python3-venv pkg-config libuv1-dev,$(PYTHON) tools/check_toolchain.py)
	$(PYTHON) -m venv $(VENV)

$(VENV)/build.stamp: $(VENV)/bin/python $(NATIVE)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "setuptools>=77" wheel
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --editable .
	@touch $@

# rjson is installed by then, so this adds what the extra asks for and compiles nothing again.
$(VENV)/test.stamp: $(VENV)/build.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "rjson[test]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "rjson[test-http]" || echo "not every web server is there for this Python: tests of the others run"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "rjson[test-arrow]" || echo "no pyarrow for this Python yet: its tests are left out"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: "rjson[test-peers]" || echo "not every other encoder is there for this Python: its tables are left out"
	$(call system_packages,openssl g++ curl,openssl version && g++ --version && curl --version)
	@touch $@

# The demo compares with orjson where there is one for this Python, and does without it elsewhere.
$(VENV)/demo.stamp: $(VENV)/build.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check orjson || echo "no orjson for this Python"
	@touch $@

$(VENV)/live.stamp: $(VENV)/build.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "rjson[live]"
	@touch $@

$(VENV)/cluster.stamp: $(VENV)/build.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "rjson[test-cluster]"
	@touch $@

$(VENV)/bench.stamp: $(VENV)/build.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "rjson[bench]"
	@touch $@

# ---- more ways to test

build/asan.stamp: $(VENV)/test.stamp
	CFLAGS="-O1 -g1 $(SANITIZE)" LDFLAGS="$(SANITIZE)" $(BIN)/python setup.py --quiet build --build-lib build/asan/lib --build-temp build/asan/tmp
	@touch $@

UNDER_ASAN = LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" \
	ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 PYTHONMALLOC=malloc PYTHONPATH=build/asan/lib \
	$(BIN)/python -m pytest $(PARALLEL)

# $(2): a command, for those of the instruction sets $(1) that this machine has; two at a time.
define on_isas
	printf "%s\n" $(1) | xargs -P 2 -I {} sh -c \
		'export RJSON_ISA={}; if $(BIN)/python -c "import rjson"; then $(2); fi'
endef
OTHER_ISAS = $(filter-out $(shell $(BIN)/python -c "import rjson; print(rjson.isa)"),scalar sse4 avx2)

# All of the extension's own code on the best instruction set of this machine, and what reads and writes vectors on SSE4.2; test-isa runs the rest.
test-asan: build/asan.stamp
	$(UNDER_ASAN) -q --ignore=tests/py/cli --ignore=tests/py/http --ignore=tests/py/package
	$(call on_isas,$(filter sse4,$(OTHER_ISAS)),$(UNDER_ASAN) -q -m vectors)

build/portable.stamp: $(VENV)/test.stamp
	CFLAGS="-O1 -DRJ_ONLY_POSIX" RJSON_PORTABLE=1 $(BIN)/python setup.py --quiet build --build-lib build/portable/lib --build-temp build/portable/tmp
	@touch $@

# Without knowledge of CPython's internals, and of Linux: what reads and writes objects.
test-portable: build/portable.stamp
	PYTHONPATH=build/portable/lib $(BIN)/python -m pytest $(PARALLEL) -q tests/py/encode tests/py/decode tests/py/compat

# The whole suite on every instruction set of this machine, under the sanitizers: long.
test-isa: build/asan.stamp
	$(call on_isas,$(OTHER_ISAS),$(BIN)/python -m pytest -p no:cacheprovider -q -m isa)
	$(call on_isas,$(OTHER_ISAS) avx512,$(UNDER_ASAN) -n 0)

test-all: $(VENV)/test.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check nox
	$(BIN)/python -m nox

test-cluster: $(VENV)/test.stamp $(VENV)/cluster.stamp
	$(BIN)/python -m pytest -p no:cacheprovider tests/py/cluster

test-live: $(VENV)/test.stamp
	$(call system_packages,chromium,chromium --version || google-chrome --version)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "rjson[test-live]"
	$(BIN)/python -m pytest -p no:cacheprovider tests/py/live

test-pythons:
	tools/test_pythons.sh

# Free-threaded CPython and the extension under ThreadSanitizer.
tsan-threads:
	tools/test_pythons.sh python3.14t-tsan

test-slow: $(VENV)/test.stamp
	RJSON_SLOW=1 $(BIN)/python -m pytest tests/fuzz tests/py/encode/test_numbers.py

valgrind:
	$(call system_packages,valgrind,valgrind --version)
	$(MAKE) -C stream BUILD=../build/stream tests
	for t in build/stream/tests/*; do valgrind --quiet --error-exitcode=1 --leak-check=full $$t || exit 1; done

# The C library on 64-bit ARM, emulated: what NEON writes is what every other instruction set writes.
test-arm64:
	$(call system_packages,gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user,aarch64-linux-gnu-gcc --version && qemu-aarch64 --version)
	$(MAKE) -C stream CC=aarch64-linux-gnu-gcc LDFLAGS=-static PKG_CONFIG=false BUILD=../build/stream-arm64 tests
	for t in build/stream-arm64/tests/*; do echo $$t; qemu-aarch64 $$t || exit 1; done

# Compiled, not run: stream/platform.h says what stands where on macOS. Needs 90 MB from PyPI, for the headers.
check-macos: $(VENV)/build.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check ziglang
	tools/check_macos.sh $(BIN)/python

tsan:
	$(MAKE) -C stream SANITIZE=1 SANITIZERS=thread BUILD=../build/stream-tsan tests
	build/stream-tsan/tests/test_sink_fd
	test ! -e build/stream-tsan/tests/test_uv_fanout || build/stream-tsan/tests/test_uv_fanout

SECONDS ?= 60
FUZZ_TARGETS = $(basename $(notdir $(wildcard tests/fuzz/fuzz_*.c)))

# The extension for atheris: counted by clang, for the sanitizers that atheris brings.
build/atheris.stamp: $(VENV)/test.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: "rjson[fuzz]" || echo "no atheris for this Python: the extension is left out"
	! $(BIN)/python -c "import atheris" 2>/dev/null || CC=clang LDSHARED="clang -shared" CFLAGS="-O1 -g1 -fno-omit-frame-pointer -fno-sanitize-recover=undefined \
		-fsanitize=fuzzer-no-link,address,undefined" $(BIN)/python setup.py --quiet build --build-lib build/atheris/lib --build-temp build/atheris/tmp
	@touch $@

UNDER_ATHERIS = LD_PRELOAD="$$($(BIN)/python -c 'import atheris; print(atheris.path())')/asan_with_fuzzer.so" \
	ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 PYTHONPATH=build/atheris/lib $(BIN)/python

.PHONY: fuzz fuzz-tools
fuzz-tools:
	$(call system_packages,clang libclang-rt-dev,clang --version && ls /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer*)

fuzz: fuzz-tools build/atheris.stamp
	$(MAKE) -C stream CC=clang BUILD=../build/stream-fuzz $(FUZZ_TARGETS:%=../build/stream-fuzz/fuzz/%)
	for t in $(FUZZ_TARGETS); do mkdir -p build/fuzz/$$t && build/stream-fuzz/fuzz/$$t build/fuzz/$$t tests/fuzz/corpus/$${t#fuzz_} \
		-max_total_time=$(SECONDS) -max_len=4000 -artifact_prefix=build/fuzz/ || exit 1; done
	mkdir -p build/fuzz/fuzz_extension
	! $(BIN)/python -c "import atheris" 2>/dev/null || $(UNDER_ATHERIS) tests/fuzz/fuzz_extension.py build/fuzz/fuzz_extension tests/fuzz/corpus/extension \
		-max_total_time=$(SECONDS) -max_len=2000 -artifact_prefix=build/fuzz/

MINUTES ?= 10
.PHONY: soak
soak: $(VENV)/test.stamp
	$(MAKE) -C stream BUILD=../build/stream examples
	ulimit -n 4096 && $(BIN)/python tests/soak/soak.py --seconds $$(expr $(MINUTES) '*' 60) --c-server build/stream/examples/uv_server

install:
	$(MAKE) -C stream install

# dist/: what PyPI gets. A wheel holds the libuv that is installed here, under the oldest manylinux tag that this machine's glibc allows.
$(VENV)/wheel.stamp: $(VENV)/build.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "rjson[wheel]"
	@touch $@

sdist: $(VENV)/wheel.stamp
	$(BIN)/python -m build --sdist --outdir dist
	$(BIN)/python -m twine check --strict dist/*.tar.gz

wheel: $(VENV)/wheel.stamp
	rm -rf build/wheel
	$(BIN)/python -m build --wheel --outdir build/wheel
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m auditwheel repair --strip --wheel-dir dist build/wheel/*.whl
	$(BIN)/python tools/repack_wheel.py dist/*.whl
	$(BIN)/python -m twine check --strict dist/*.whl

# Both, as users get them.
smoke: sdist wheel
	tools/smoke.sh $(BIN)/python dist

bench: $(VENV)/bench.stamp
	@mkdir -p build
	$(BIN)/python bench/encode.py --results build/encode.json
	$(BIN)/python bench/picture.py build/encode.json build/encode
	$(BIN)/python bench/curves.py build/curves
	$(BIN)/python bench/decode.py
	$(BIN)/python bench/reformat.py
	$(BIN)/python bench/natives.py
	$(BIN)/python bench/stream.py
	$(BIN)/python bench/aio.py
	$(BIN)/python bench/uv.py
	$(BIN)/python bench/http.py

# ---- documentation

$(VENV)/docs.stamp: $(VENV)/build.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "rjson[docs]"
	@touch $@

# Strict: a link that leads nowhere is an error.
docs: $(VENV)/docs.stamp
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "build/site/index.html"

# ---- quality

# That the stubs say what the compiled modules have.
STUBTEST = $(BIN)/stubtest --concise --ignore-disjoint-bases --mypy-config-file pyproject.toml rjson._core \
	$$($(BIN)/python -c "import rjson._uv" 2>/dev/null && echo rjson._uv)

lint: $(VENV)/test.stamp
	$(call system_packages,clang clang-format libclang-rt-dev,clang --version && clang-format --version)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "rjson[lint]"
	clang-format --dry-run --Werror $$(git ls-files '*.c' '*.h')
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(STUBTEST)
	tools/check_warnings.sh $(BIN)/python

types: $(VENV)/test.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "rjson[lint,types]"
	$(BIN)/mypy
	$(STUBTEST)
	$(BIN)/pyright --pythonpath $(BIN)/python

format: $(VENV)/test.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "rjson[lint]"
	clang-format -i $$(git ls-files '*.c' '*.h')
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

clean:
	rm -rf build $(VENV) python/rjson/*.so *.egg-info python/*.egg-info
