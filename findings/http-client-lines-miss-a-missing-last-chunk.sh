#!/bin/sh
# http.client (CPython 3.11.7; the same on 3.13.0): a chunked response whose connection ends before the last chunk.
# read() raises IncompleteRead; a loop over its lines ends as if the response were complete. RFC 9112, section 8, calls such a
# message incomplete. Whoever reads JSON lines with urllib takes a failed stream for a finished one.
set -e
python3 - <<'P'
import http.client, socket, sys, threading

server = socket.create_server(("127.0.0.1", 0))

def serve():
    for _ in range(2):
        connection, _ = server.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"a\":1}\n\r\n")
        connection.close()

threading.Thread(target=serve, daemon=True).start()

def get():
    connection = http.client.HTTPConnection(*server.getsockname())
    connection.request("GET", "/")
    return connection.getresponse()

try:
    get().read()
    read = "no error"
except http.client.IncompleteRead:
    read = "IncompleteRead"
lines = list(get())
print(sys.version.split()[0], "read():", read, "| lines:", lines)
assert read == "IncompleteRead" and lines == [b'{"a":1}\n']
P
