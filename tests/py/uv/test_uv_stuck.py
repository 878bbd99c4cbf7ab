"""rjson.uv.Fanout: who waits can always be freed, or gives up, and leaves nothing behind that others wait for.

Each in a program of its own: what is broken hangs.
"""

import subprocess
import sys
import textwrap

import pytest

from helpers import HAS_UV, QUIET

if not HAS_UV:
    pytest.skip("built without libuv", allow_module_level=True)

PRELUDE = """
import asyncio, gc, json, logging, os, signal, socket, sys, threading, time, traceback
import rjson, rjson.aio, rjson.uv
from rjson.uv import Fanout

LONG = ["x" * 1000] * 3000

def tell(*error):
    traceback.print_exception(*error)
    sys.stderr.flush()
    os._exit(1)  # threads that read would keep a program that failed

sys.excepthook = tell

def pair():
    ours, theirs = socket.socketpair()
    return ours, theirs

def read_all(sock):
    data = b""
    while part := sock.recv(1 << 20):
        data += part
    return data

def raised(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except BaseException as e:
        return e

class Publisher(threading.Thread):
    '''Publishes, and keeps what comes of it; returns from the constructor when it has its turn or waits for it, or is done.'''
    def __init__(self, fanout, obj=LONG, **options):
        super().__init__(daemon=True)
        self.fanout, self.obj, self.options, self.error = fanout, obj, options, None
        lock = fanout._lock
        queued = len(lock._waiters)
        self.start()
        while self.is_alive() and lock._owner[0] != self.ident and len(lock._waiters) == queued:
            time.sleep(0.01)
        time.sleep(0.1)  # it comes to where it waits for room
    def run(self):
        self.error = raised(self.fanout.publish, self.obj, **self.options)
    def result(self):
        self.join(10)
        assert not self.is_alive(), "stuck"
        return self.error
"""


