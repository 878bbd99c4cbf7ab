"""A server that speaks S3 on loopback, and clusters of real processes."""

import pytest
from buckets import bucket_at


@pytest.fixture(scope="session")
def endpoint():
    """The URL of moto's S3 server."""
    moto = pytest.importorskip("moto.server")
    pytest.importorskip("s3fs")
    server = moto.ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(endpoint):
    """A fresh bucket."""
    with bucket_at(endpoint) as bucket:
        yield bucket
