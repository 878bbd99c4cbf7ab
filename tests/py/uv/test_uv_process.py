"""rjson.uv and the process around it: fork, the end of the interpreter, signals, other copies of libuv, no libuv."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from helpers import HAS_UV, QUIET, UNDER_ASAN

ROOT = Path(__file__).parents[3]

PRELUDE = """
import asyncio, json, os, signal, socket, sys, threading, time
import rjson, rjson.aio, rjson.uv
DOC = [{"id": i, "text": "x" * 100} for i in range(20_000)]
WHOLE = json.dumps(DOC, separators=(",", ":")).encode()

class Reader(threading.Thread):
    def __init__(self, sock, pause=0.0):
        super().__init__()
        self.sock, self.pause, self.data = sock, pause, b""
        self.start()
    def run(self):
        while part := self.sock.recv(65536):
            self.data += part
            time.sleep(self.pause)
    def result(self):
        self.join(30)
        return self.data
"""


def run(code, *, prelude=PRELUDE, **options):
    """A program of its own, which must end well and say nothing but "ok"."""
    program = prelude + textwrap.dedent(code)
    done = subprocess.run([sys.executable, *QUIET, "-c", program], capture_output=True, text=True, timeout=120, **options)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")


@pytest.mark.skipif(not HAS_UV, reason="built without libuv")
class TestFork:
    def test_streams(self):
        """In the child they are refused, and forgetting them there does not touch the parent's, in the middle of a document."""
        run("""
            async def main():
                ours, theirs = socket.socketpair()
                own, other = socket.socketpair()
                stream, sync = rjson.uv.Stream(ours), rjson.uv.Stream(own)
                rjson.dump_to(1, sync)
                task = asyncio.create_task(rjson.aio.dump(DOC, stream))
                await asyncio.sleep(0.05)
                pid = os.fork()
                if pid == 0:
                    try:
                        for use in (lambda: rjson.dump_to(1, sync), lambda: sync._attach(stream), stream._cancel_wait):
                            try:
                                use()
                            except (RuntimeError, TypeError) as e:
                                assert "forked from" in str(e) or "must be a Loop" in str(e), e
                        try:
                            rjson.dump_to(1, sync)
                        except RuntimeError as e:
                            assert "forked from" in str(e)
                        else:
                            os._exit(2)
                        sync.close()
                        stream.close()
                        del sync, stream
                    except BaseException as e:
                        print(repr(e))
                        os._exit(1)
                    os._exit(0)
                _, status = os.waitpid(pid, 0)
                assert status == 0, status
                reader = Reader(theirs, 0.001)
                await task
                rjson.dump_to(2, sync)
                assert other.recv(10) == b"12"
                stream.close(); ours.close()
                assert await asyncio.to_thread(reader.result) == WHOLE
            asyncio.run(main())
            print("ok")
            """)

    def test_fan_outs(self):
        """The same of a Fanout, whose thread is not in the child."""
        run("""
            ours, theirs = socket.socketpair()
            fanout = rjson.uv.Fanout([ours], max_bytes=100_000_000)
            fanout.publish(DOC)
            pid = os.fork()
            if pid == 0:
                for use in (lambda: fanout.publish(1), lambda: fanout.add(ours), fanout.report, fanout.abort):
                    try:
                        use()
                    except RuntimeError as e:
                        assert "forked from" in str(e)
                    else:
                        os._exit(2)
                assert len(fanout) == 0
                del fanout
                os._exit(0)
            _, status = os.waitpid(pid, 0)
            assert status == 0, status
            reader = Reader(theirs)
            fanout.publish(2)
            fanout.close()
            ours.close()
            assert reader.result() == WHOLE + b"\\n2\\n"
            print("ok")
            """)


