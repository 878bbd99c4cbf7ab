"""rjson.aio.Writer, cancelled at every turn of the event loop: what comes next is whole, or refused and the connection reset."""

import asyncio
import json

import pytest

from aio_helpers import Peer
from helpers import tcp_pair
from rjson import aio


async def numbers(sleep):
    for i in range(4):
        await sleep(0)
        yield {"n": i, "text": "x" * 300}


async def build(writer, sleep):
    async with writer.object():
        await writer.key("rows")
        async with writer.array():
            async for row in numbers(sleep):
                await writer.write(row)


OPERATIONS = {
    "write": lambda writer, sleep: writer.write({"rows": numbers(sleep)}),
    "write_all": lambda writer, sleep: writer.write_all(numbers(sleep)),
    "object": build,
    "flush": lambda writer, sleep: writer.flush(),
    "close": lambda writer, sleep: writer.close(),
    "wait": None,
}


def check(data, is_reset, refusal):
    """`refusal`: what the write after the cancelled one raised, or None."""
    *lines, rest = data.split(b"\n")
    values = [json.loads(line) for line in lines]
    assert values[:1] == ["first"]
    if refusal is None:
        assert rest == b""
        assert values[-1] == "after"
    elif isinstance(refusal, ConnectionAbortedError):
        assert is_reset
    else:
        assert "closed" in str(refusal)
        assert rest == b""


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("flush", ["item", "full", 0.01])
@pytest.mark.parametrize("eager", [False, True])
async def test_on_asyncio(operation, flush, eager):
    if eager and not hasattr(asyncio, "eager_task_factory"):
        pytest.skip("eager tasks came with 3.12")
    loop = asyncio.get_running_loop()
    if eager:
        loop.set_task_factory(asyncio.eager_task_factory)
    for turns in range(25):
        ours, theirs = tcp_pair()
        ours.setblocking(False)
        peer = Peer(theirs.recv)
        _, target = await asyncio.open_connection(sock=ours)
        writer = aio.Writer(target, chunk_size=600, flush=flush, slice_us=100)
        await writer.write("first")
        await writer.flush()
        others = []
        if operation == "wait":  # for another task's document
            others = [loop.create_task(writer.write(["other", numbers(asyncio.sleep)]))]
            task = loop.create_task(writer.write("cancelled"))
        else:
            task = loop.create_task(OPERATIONS[operation](writer, asyncio.sleep))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task, *others], timeout=20)
        assert task.done()
        assert not any(other.exception() for other in others)
        refusal = None
        try:
            await asyncio.wait_for(writer.write("after"), 20)
            await asyncio.wait_for(writer.flush(), 20)
        except (ConnectionAbortedError, ValueError) as e:
            refusal = e
        target.close()
        data = await peer.result()
        theirs.close()
        check(data, isinstance(peer.error, ConnectionResetError), refusal)


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name != "wait"])
@pytest.mark.parametrize("flush", ["item", "full", 0.01])
def test_on_trio(operation, flush):
    trio = pytest.importorskip("trio")

    async def main():
        for turns in range(25):
            ours, theirs = tcp_pair()
            ours.setblocking(False)
            peer = Peer(theirs.recv)
            stream = trio.SocketStream(trio.socket.from_stdlib_socket(ours))
            writer = aio.Writer(stream, chunk_size=600, flush=flush, slice_us=100)
            await writer.write("first")
            await writer.flush()
            with trio.fail_after(20):
                async with trio.open_nursery() as nursery:

                    async def work(scope):
                        with scope:
                            await OPERATIONS[operation](writer, trio.sleep)

                    scope = trio.CancelScope()
                    nursery.start_soon(work, scope)
                    for _ in range(turns):
                        await trio.lowlevel.checkpoint()
                    scope.cancel()
                refusal = None
                try:
                    await writer.write("after")
                    await writer.flush()
                except (ConnectionAbortedError, ValueError) as e:
                    refusal = e
            await stream.aclose()
            peer._thread.join(20)
            theirs.close()
            check(bytes(peer.data), isinstance(peer.error, ConnectionResetError), refusal)

    trio.run(main)
