"""rjson.aio where allocations fail, one at a time: a MemoryError, and nothing torn behind it that looks whole.

Coroutines are driven by hand, so that the event loop has its memory. In a program of its own: every allocator is replaced.
"""

import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("_testcapi")

PRELUDE = """
import _testcapi, asyncio, datetime, gc, json, types
from rjson import aio

@types.coroutine
def turn():
    yield

class Target:
    def __init__(self):
        self.data, self.is_aborted = b"", False
    async def write(self, piece):
        await turn()
        self.data += bytes(piece)
    def abort(self):
        self.is_aborted = True

class Reader:
    def __init__(self):
        self.parts = [b'{"a":1}\\n[', b'2]\\n"x', b'y"\\n', b""]
    async def read(self, size):
        await turn()
        return self.parts.pop(0)

async def numbers():
    for i in range(5):
        await turn()
        yield i

async def default(obj):
    await turn()
    return str(obj)

OPTIONS = {"chunk_size": 600, "slice_us": 10**9, "default": default}

def document():
    return {"n": numbers(), "l": list(range(10)), "s": "é" * 900, "d": datetime.date(2020, 1, 1), "c": 1j, "g": iter("abc")}

def drive(coroutine):
    try:
        while True:
            coroutine.send(None)
    except StopIteration as e:
        return e.value

def failing(make, step=1):
    # Runs what `make` makes with its nth allocation failing, for all n; yields the error, None for none, and the result.
    # A collection empties CPython's lists of free objects, so that those are allocated too.
    good = n = 0
    while good < 3:
        n += step
        coroutine, error, result = make(), None, None
        gc.collect()
        _testcapi.set_nomemory(n, n + 1)
        try:
            try:
                result = drive(coroutine)
            finally:
                _testcapi.remove_mem_hooks()
        except MemoryError as e:
            error = e.with_traceback(None)
        coroutine.close()
        good = 0 if error else good + 1
        yield error, result
"""


def run(code):
    program = PRELUDE + "async def main():\n" + textwrap.indent(textwrap.dedent(code), "    ") + "\nasyncio.run(main())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    # What cannot even be said is said on stderr by Python itself.
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr


OPERATIONS = {
    "dump": """
        async def make():
            target = Target()
            await aio.dump(document(), target, **OPTIONS)
            return target.data
    """,
    "http": """
        async def make():
            target = Target()
            await aio.dump(document(), target, framing="http-chunked", flush="item", **OPTIONS)
            return target.data
    """,
    "iterencode": """
        async def make():
            return b"".join([part async for part in aio.iterencode(document(), **OPTIONS)])
    """,
    "iterload": """
        async def make():
            return [value async for value in aio.iterload(Reader(), framing="lines")]
    """,
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_one_call(operation):
    """It raises MemoryError, or its result is right."""
    run(
        textwrap.dedent(OPERATIONS[operation])
        + textwrap.dedent("""
        expected = drive(make())
        for error, result in failing(make):
            assert error or result == expected
        print("ok")
    """)
    )


@pytest.mark.parametrize("call", ["write(document())", "write([1])", "write_all(numbers())", "flush()"])
@pytest.mark.parametrize("framing", ["lines", "array"])
def test_a_writer_afterwards(call, framing):
    """It goes on as if the document had not been, or refuses with ConnectionAbortedError, and then the target was aborted."""
    run(f"""
        writers = []
        def make():
            writers.append(aio.Writer(Target(), framing={framing!r}, **OPTIONS))
            drive(writers[-1].write("first"))
            return writers[-1].{call}
        for error, _ in failing(make):
            writer = writers[-1]
            target = writer._target._writer
            try:
                drive(writer.write("after"))
                drive(writer.close())
            except ConnectionAbortedError:
                assert target.is_aborted
                # A write() that fails behind what it took cannot say so: one piece at most.
                assert 0 <= len(target.data) - writer.bytes_written <= 600, (writer.bytes_written, len(target.data))
                continue
            assert writer.bytes_written == len(target.data), (writer.bytes_written, len(target.data))
            lines = target.data.splitlines() if {framing == "lines"} else [target.data]
            values = [json.loads(line) for line in lines]
            values = values if {framing == "lines"} else values[0]
            assert len(values) == writer.documents, values
            assert values[0] == "first" and values[-1] == "after", values
            assert error or len(values) > 2 or {call!r} == "flush()", values
        print("ok")
    """)
