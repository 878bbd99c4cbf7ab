#!/bin/sh
# asyncio (CPython 3.11.7) and uvloop 0.23.0: transport.abort() on a TCP connection with nothing queued sends FIN, not RST: the peer reads an ordinary end.
# With SO_LINGER (1, 0) on the socket before it, the peer gets ConnectionResetError. Whoever aborts so that a cut-off answer is noticed needs that.
set -e
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install -q --disable-pip-version-check uvloop==0.23.0
"$folder/venv/bin/python" - <<'P'
import asyncio, socket, struct, sys
import uvloop


async def peer_sees(linger):
    async def serve(reader, writer):
        writer.write(b"part")
        await writer.drain()
        await asyncio.sleep(0.2)  # all of it is with the kernel by now
        if linger:
            sock = writer.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        assert await reader.readexactly(4) == b"part"
        result = "end" if await reader.read() == b"" else "data"
    except ConnectionResetError:
        result = "reset"
    writer.close()
    server.close()
    return result


for name, factory in (("asyncio", asyncio.new_event_loop), ("uvloop " + uvloop.__version__, uvloop.new_event_loop)):
    loop = factory()
    seen = loop.run_until_complete(peer_sees(False)), loop.run_until_complete(peer_sees(True))
    loop.close()
    print(sys.version.split()[0], name, "| abort():", seen[0], "| with SO_LINGER:", seen[1])
    assert seen == ("end", "reset")
P
