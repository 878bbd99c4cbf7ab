#!/bin/sh
# sanic 25.12.1: a handler that raises after it has sent a part of a streamed response. The chunked body ends with a proper last chunk and status 200, so that
# no client can tell it from a complete one. The other servers tried (uvicorn, hypercorn, gunicorn, waitress, aiohttp) leave the last chunk out.
set -e
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install -q --disable-pip-version-check sanic==25.12.1
cd "$folder"
cat > app.py <<'P'
from sanic import Sanic

app = Sanic("x")


@app.get("/")
async def rows(request):
    response = await request.respond(content_type="application/x-ndjson")
    await response.send('{"id":1}\n')
    raise RuntimeError("the source failed")
P
port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$folder/venv/bin/sanic" app:app --port "$port" --single-process >log 2>&1 &
trap 'kill $!; rm -rf "$folder"' EXIT
python3 - "$port" <<'P'
import socket, sys, time

for _ in range(100):
    try:
        sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        break
    except OSError:
        time.sleep(0.1)
sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
data = b""
while part := sock.recv(65536):
    data += part
print("sanic 25.12.1:", data.split(b"\r\n")[0].decode(), "| ends with", data[-30:])
assert data.startswith(b"HTTP/1.1 200") and data.endswith(b"0\r\n\r\n")
P
