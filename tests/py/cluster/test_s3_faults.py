"""A server that speaks S3 and fails, or is slow, where a test says so: requests go through it to moto's."""

import threading
import time
from urllib.parse import parse_qs

import pytest
from buckets import bucket_at

import rjson
from rjson.integrations.arrow import write_ndjson

moto = pytest.importorskip("moto.server")
pytest.importorskip("s3fs")
werkzeug = pytest.importorskip("werkzeug.serving")


MIB = 1 << 20


class Faults:
    """A WSGI application around moto's. It counts parts that are on their way, and those that arrived."""

    def __init__(self):
        self._moto = moto.DomainDispatcherApplication(moto.create_backend_app)
        self._lock = threading.Lock()
        self.fails = lambda step: None
        self.gate = threading.Event()
        self.reset()

    def reset(self):
        self.gate.set()
        self.on_their_way = self.most = self.arrived = 0
        self.begun = threading.Semaphore(0)

    def __call__(self, environ, start_response):
        query = parse_qs(environ["QUERY_STRING"], keep_blank_values=True)
        method = environ["REQUEST_METHOD"]
        step = None
        if "partNumber" in query and method == "PUT":
            step = int(query["partNumber"][0])
        elif method == "POST":
            step = "create" if "uploads" in query else "complete" if "uploadId" in query else None
        status = self.fails(step) if step is not None else None
        if status is not None:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            body = b"<Error><Code>%s</Code></Error>" % (b"SlowDown" if status.startswith("503") else b"AccessDenied")
            start_response(status, [("Content-Length", str(len(body))), ("Content-Type", "application/xml")])
            return [body]
        if not isinstance(step, int):
            return self._moto(environ, start_response)
        with self._lock:
            self.on_their_way += 1
            self.most = max(self.most, self.on_their_way)
        self.begun.release()
        self.gate.wait(20)
        try:
            return self._moto(environ, start_response)
        finally:
            with self._lock:
                self.on_their_way -= 1
                self.arrived += int(environ["CONTENT_LENGTH"])


@pytest.fixture(scope="module")
def server():
    faults = Faults()
    server = werkzeug.make_server("127.0.0.1", 0, faults, True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    faults.url = f"http://127.0.0.1:{server.server_port}"
    yield faults
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def faults(server):
    server.reset()
    yield server
    server.fails = lambda step: None


@pytest.fixture
def s3(faults):
    with bucket_at(faults.url) as bucket:
        yield bucket


def rows(count):
    for i in range(count):
        yield {"id": i, "text": "x" * 10_000}


def dump_path(s3, key):
    rjson.dump_path(rows(2000), s3.url(key), storage_options=s3.options)


def write(s3, key):
    with rjson.Writer.open(s3.url(key), storage_options=s3.options) as writer:
        writer.write_all(rows(2000))


def arrow(s3, key):
    pyarrow = pytest.importorskip("pyarrow")
    write_ndjson(pyarrow.table({"text": ["x" * 10_000] * 2000}), s3.url(key), storage_options=s3.options)


@pytest.mark.parametrize("way", [dump_path, write, arrow])
@pytest.mark.parametrize("step", ["create", 1, 2, 3, "complete"])
def test_a_failing_step_aborts(s3, faults, way, step):
    """Of 20 MB in three parts any one, the beginning or the end: the store's error, the old object, no unfinished upload."""
    s3.client.put_object(Bucket=s3.name, Key="a.jsonl", Body=b"old")
    faults.fails = lambda found: "403 Forbidden" if found == step else None
    with pytest.raises(PermissionError):
        way(s3, "a.jsonl")
    assert s3.uploads() == []
    assert s3.list() == ["a.jsonl"]
    assert s3.read("a.jsonl") == b"old"


def test_a_passing_failure_is_passed(s3, faults):
    """A part that is refused once is sent again, by s3fs; the object is whole."""
    once = iter(["503 Slow Down"])
    faults.fails = lambda step: next(once, None) if step == 2 else None
    dump_path(s3, "a.json")
    assert list(once) == []
    assert rjson.loads(s3.read("a.json")) == list(rows(2000))
    assert s3.uploads() == []


def test_parts_in_flight_are_bounded(s3, faults):
    """A store that takes nothing holds the source: two parts on their way, one waiting; more is not even encoded."""
    faults.gate.clear()
    produced, most = 0, 0

    def source():
        nonlocal produced, most
        for row in rows(10_000):
            produced += 10_000
            most = max(most, produced - faults.arrived)
            yield row

    writing = threading.Thread(
        target=rjson.dump_path, args=(source(), s3.url("a.json")), kwargs={"storage_options": s3.options}
    )
    writing.start()
    for _ in range(2):
        assert faults.begun.acquire(timeout=20)
    time.sleep(0.3)  # whoever does not wait runs ahead
    assert faults.arrived == 0
    faults.gate.set()
    writing.join()
    assert faults.most == 2
    assert 16 * MIB < most < 26 * MIB
    assert len(s3.read("a.json")) > 100_000_000
