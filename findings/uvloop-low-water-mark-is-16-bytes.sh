#!/bin/sh
# uvloop 0.23.0: the write buffer's default low-water mark of a TCP transport is 16 bytes; asyncio's is 16 KiB, a quarter of the high-water mark (64 KiB in both).
# A protocol that is paused is resumed only when the buffer is all but empty, so the connection idles in between.
set -e
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install -q --disable-pip-version-check uvloop==0.23.0
"$folder/venv/bin/python" - <<'P'
import asyncio
import uvloop


async def limits():
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    result = writer.transport.get_write_buffer_limits()
    writer.close()
    server.close()
    return result


def run(factory):
    loop = factory()
    try:
        return loop.run_until_complete(limits())
    finally:
        loop.close()


ours, theirs = run(asyncio.new_event_loop), run(uvloop.new_event_loop)
print("uvloop", uvloop.__version__, "(low, high): asyncio", ours, "uvloop", theirs)
assert ours == (16384, 65536) and theirs == (16, 65536)
P