@pytest.mark.skipif(not HAS_UV, reason="built without libuv")
class TestTheEndOfTheInterpreter:
    @pytest.mark.parametrize("run_loop", ["asyncio.run", "uvloop.run"])
    def test_with_documents_in_the_middle(self, run_loop):
        """Tasks that were never awaited, Streams and Fanouts that were never closed: it ends as if there were none."""
        run(f"""
            import uvloop
            keep = []
            async def main():
                pairs = [socket.socketpair() for _ in range(4)]
                keep.append(pairs)
                streams = [rjson.uv.Stream(ours) for ours, _ in pairs]
                keep.append(streams)
                keep.append([asyncio.ensure_future(rjson.aio.dump(DOC, stream)) for stream in streams])
                await asyncio.sleep(0.05)
            {run_loop}(main())
            pairs = [socket.socketpair() for _ in range(4)]
            fanout = rjson.uv.Fanout([ours for ours, _ in pairs], max_bytes=100_000_000)
            fanout.publish(DOC)
            stream = rjson.uv.Stream(pairs[0][0])
            for sock in [sock for pair in pairs + keep[0] for sock in pair]:
                sock.detach()
            print("ok")
            """)

    def test_while_other_threads_work(self):
        """Daemon threads in dump_to and publish are where they are when it ends."""
        run("""
            ours, theirs = socket.socketpair()
            fanout = rjson.uv.Fanout([ours], max_bytes=1000)
            stream = rjson.uv.Stream(theirs)
            for work in (lambda: fanout.publish(DOC), lambda: rjson.dump_to(DOC, stream)):
                threading.Thread(target=work, daemon=True).start()
            time.sleep(0.1)
            ours.detach(); theirs.detach()
            print("ok", flush=True)
            """)


@pytest.mark.skipif(not HAS_UV, reason="built without libuv")
def test_a_closed_peer_is_no_signal():
    """Where SIGPIPE ends the process, as in programs that set it back to its default."""
    run("""
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        def make():
            r, w = os.pipe()
            return rjson.uv.Stream(w), r, w
        stream, r, w = make()
        os.close(r)
        try:
            rjson.dump_to(DOC, stream)
        except BrokenPipeError:
            pass
        async def main():
            stream, r, w = make()
            task = asyncio.create_task(rjson.aio.dump(DOC, stream))
            await asyncio.sleep(0.05)
            os.close(r)
            try:
                await task
            except BrokenPipeError:
                print("ok")
        asyncio.run(main())
        stream, r, w = make()
        fanout = rjson.uv.Fanout([w])
        os.close(r)
        for _ in range(10):
            fanout.publish(1)
        fanout.abort()
        """)


GLOBAL_SYMBOLS = "import os, sys\nsys.setdlopenflags(os.RTLD_GLOBAL | os.RTLD_NOW)\n"
UVLOOP_AND_OURS = """
    async def main():
        ours, theirs = socket.socketpair()
        reader = Reader(theirs)
        stream = rjson.uv.Stream(ours)
        await rjson.aio.dump(DOC, stream)
        stream.close(); ours.close()
        assert await asyncio.to_thread(reader.result) == WHOLE
    uvloop.run(main())
    print("ok")
"""


@pytest.mark.skipif(not HAS_UV, reason="built without libuv")
class TestTheLibuvInsideUvloop:
    def test_is_left_alone_where_symbols_are_global(self):
        """rjson.uv is loaded with symbols of its own, whatever the program has set; uvloop works beside it."""
        run(UVLOOP_AND_OURS, prelude=GLOBAL_SYMBOLS + PRELUDE + "import uvloop\n")

    def test_is_not_used_by_mistake(self):
        """uvloop's symbols made global before ours: an ImportError that says so, not corrupted memory."""
        prelude = GLOBAL_SYMBOLS + "import uvloop\nimport rjson\n"
        run(
            """
            try:
                import rjson.uv
            except ImportError as e:
                assert "would use" in str(e) and "uvloop" in str(e), e
            print("ok")
            """,
            prelude=prelude,
        )


def test_without_libuv():
    """rjson.uv says what to install; the rest works."""
    run(
        """
        import sys
        sys.modules["rjson._uv"] = None
        import rjson, rjson.aio
        try:
            import rjson.uv
        except ImportError as e:
            assert "rjson.uv needs libuv" in str(e) and "apt install libuv1-dev" in str(e)
        try:
            rjson.uv
        except ImportError:
            assert rjson.dumps([1]) == "[1]"
            print("ok")
        """,
        prelude="",
    )


@pytest.mark.skipif(UNDER_ASAN, reason="compilers cannot run under the preloaded sanitizer")
def test_a_build_without_libuv(tmp_path):
    """RJSON_UV=0, or no libuv for pkg-config to find: rjson alone."""
    program = (
        "import runpy, setuptools; setuptools.setup = lambda **o: print(len(o['ext_modules'])); runpy.run_path('setup.py')"
    )
    environment = {"PATH": "/usr/bin:/bin"}
    for setting in ({"PKG_CONFIG_LIBDIR": str(tmp_path)}, {"RJSON_UV": "0"}):
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env={**environment, **setting}, capture_output=True, text=True
        )
        assert done.stdout.strip() == "1", done.stderr
