"""A fork in the middle of a document that a second thread writes: the child's call ends at once, and the parent's file is whole.

Each in a program of its own: what is broken hangs, deaf to SIGINT.
"""

import subprocess
import sys
import textwrap

import pytest

from helpers import QUIET

PRELUDE = """
import json, os, signal, sys, tempfile
import rjson

ITEMS = ["x" * 1000] * 3000

def raised(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except BaseException as e:
        return e

def fork(*ignored):
    global pid
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)

def ended(error, child_type, child_text):
    if pid == 0:
        good = isinstance(error, child_type) and child_text in str(error)
        os.write(2, b"" if good else repr(error).encode())
        os._exit(0 if good else 1)
    assert error is None, error
    assert os.waitpid(pid, 0)[1] == 0
"""


def run(code):
    done = subprocess.run(
        [sys.executable, *QUIET, "-c", PRELUDE + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")


@pytest.mark.parametrize("overlap", [True, None])
@pytest.mark.parametrize("at", [0, 500, 1000, 2999])
@pytest.mark.parametrize("way", ["goes on", "raises", "exits"])
def test_by_the_documents_own_code(way, at, overlap):
    run(f"""
        def items():
            for i, item in enumerate(ITEMS):
                if i == {at}:
                    fork()
                    if pid == 0 and {way!r} == "raises":
                        raise ZeroDivisionError
                    if pid == 0 and {way!r} == "exits":
                        sys.exit(7)
                yield item

        with tempfile.NamedTemporaryFile() as file:
            error = raised(rjson.dump_to, items(), file.fileno(), overlap={overlap})
            if pid == 0 and error is None:
                os._exit(0 if {at} == 0 else 1)  # nothing had been written: the child has a thread of its own
            if {way!r} == "goes on":
                ended(error, RuntimeError, "forked")
            else:
                ended(error, ZeroDivisionError if {way!r} == "raises" else SystemExit, "")
            if {at} > 0:
                assert json.load(open(file.name)) == ITEMS
        print("ok")
    """)


def test_by_a_signals_handler_while_it_waits():
    """For a pipe that nobody reads."""
    run("""
        import threading
        r, w = os.pipe()
        os.set_blocking(w, False)
        got = []
        reader = threading.Thread(target=lambda: got.append(open(r, "rb").read()))
        signal.signal(signal.SIGALRM, lambda *ignored: (fork(), pid and reader.start()))
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        ended(raised(rjson.dump_to, ITEMS, w, overlap=True), RuntimeError, "forked")
        os.close(w)
        reader.join()
        assert json.loads(got[0]) == ITEMS
        print("ok")
    """)
