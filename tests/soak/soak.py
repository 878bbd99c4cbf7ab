"""Three servers under many clients that are fast, slow, half open or leave in the middle: an rjson.aio server, the C server of examples/c,
and a fan-out. Every byte is compared; afterwards the servers have the descriptors that they began with, and no more memory than early on.

    make soak MINUTES=10
    python tests/soak/soak.py --seconds 5 --clients 50 --c-server build/stream/examples/uv_server
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import selectors
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from servers import message, row

HERE = Path(__file__).parent
SIZES = [1, 30, 1500, 20_000]
# A run that is shorter says nothing about memory.
MEMORY_SECONDS = 60


def encoded(obj: Any) -> bytes:
    return json.dumps(obj, separators=(",", ":"), ensure_ascii=False).encode()


DOCUMENTS = {count: encoded([row(i) for i in range(count)]) for count in SIZES}


# ---- what comes


class Document:
    """Compares a document with what it must be, as it comes."""

    def __init__(self, expected: bytes) -> None:
        self.expected = expected
        self.at = 0

    def feed(self, data: bytes) -> None:
        end = self.at + len(data)
        assert self.expected[self.at : end] == data, f"other bytes between {self.at} and {end} of {len(self.expected)}"
        self.at = end

    def is_complete(self) -> bool:
        return self.at == len(self.expected)


class Chunked:
    """A document in an HTTP response with chunked coding (RFC 9112, section 7.1)."""

    def __init__(self, expected: bytes) -> None:
        self.document = Document(expected)
        self.buffer = b""
        self.left = -1  # bytes of the chunk; -1: the head has not come
        self.is_last = False

    def feed(self, data: bytes) -> None:
        self.buffer += data
        while self.buffer and not self.is_last:
            if self.left > 0:
                part, self.buffer = self.buffer[: self.left], self.buffer[self.left :]
                self.document.feed(part)
                self.left -= len(part)
                continue
            mark = b"\r\n\r\n" if self.left < 0 else b"\r\n"
            head, found, rest = self.buffer.partition(mark)
            if not found:
                return
            self.buffer = rest
            if self.left < 0:
                assert head.startswith(b"HTTP/1.1 200 "), head
                self.left = 0
            elif head:  # a size; an empty line is the end of a chunk's data
                self.left = int(head, 16)
                self.is_last = self.left == 0

    def is_complete(self) -> bool:
        return self.is_last and self.document.is_complete()


class Messages:
    """Lines, each one message of the fan-out; some may be missing, but none comes twice or in part."""

    def __init__(self) -> None:
        self.buffer = b""
        self.last = -1

    def feed(self, data: bytes) -> None:
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        for line in lines:
            number = int(line[5 : line.index(b",")])
            assert number > self.last, (number, self.last)
            assert line == encoded(message(number)), f"message {number} is another"
            self.last = number

    def is_complete(self) -> bool:
        return False


# ---- the servers


class Server:
    def __init__(self, name: str, command: list[Any]) -> None:
        self.name = name
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.port = int(re.search(r"(\d+)/?$", self.process.stdout.readline().strip())[1])  # type: ignore[index]
        self.memory: list[int] = []  # KiB, one a second
        self.descriptors = self.count_descriptors()

    def count_descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def measure(self) -> None:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        self.memory.append(int(re.search(r"VmRSS:\s+(\d+)", status)[1]))  # type: ignore[index]

    def growth(self) -> tuple[float, float]:
        """Memory in the second quarter and in the last one, KiB."""
        quarter = len(self.memory) // 4
        return statistics.median(self.memory[quarter : 2 * quarter]), statistics.median(self.memory[-quarter:])

    def stop(self) -> None:
        if self.name == "C":  # the others end with their input
            self.process.send_signal(signal.SIGINT)
        _, errors = self.process.communicate(timeout=60)
        assert (self.process.returncode, errors) == (0, ""), f"{self.name}: {self.process.returncode}, {errors[-2000:]}"

    def begin(self, sock: socket.socket, rng: random.Random) -> Any:
        """Sends a request; returns what its answer is compared by."""
        count = rng.choice(SIZES)
        if self.name == "aio":
            sock.send(b"%d\n" % count)
            return Document(DOCUMENTS[count])
        if self.name == "C":
            sock.send(b"GET /%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % count)
            return Chunked(DOCUMENTS[count])
        return Messages()


# ---- the clients


class Client:
    """kind: "fast"; "slow": reads little, and pauses; "half": says that it sends no more, and reads on (or, of a server that takes
    that for the end, and of messages, which have none: stops reading, and leaves after a while); "reset": leaves in the middle."""

    def __init__(self, server: Server, kind: str, rng: random.Random) -> None:
        self.server, self.kind, self.rng = server, kind, rng
        self.sock = socket.socket()
        if kind == "slow":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.connect(("127.0.0.1", server.port))
        self.answer = server.begin(self.sock, rng)
        self.sock.setblocking(False)
        self.is_over = False
        now = time.monotonic()
        stays = rng.uniform(0.5, 4)
        self.leaves_at = now + stays if server.name == "fanout" or kind == "reset" else None
        self.stops_at = rng.randrange(300_000) if kind == "reset" else None
        self.due = now
        self.read = 0
        if kind == "half" and server.name == "aio":
            self.sock.shutdown(socket.SHUT_WR)
        elif kind == "half":
            self.due = self.leaves_at = now + stays

    def on_readable(self, now: float) -> None:
        try:
            data = self.sock.recv(3000 if self.kind == "slow" else 1 << 18)
        except BlockingIOError:
            return
        self.read += len(data)
        if self.kind == "half" and self.leaves_at is not None:  # it never reads, but for this
            return
        self.answer.feed(data)
        self.is_over = self.answer.is_complete() if self.server.name == "C" else not data
        if self.is_over:
            assert self.answer.is_complete(), f"{self.server.name}: an answer ended after {self.read} bytes"
        if self.stops_at is not None and self.read >= self.stops_at:
            self.leaves_at = now
        if self.kind == "slow":
            self.due = now + self.rng.uniform(0, 0.02)

    def close(self) -> None:
        if self.kind == "reset":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


KINDS = ["fast"] * 4 + ["slow"] * 3 + ["half"] * 2 + ["reset"] * 2


class Crowd:
    """So many clients of a server at a time: who has got all, or leaves, is followed by another."""

    def __init__(self, servers: list[Server], count: int, seed: int) -> None:
        self.rng = random.Random(seed)
        self.selector = selectors.DefaultSelector()
        self.clients: list[Client] = []
        self.counts: Counter[str] = Counter()
        self.is_ending = False
        for i in range(count):
            self.enter(servers[i % len(servers)])

    def enter(self, server: Server) -> None:
        client = Client(server, self.rng.choice(KINDS), self.rng)
        self.selector.register(client.sock, selectors.EVENT_READ, client)
        self.clients.append(client)

    def leave(self, client: Client) -> None:
        self.selector.unregister(client.sock)
        client.close()
        self.clients.remove(client)
        self.counts[f"{client.server.name} {client.kind}"] += 1
        self.counts["bytes"] += client.read
        if not self.is_ending:
            self.enter(client.server)

    def turn(self) -> None:
        ready = self.selector.select(0.05)
        now = time.monotonic()
        for key, _ in ready:
            if key.data.due <= now:
                key.data.on_readable(now)
        if not any(key.data.due <= now for key, _ in ready):
            time.sleep(0.002)  # those that wait are ready all the time
        for client in list(self.clients):
            must_leave = self.is_ending and not isinstance(client.answer, Document | Chunked)
            if client.is_over or must_leave or (client.leaves_at is not None and client.leaves_at <= now):
                self.leave(client)


def run(servers: list[Server], seconds: float, clients: int, seed: int) -> Counter[str]:
    began = time.monotonic()
    crowd = Crowd(servers, clients, seed)
    measured = 0.0
    while (passed := time.monotonic() - began) < seconds:
        crowd.turn()
        if passed - measured >= 1:
            measured = passed
            for server in servers:
                server.measure()
    crowd.is_ending = True
    limit = time.monotonic() + 120
    while crowd.clients:
        crowd.turn()
        assert time.monotonic() < limit, f"{len(crowd.clients)} clients wait for ever"
    for server in servers:
        while (count := server.count_descriptors()) > server.descriptors:
            assert time.monotonic() < limit, f"{server.name} has {count} descriptors, and began with {server.descriptors}"
            time.sleep(0.1)
    return crowd.counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=1000, help="at a time, of all servers together")
    parser.add_argument("--c-server", help="the program; without it, it is left out")
    parser.add_argument("--no-fanout", action="store_true", help="where there is no libuv")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    python = [sys.executable, HERE / "servers.py"]
    servers = [Server("aio", [*python, "aio"])]
    if args.c_server:
        servers.append(Server("C", [args.c_server, "0"]))
    if not args.no_fanout:
        servers.append(Server("fanout", [*python, "fanout"]))
    try:
        counts = run(servers, args.seconds, args.clients, args.seed)
        for name, count in sorted(counts.items()):
            print(f"{name}: {count:,}")
        for server in servers:
            if len(server.memory) >= MEMORY_SECONDS:
                early, late = server.growth()
                print(f"{server.name}: {early:,.0f} KiB, {late:,.0f} KiB in the end")
                assert late <= 1.1 * early + 2048, f"the memory of {server.name} grows"
        for server in servers:
            server.stop()
    finally:
        for server in servers:
            server.process.kill()


if __name__ == "__main__":
    main()