def run(code, *options, timeout=60):
    """It must end well and say nothing but "ok"."""
    done = subprocess.run(
        [sys.executable, *QUIET, *options, "-c", PRELUDE + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", ""), done.stderr


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("late", [False, True])
def test_apublish_cancelled_while_a_thread_publishes(loop, late):
    """It takes its place in the queue back, also where its turn has just come, and everybody else goes on."""
    run(f"""
        import {loop}
        ours, theirs = pair()
        fanout = Fanout([ours], max_bytes=1000)
        publisher = Publisher(fanout)

        async def main():
            tasks = [asyncio.create_task(fanout.apublish(i)) for i in range(3)]
            await asyncio.sleep(0.05)
            tasks[1].cancel()
            if {late}:
                reader = threading.Thread(target=lambda: got.append(read_all(theirs)))
                reader.start()
                publisher.join()  # the first task's turn has come, and it cannot know yet
            tasks[0].cancel()
            await asyncio.sleep(0.01)
            if not {late}:
                reader = threading.Thread(target=lambda: got.append(read_all(theirs)))
                reader.start()
            await tasks[2]
            assert tasks[0].cancelled() and tasks[1].cancelled()
            thread = threading.Thread(target=fanout.publish, args=("thread",))
            thread.start()
            await fanout.apublish("task")
            thread.join()
            await fanout.aclose()
            ours.close()
            reader.join()

        got = []
        {"uvloop.run" if loop == "uvloop" else "asyncio.run"}(main())
        assert publisher.result() is None
        lines = [json.loads(line) for line in got[0].splitlines()]
        assert lines[0] == LONG and lines[1] == 2 and sorted(lines[2:]) == ["task", "thread"], [str(line)[:20] for line in lines]
        assert len(threading.enumerate()) == 1, threading.enumerate()
        print("ok")
    """)


def test_cancelled_at_every_turn_of_the_loop():
    """apublish, drained and aclose: whenever they are cancelled, threads and tasks can publish afterwards."""
    run("""
        ours, theirs = pair()
        reader = threading.Thread(target=read_all, args=(theirs,))
        reader.start()
        fanout = Fanout([ours], max_bytes=1000)

        async def main():
            for turns in range(25):
                for make in (lambda: fanout.apublish(LONG[:20]), fanout.drained):
                    other = asyncio.create_task(fanout.apublish(LONG[:20]))
                    task = asyncio.create_task(make())
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    task.cancel()
                    await asyncio.wait([task, other])
                    assert other.exception() is None or isinstance(other.exception(), ConnectionError), other
                    if fanout.closed or not len(fanout):
                        raise SystemExit(f"{turns}: {fanout}")
                    fanout.publish("thread")
            for turns in range(10):
                mine = Fanout()
                other = asyncio.create_task(mine.apublish(LONG))
                task = asyncio.create_task(mine.aclose())
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, other, return_exceptions=True)
                mine.close()
        # A message of several parts that is given up resets who has got some of it: here it never is, because only whole ones
        # are cancelled.
        asyncio.run(main())
        fanout.close()
        ours.close()
        reader.join()
        print("ok")
    """)


def test_a_loop_that_ended_while_its_task_waited():
    """A task that nobody runs any more does not get the lock."""
    run("""
        ours, theirs = pair()
        fanout = Fanout([ours], max_bytes=1000)
        publisher = Publisher(fanout)
        loop = asyncio.new_event_loop()
        task = loop.create_task(fanout.apublish(1))
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.close()
        task._log_destroy_pending = False
        reader = threading.Thread(target=read_all, args=(theirs,))
        reader.start()
        assert publisher.result() is None
        assert Publisher(fanout, 2).result() is None
        fanout.close()
        ours.close()
        reader.join()
        print("ok")
    """)


@pytest.mark.parametrize("slow", ["wait", "skip"])
def test_abort_frees_a_publisher(slow):
    """From another thread: who waits for room, for its turn, or for the end, is told; the peer sees that something is missing."""
    run(f"""
        ours, theirs = socket.create_server(("127.0.0.1", 0)), None
        client = socket.create_connection(ours.getsockname())
        theirs, _ = ours.accept()
        fanout = Fanout([theirs], max_bytes=1000, slow={slow!r})
        publisher = Publisher(fanout, LONG * 5)
        second = Publisher(fanout, 1)
        closing = threading.Thread(target=fanout.close, args=(None,))
        closing.start()
        drained = []
        waiter = threading.Thread(target=lambda: drained.append(raised(fanout.wait_drained)))
        waiter.start()

        async def main():
            waiting = asyncio.create_task(fanout.drained())
            task = asyncio.create_task(fanout.apublish(2))
            await asyncio.sleep(0.1)
            await asyncio.to_thread(fanout.abort)
            await asyncio.wait([waiting, task])
            assert isinstance(waiting.exception(), ConnectionAbortedError), waiting
            assert isinstance(task.exception(), ValueError), task

        asyncio.run(main())
        error = publisher.result()
        assert isinstance(error, ConnectionAbortedError) and "aborted" in str(error), error
        assert isinstance(second.result(), ValueError) and "closed" in str(second.error)
        closing.join(10), waiter.join(10)
        assert isinstance(drained[0], ConnectionAbortedError), drained
        assert isinstance(raised(read_all, client), ConnectionResetError)
        assert fanout.closed and len(fanout) == 0
        fanout.close(), fanout.abort()
        descriptors = len(os.listdir("/proc/self/fd"))
        del fanout, publisher, second
        gc.collect()
        assert len(os.listdir("/proc/self/fd")) == descriptors
        print("ok")
    """)


def test_abort_in_the_middle_of_a_message():
    """By the message's own code, or by another thread while that runs: it is told, and no memory is used that is gone."""
    run("""
        async def main(way):
            ours, theirs = pair()
            fanout = Fanout([ours])
            def items():
                yield "x" * 100_000
                if way != "thread":
                    fanout.abort()
                else:
                    thread = threading.Thread(target=fanout.abort)
                    thread.start()
                    thread.join()
                assert fanout.closed
                yield "y" * 200_000
            async def async_items():
                for item in items():
                    await asyncio.sleep(0)
                    yield item
            try:
                if way == "async":
                    await fanout.apublish(async_items())
                else:
                    fanout.publish(items())
            except ConnectionAbortedError as e:
                assert "aborted" in str(e), e
            else:
                raise SystemExit("no error")
            ours.close(), theirs.close()

            async def short():
                yield 1
                fanout.abort()
            fanout = Fanout()
            try:
                await fanout.apublish(short())
            except ConnectionAbortedError:
                pass
            else:
                raise SystemExit("no error")
        for way in ("own", "thread", "async"):
            asyncio.run(main(way))
        print("ok")
    """)


def test_descriptors_of_waits_that_abort_ends():
    """Are closed."""
    run("""
        async def main():
            Fanout().close()  # libuv keeps a few of its own
            before = len(os.listdir("/proc/self/fd"))
            for _ in range(10):
                ours, theirs = pair()
                fanout = Fanout([ours], max_bytes=1000)
                task = asyncio.create_task(fanout.apublish(LONG))
                await asyncio.sleep(0.02)
                fanout.abort()
                await asyncio.wait([task])
                assert isinstance(task.exception(), ConnectionAbortedError), task
                del fanout, task, ours, theirs
            gc.collect()
            assert len(os.listdir("/proc/self/fd")) == before, os.listdir("/proc/self/fd")
        asyncio.run(main())
        print("ok")
    """)


@pytest.mark.parametrize("what", ["many messages", "a long message"])
def test_remove_frees_a_publisher(what):
    """Who is removed, and takes nothing more, holds up nobody: the others get everything."""
    run(f"""
        stuck, far = socket.socketpair()
        good, peer = socket.socketpair()
        got = []
        reader = threading.Thread(target=lambda: got.append(read_all(peer)))
        reader.start()
        fanout = Fanout(max_bytes=1000)
        number = fanout.add(stuck)
        fanout.add(good)
        long = {what == "a long message"}
        sent = 0
        def work():
            global sent
            for _ in range(1 if long else 3000):
                fanout.publish(LONG if long else LONG[:1])
                sent += 1
        thread = threading.Thread(target=work)
        thread.start()
        time.sleep(0.5)
        assert thread.is_alive()
        fanout.remove(number)
        thread.join(20)
        assert not thread.is_alive(), "stuck"
        states = {{r.id: r.state for r in fanout.report()}}
        assert states[number] == "dropped", states
        fanout.close()
        good.close()
        reader.join()
        assert len(got[0].splitlines()) == sent
        print("ok")
    """)


def test_who_is_removed_and_reads_gets_everything():
    """However slowly, also while others publish more than there is room for."""
    run("""
        slow, far = socket.socketpair()
        got = []
        def read():
            data = b""
            while part := far.recv(200_000):
                data += part
                time.sleep(0.02)
            got.append(data)
        fanout = Fanout(max_bytes=1000)
        number = fanout.add(slow)
        publisher = Publisher(fanout)
        reader = threading.Thread(target=read)
        reader.start()
        fanout.remove(number)
        slow.close()
        assert publisher.result() is None
        fanout.publish(2)
        fanout.close(60)
        reader.join()
        assert json.loads(got[0]) == LONG
        print("ok")
    """)


def test_close_does_not_wait_for_a_stuck_publisher_for_ever():
    """Its timeout counts for that too."""
    run("""
        ours, theirs = pair()
        fanout = Fanout([ours], max_bytes=1000)
        publisher = Publisher(fanout)
        fanout.close(timeout=0.2)
        assert isinstance(publisher.result(), ConnectionAbortedError), publisher.error
        ours, theirs = pair()
        fanout = Fanout([ours], max_bytes=1000)
        publisher = Publisher(fanout)
        asyncio.run(fanout.aclose(timeout=0.2))
        assert isinstance(publisher.result(), ConnectionAbortedError), publisher.error
        print("ok")
    """)


CHILD = """
        def in_child(*calls):
            '''In a forked child every call raises at once.'''
            pid = os.fork()
            if pid == 0:
                signal.alarm(20)
                for call in calls:
                    error = raised(call)
                    if not isinstance(error, RuntimeError) or "forked" not in str(error):
                        os.write(2, repr(error).encode())
                        os._exit(1)
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
"""


def test_fork_while_a_thread_publishes():
    """Whatever the parent's threads were at: in the child everything is refused, and nothing waited for."""
    run(f"""
        {CHILD}
        ours, theirs = pair()
        fanout = Fanout([ours], max_bytes=1000)
        publisher = Publisher(fanout)
        in_child(lambda: fanout.publish(1), fanout.close, fanout.abort, lambda: fanout.remove(1), fanout.report,
                 fanout.wait_drained, lambda: fanout.add(ours), lambda: asyncio.run(fanout.apublish(1)),
                 lambda: asyncio.run(fanout.aclose()), lambda: asyncio.run(fanout.drained()), lambda: fanout.__exit__(None, None, None))
        fanout.abort()
        assert isinstance(publisher.result(), ConnectionAbortedError)
        print("ok")
    """)


def test_fork_in_the_middle_of_a_message():
    """By the message's own code, and by a signal's handler while it waits: the child's call ends at once, the parent's goes on."""
    run("""
        ours, theirs = pair()
        got = []
        reader = threading.Thread(target=lambda: got.append(read_all(theirs)))
        fanout = Fanout([ours], max_bytes=1000)

        def fork(*ignored):
            global pid
            pid = os.fork()
            if pid == 0:
                signal.alarm(20)
                logging.disable()  # since 3.15 asyncio says there, too, that the loop is the parent's

        def ended(error):
            if pid == 0:  # asyncio itself refuses to go on in a child
                good = isinstance(error, RuntimeError) and ("forked" in str(error) or "no running event loop" in str(error))
                os.write(2, b"" if good else repr(error).encode())
                os._exit(0 if good else 1)
            assert error is None, error
            assert os.waitpid(pid, 0)[1] == 0

        def items():
            yield from LONG[:200]
            fork()
            yield from LONG[:200]

        async def async_items():
            for item in items():
                yield item

        reader.start()
        ended(raised(fanout.publish, items()))
        ended(raised(lambda: asyncio.run(fanout.apublish(async_items()))))
        fanout.close()
        ours.close()
        reader.join()
        assert [json.loads(line) for line in got[0].splitlines()] == [LONG[:400]] * 2

        ours, theirs = pair()
        reader = threading.Thread(target=read_all, args=(theirs,))
        fanout = Fanout([ours], max_bytes=1000)
        signal.signal(signal.SIGALRM, lambda *ignored: (fork(), pid and reader.start()))
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        ended(raised(fanout.publish, LONG))
        fanout.close()
        ours.close()
        reader.join()
        print("ok")
    """)


@pytest.mark.parametrize("by", ["the document", "a signal"])
def test_fork_in_the_middle_of_a_stream(by):
    """dump_to in the child ends at once, and the parent's output is whole."""
    run(f"""
        def fork(*ignored):
            global pid
            pid = os.fork()
            if pid == 0:
                signal.alarm(20)
            else:
                reader.start()

        def items():
            for i, item in enumerate(LONG):
                if i == 100 and {by == "the document"}:
                    fork()
                yield item

        ours, theirs = pair()
        got = []
        reader = threading.Thread(target=lambda: got.append(read_all(theirs)))
        if {by == "a signal"}:
            signal.signal(signal.SIGALRM, fork)
            signal.setitimer(signal.ITIMER_REAL, 0.3)
        stream = rjson.uv.Stream(ours)
        error = raised(rjson.dump_to, items(), stream)
        if pid == 0:
            good = isinstance(error, RuntimeError) and "forked" in str(error)
            stream.close()
            del stream
            os.write(2, b"" if good else repr(error).encode())
            os._exit(0 if good else 1)
        assert error is None, error
        status = os.waitpid(pid, 0)[1]
        assert status == 0, status
        rjson.dump_to([1], stream)
        stream.close()
        ours.close()
        reader.join()
        expected = json.dumps(LONG, separators=(",", ":")).encode() + b"[1]"
        assert got[0] == expected, (len(got[0]), len(expected))
        print("ok")
    """)
