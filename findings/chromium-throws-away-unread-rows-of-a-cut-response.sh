#!/bin/sh
# Chromium 156.0.8078.114 (Debian 12): a chunked response whose 10,000 rows have all arrived, but which ends without the last chunk: a page that is busy
# for a second before it reads fetch()'s body gets "TypeError: network error" and not one row. The error overtakes what is buffered (the Streams Standard, ReadableStreamDefaultControllerError,
# empties the queue). So a record behind the rows that tells why a stream failed does not reach a page, unless the response ends properly behind it.
# Needs Debian's package chromium; playwright 1.65.2 drives it.
set -e
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install -q --disable-pip-version-check playwright==1.65.2
"$folder/venv/bin/python" - <<'P'
import shutil, socket, threading
from playwright.sync_api import sync_playwright

ROWS = b'{"n": 1}\n' * 10_000
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
READ = """async (path) => {
    const reader = (await fetch(path)).body.getReader();
    let bytes = 0;
    await new Promise((go) => setTimeout(go, 1000));
    try {
        for (;;) { const {value, done} = await reader.read(); if (done) return [bytes, "end"]; bytes += value.length; }
    } catch (error) { return [bytes, String(error)]; }
}"""


def answer(connection):
    line = connection.recv(65536).split(b"\r\n")[0]
    if b"/rows" in line:
        connection.sendall(HEAD + b"%x\r\n%s\r\n" % (len(ROWS), ROWS) + (b"0\r\n\r\n" if b"whole" in line else b""))
    else:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
    connection.close()


def serve(listener):
    while True:
        threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=serve, args=(listener,), daemon=True).start()
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
    page = browser.new_page()
    page.goto("http://127.0.0.1:%d/" % listener.getsockname()[1])
    whole, cut = page.evaluate(READ, "/rows-whole"), page.evaluate(READ, "/rows-cut")
    print("Chromium", browser.version, "| bytes read of", len(ROWS), "| whole:", whole, "| cut:", cut)
    browser.close()
assert whole == [len(ROWS), "end"]
assert cut == [0, "TypeError: network error"]
P
