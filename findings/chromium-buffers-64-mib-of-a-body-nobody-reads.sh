#!/bin/sh
# Chromium 156.0.8078.114 (Debian 12): a page that holds the reader of fetch()'s response and does not read lets the server send about 64 MiB (65.9 MB) before the
# connection fills up. Backpressure does reach the server, but a page's "pause" is that far behind: a response that is shorter is taken whole.
# Needs Debian's package chromium; playwright 1.65.2 drives it.
set -e
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install -q --disable-pip-version-check playwright==1.65.2
"$folder/venv/bin/python" - <<'P'
import shutil, socket, threading, time
from playwright.sync_api import sync_playwright

BLOCK = b"10000\r\n" + b"x" * 65535 + b"\n\r\n"
sent = 0


def answer(connection):
    global sent
    line = connection.recv(65536).split(b"\r\n")[0]
    if b"/data" not in line:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        return connection.close()
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
    try:
        while sent < 500_000_000:
            connection.sendall(BLOCK)
            sent += 65536
    except OSError:
        pass


def serve(listener):
    while True:
        threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=serve, args=(listener,), daemon=True).start()
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
    page = browser.new_page()
    page.goto("http://127.0.0.1:%d/" % listener.getsockname()[1])
    page.evaluate("async () => { window.reader = (await fetch('/data')).body.getReader(); await window.reader.read(); }")
    before = -1
    while sent != before:
        before = sent
        time.sleep(1)
    print("Chromium", browser.version, "| sent to a page that reads nothing:", round(sent / 2**20, 1), "MiB")
    browser.close()
assert 60 * 2**20 < sent < 72 * 2**20
P
