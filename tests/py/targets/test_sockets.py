"""Sockets: TCP, Unix, TLS; blocking, with a timeout, non-blocking; readers that are slow, stop and reset."""

import collections
import errno
import os
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest

import rjson
from helpers import CHUNK_SIZES, Reader, stdlib, tcp_pair, tls_pair

DOC = {"rows": [{"id": i, "text": "é中😀" * (i % 9)} for i in range(2000)], "long": "x" * 300_000}
BYTES = stdlib(DOC).encode()
BIG = ["x" * 1000] * 20_000  # 20 MB: more than any socket buffer


@pytest.fixture(params=CHUNK_SIZES)
def chunk_size(request):
    return request.param


@pytest.fixture(params=["tcp", "unix"])
def pair(request):
    ours, theirs = tcp_pair() if request.param == "tcp" else socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.mark.parametrize("timeout", [None, 30.0, 0.0], ids=["blocking", "timeout", "non-blocking"])
@pytest.mark.parametrize("overlap", [None, False, True])
def test_socket(pair, chunk_size, timeout, overlap):
    """Every byte arrives, whatever the socket's mode, which is left as it was."""
    ours, theirs = pair
    ours.settimeout(timeout)
    reader = Reader(theirs.recv, pause=0.0005 if timeout == 0 else 0)
    assert rjson.dump_to(DOC, ours, chunk_size=chunk_size, overlap=overlap) == len(BYTES)
    assert ours.gettimeout() == timeout
    ours.shutdown(socket.SHUT_WR)
    assert reader.result() == BYTES


def test_socket_by_descriptor(pair):
    """A socket's number does as well."""
    ours, theirs = pair
    reader = Reader(theirs.recv)
    assert rjson.dump_to(DOC, ours.fileno()) == len(BYTES)
    ours.shutdown(socket.SHUT_WR)
    assert reader.result() == BYTES


@pytest.mark.parametrize("how", ["argument", "socket", "non-blocking", "zero"])
@pytest.mark.parametrize("overlap", [None, False, True])
def test_timeout(pair, how, overlap):
    """A peer that reads nothing: TimeoutError, and bytes_written is what the peer finds later."""
    ours, theirs = pair
    options = {"argument": {"timeout": 0.05}, "non-blocking": {"timeout": 0.05}, "zero": {"timeout": 0}}.get(how, {})
    if how == "socket":
        ours.settimeout(0.05)
    if how == "non-blocking":
        ours.setblocking(False)
    with pytest.raises(TimeoutError) as caught:
        rjson.dump_to(BIG, ours, overlap=overlap, **options)
    ours.close()
    received = Reader(theirs.recv).result()
    assert len(received) == caught.value.bytes_written > 0
    assert rjson.dumps_bytes(BIG).startswith(received)


def test_slow_but_steady_reader_is_no_timeout():
    """The timeout is for waiting without progress, not for the whole document."""
    ours, theirs = tcp_pair()
    with ours, theirs:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 20_000)
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20_000)
        doc = ["x" * 1000] * 3000
        reader = Reader(theirs.recv, pause=0.02)
        assert rjson.dump_to(doc, ours, timeout=1.0) == len(rjson.dumps_bytes(doc))
        ours.close()
        assert reader.result() == rjson.dumps_bytes(doc)


@pytest.mark.parametrize("reset", [False, True])
def test_peer_that_goes_away(pair, reset):
    """BrokenPipeError or ConnectionResetError, never a signal, and less is counted than was to be sent."""
    ours, theirs = pair

    def leave():
        theirs.recv(100_000)
        if reset and theirs.family == socket.AF_INET:
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        theirs.close()

    thread = threading.Thread(target=leave)
    thread.start()
    with pytest.raises((BrokenPipeError, ConnectionResetError)) as caught:
        rjson.dump_to(BIG, ours)
    thread.join()
    assert 0 < caught.value.bytes_written < 20_000_000
    assert "socket" in str(caught.value)


