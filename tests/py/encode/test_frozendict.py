"""frozendict, which came with 3.15 (PEP 814): a mapping that json writes, and that is no dict."""

import builtins
import json

import pytest

import rjson
from helpers import CHUNK_SIZES, STREAMS, check_everywhere, stdlib
from rjson import compat

frozendict = getattr(builtins, "frozendict", None)
pytestmark = [pytest.mark.isa, pytest.mark.skipif(frozendict is None, reason="frozendict came with 3.15")]


def document():
    class Sub(frozendict):
        pass

    inner = frozendict({"a": [1, frozendict()], "é": Sub(x=None), 5: frozendict({1.5: ()})})
    return [frozendict(inner), {"k": inner}, Sub(b=1, a=[inner] * 50)]


def test_as_json_writes_it():
    """Subclasses too, in each other, as a value, an item and the document itself."""
    check_everywhere(document, stdlib(document()))


@pytest.mark.parametrize("options", [{"indent": 2}, {"sort_keys": True}, {"ensure_ascii": True}])
def test_with_options(options):
    """In every layout."""
    doc = [frozendict(b=1, a=frozendict(c=frozendict()))] * 3
    separators = {} if "indent" in options else {"separators": (",", ":")}
    expected = json.dumps(doc, **{"ensure_ascii": False, **separators, **options})
    assert rjson.dumps(doc, **options) == expected


@pytest.mark.parametrize("stream", STREAMS)
def test_in_chunks_of_any_size(stream):
    """What is too large for a chunk goes on in the next."""
    doc = document() * 20
    for chunk_size in CHUNK_SIZES:
        assert stream(doc, {"chunk_size": chunk_size}) == stdlib(doc).encode()


def test_subclass_with_items_of_its_own():
    """They are what is written, as json does."""

    class Shouting(frozendict):
        def items(self):
            return [(key.upper(), value) for key, value in super().items()]

    assert rjson.dumps(Shouting(a=1)) == json.dumps(Shouting(a=1), separators=(",", ":"))


def test_the_drop_in():
    """compat writes them as json does, and sends nothing to `default`."""

    def refuse(obj):
        raise AssertionError(obj)

    assert compat.dumps(document(), default=refuse, indent=1) == json.dumps(document(), indent=1)


def test_passthrough_of_subclasses():
    """A subclass goes to `default` if that is asked for; a frozendict itself does not."""

    class Sub(frozendict):
        pass

    assert rjson.dumps([frozendict(a=1), Sub()], passthrough={"subclass"}, default=lambda _: "sub") == '[{"a":1},"sub"]'


def test_errors_name_the_place():
    """The path has its keys."""
    with pytest.raises(rjson.EncodeError, match=r"at \$\.a\[0\]\.b"):
        rjson.dumps(frozendict(a=[frozendict(b=object())]))
