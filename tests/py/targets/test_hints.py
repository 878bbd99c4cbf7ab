"""Errors that say what to call instead."""

import io
import pathlib
import socket

import pytest

import rjson
import rjson.aio


@pytest.mark.parametrize("path", ["rows.json", b"rows.json", pathlib.Path("rows.json")])
async def test_a_path_where_a_file_is_wanted(path):
    """Every function names the one that takes paths."""
    for call, instead in (
        (lambda: rjson.dump([1], path), r"rjson\.dump_path\(obj, path\)"),
        (lambda: rjson.dump_to([1], path), r"rjson\.dump_path\(obj, path\)"),
        (lambda: rjson.load(path), r"rjson\.load_path\(path\)"),
        (lambda: rjson.iterload(path), r"rjson\.iterload_path\(path\)"),
        (lambda: rjson.aio.iterload(path), r"rjson\.iterload_path\(path\)"),
    ):
        with pytest.raises(TypeError, match=instead):
            call()
    with pytest.raises(TypeError, match=r"rjson\.dump_path\(obj, path\)"):
        await rjson.aio.dump([1], path)


def test_a_text_or_a_file_where_the_other_is_wanted():
    with pytest.raises(TypeError, match=r"rjson\.loads\(text\) reads a text"):
        rjson.load("[1]")
    with pytest.raises(TypeError, match=r"rjson\.load\(fp\) reads from a file"):
        rjson.loads(io.StringIO("[1]"))
    with pytest.raises(TypeError, match=r"rjson\.load_path\(path\)"):
        rjson.loads(pathlib.Path("rows.json"))
    with pytest.raises(TypeError, match="takes a file, not list") as caught:
        rjson.load([1])
    assert "rjson." not in str(caught.value)


def test_a_descriptor_or_a_socket_where_a_file_is_wanted():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for target in (ours, ours.fileno()):
            with pytest.raises(TypeError, match=r"rjson\.dump_to\(obj, (sock|fd)\)"):
                rjson.dump([1], target)


async def _rows():
    yield 1


async def _row():
    return 1


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (object, "pass default=, for example default=str"),
        (_rows, "rjson.aio writes async iterators"),
        (_row, "await it first"),
        (lambda: {1}, 'pass sets="array"'),
        (lambda: b"x", "pass default=, for example default=bytes.decode"),
    ],
)
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_what_cannot_be_encoded(make, advice):
    """The place comes first, then what to do."""
    with pytest.raises(rjson.EncodeError) as caught:
        rjson.dumps({"a": [make()]})
    assert str(caught.value).endswith(f" is not JSON serializable at $.a[0]: {advice}")
    assert caught.value.path == "$.a[0]"
    assert caught.value.reason.endswith("is not JSON serializable")


def test_advice_is_true():
    assert rjson.dumps([{1}], sets="array") == "[[1]]"
    assert rjson.dumps([b"x"], default=bytes.decode) == '["x"]'
    assert rjson.dumps([1j], default=str) == '["1j"]'