def test_closed_socket(pair):
    """ValueError that names it."""
    pair[0].close()
    with pytest.raises(ValueError, match="closed"):
        rjson.dump_to([1], pair[0])


def test_unconnected_socket():
    """The system's error, naming the socket."""
    with socket.socket() as sock, pytest.raises(OSError, match="socket") as caught:
        rjson.dump_to([1], sock)
    assert caught.value.errno in (errno.EPIPE, errno.ENOTCONN)


def test_datagram_socket():
    """A document is a stream: a datagram socket is refused."""
    with socket.socket(type=socket.SOCK_DGRAM) as sock, pytest.raises(ValueError, match="stream socket"):
        rjson.dump_to([1], sock)


def test_closed_by_another_thread_while_waiting(pair):
    """A socket that is closed meanwhile is an error; whatever gets its number is not written to."""
    ours, _theirs = pair
    fd = ours.fileno()
    stolen = []

    def close():
        time.sleep(0.05)
        ours.close()
        a, b = os.pipe()
        while b < fd:
            stolen.append(b)
            b = os.dup(b)
        stolen.extend((a, b))

    thread = threading.Thread(target=close)
    thread.start()
    with pytest.raises((ValueError, OSError)) as caught:
        rjson.dump_to(BIG, ours, timeout=0.3)
    thread.join()
    assert caught.value.bytes_written < 20_000_000
    os.set_blocking(stolen[-2], False)
    with pytest.raises(BlockingIOError):  # nothing arrived in the pipe
        os.read(stolen[-2], 1)
    for fd in stolen:
        os.close(fd)


class CountingSocket(socket.socket):
    """A subclass with a send of its own."""

    sent = 0

    def send(self, data, *flags):
        n = super().send(bytes(data)[:1000], *flags)
        self.sent += n
        return n


def test_subclass_with_its_own_send(chunk_size):
    """Its send is used, and its short counts are honoured."""
    a, b = socket.socketpair()
    ours = CountingSocket(fileno=a.detach())
    with ours, b:
        reader = Reader(b.recv)
        assert rjson.dump_to(DOC, ours, chunk_size=chunk_size) == len(BYTES) == ours.sent
        ours.shutdown(socket.SHUT_WR)
        assert reader.result() == BYTES


def test_object_with_send_only():
    """Anything that sends, like a socket of another library."""

    class Sender:
        def __init__(self):
            self.data = b""

        def send(self, data):
            self.data += data[:777]
            return min(777, len(data))

    sender = Sender()
    assert rjson.dump_to(DOC, sender) == len(BYTES)
    assert sender.data == BYTES


@pytest.mark.parametrize("buffering", [0, 4096])
def test_makefile(pair, chunk_size, buffering):
    """A socket's file object."""
    ours, theirs = pair
    reader = Reader(theirs.recv)
    with ours.makefile("wb", buffering=buffering) as fp:
        assert rjson.dump(DOC, fp, chunk_size=chunk_size) == len(BYTES)
    ours.shutdown(socket.SHUT_WR)
    assert reader.result() == BYTES


# ---- TLS


@pytest.mark.parametrize("timeout", [None, 30.0, 0.0], ids=["blocking", "timeout", "non-blocking"])
def test_tls_socket(certificate, chunk_size, timeout):
    """What the peer decrypts is the document: the descriptor below is never written to."""
    ours, theirs = tls_pair(certificate)
    with ours, theirs:
        ours.settimeout(timeout)
        reader = Reader(theirs.recv, pause=0.0002 if timeout == 0 else 0)
        assert rjson.dump_to(DOC, ours, chunk_size=chunk_size) == len(BYTES)
        assert ours.gettimeout() == timeout
        ours.settimeout(None)
        ours.shutdown(socket.SHUT_WR)
        assert reader.result() == BYTES


@pytest.mark.parametrize("nonblocking", [False, True])
def test_tls_timeout(certificate, nonblocking):
    """A TLS peer that reads nothing is a TimeoutError too."""
    ours, theirs = tls_pair(certificate)
    with ours, theirs:
        ours.setblocking(not nonblocking)
        with pytest.raises(TimeoutError) as caught:
            rjson.dump_to(BIG, ours, timeout=0.1)
        assert 0 < caught.value.bytes_written < 20_000_000
        assert ours.gettimeout() == (0.0 if nonblocking else None)


# ---- the rest of the process


@pytest.mark.parametrize("target", ["socket", "pipe", "null", "write"])
def test_ctrl_c_is_answered(target):
    """A signal in the middle of an endless dump is KeyboardInterrupt, whether it waits or writes."""
    code = """
import collections, itertools, os, signal, socket, sys, rjson

class Forgetful:
    write = collections.deque(maxlen=1).append  # runs no Python code in which a signal could be handled

kind = sys.argv[1]
target = {"socket": lambda: socket.socketpair()[0], "pipe": lambda: os.pipe()[1], "null": lambda: os.open(os.devnull, os.O_WRONLY), "write": Forgetful}[kind]()
keep = socket.socketpair()
if kind == "socket":
    target = keep[0]
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, 0.3)  # no other thread that could answer for this one
try:
    rjson.dump_to(itertools.repeat("x" * 100), target)
except KeyboardInterrupt as e:
    print("interrupted", e.bytes_written > 0)
"""
    done = subprocess.run([sys.executable, "-c", code, target], capture_output=True, text=True, timeout=60)
    assert done.stdout == "interrupted True\n", done.stderr


def test_ctrl_c_during_dumps():
    """Also while a large result is built in memory."""
    code = """
import signal, rjson
doc = [["x" * 50] * 1000] * 40_000
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, 0.05)
try:
    rjson.dumps_bytes(doc)
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "interrupted\n", done.stderr[-500:]


def test_other_threads_get_their_turn(pair):
    """While one thread dumps without end, another thread's Python code runs."""
    ours, theirs = pair
    stop = threading.Event()
    turns = 0

    def count():
        nonlocal turns
        while not stop.is_set():
            turns += 1
            time.sleep(0.001)

    counter = threading.Thread(target=count)
    reader = Reader(theirs.recv)
    counter.start()
    rjson.dump_to((BIG for _ in range(10)), ours)
    stop.set()
    counter.join()
    ours.shutdown(socket.SHUT_WR)
    reader.result()
    assert turns >= 3


def test_other_threads_get_their_turn_where_nothing_waits():
    """Also when neither the document nor the target runs Python code or waits for anything."""
    done = threading.Event()
    turns = 0

    class Forgetful:
        write = collections.deque(maxlen=1).append

    def count():
        nonlocal turns
        while not done.is_set():
            turns += 1
            time.sleep(0.001)

    counter = threading.Thread(target=count)
    counter.start()
    before = turns
    rjson.dump([BIG] * 400, Forgetful())
    during = turns - before
    done.set()
    counter.join()
    assert during >= 3


def test_waiting_releases_the_gil(pair):
    """A dump that waits for its peer holds up nobody: the peer is in the same process."""
    ours, theirs = pair
    total = 0

    def read():
        nonlocal total
        while part := theirs.recv(65536):
            total += len(part)

    thread = threading.Thread(target=read)
    thread.start()
    count = rjson.dump_to(BIG, ours)
    ours.close()
    thread.join(60)
    assert total == count


def test_the_kernels_own_send_timeout_is_kept():
    """SO_SNDTIMEO: as a send() of the socket's would, a dump gives up after it."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, 100_000))
        begin = time.monotonic()
        with pytest.raises(TimeoutError) as caught:
            rjson.dump_to("x" * 10_000_000, ours)
        assert time.monotonic() - begin < 30
        assert 0 < caught.value.bytes_written < 10_000_000
