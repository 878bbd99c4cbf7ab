"""rjson.compat against the json module: every argument, on every kind of document, the text or the exception and its message."""

import collections
import datetime
import enum
import io
import json
import math
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rjson import compat

pytestmark = pytest.mark.isa

SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

any_text = st.text(max_size=30) | st.text(st.sampled_from('\ud800\udfff\x7f\x00"\\/é中😀'), max_size=10)
any_scalar = st.none() | st.booleans() | st.integers() | st.floats() | any_text
any_key = (
    any_text | st.integers() | st.floats() | st.booleans() | st.none() | st.tuples(st.integers()) | st.binary(max_size=2)
)
odd = st.sampled_from([1j, b"bytes", {1}, datetime.date(2024, 1, 1), range(3), object])
documents = st.recursive(
    any_scalar | odd,
    lambda v: st.lists(v, max_size=5) | st.dictionaries(any_key, v, max_size=5) | st.tuples(v, v),
    max_leaves=25,
)
separator = st.text(max_size=4) | st.sampled_from([",", ", ", ": "]) | st.text("xé", min_size=60, max_size=70)
arguments = st.fixed_dictionaries(
    {},
    optional={
        "skipkeys": st.booleans(),
        "ensure_ascii": st.booleans(),
        "check_circular": st.booleans(),
        "allow_nan": st.booleans(),
        "indent": st.none() | st.integers(-1, 5) | st.sampled_from(["\t", "", "é", "x" * 70, True]),
        "separators": st.none() | st.tuples(separator, separator),
        "default": st.sampled_from([None, str, repr, lambda o: [1, {"a": None}]]),
        "sort_keys": st.booleans(),
    },
)


def outcome(function, *args, **kwargs):
    """The result, or the exception: its type and what it says."""
    try:
        return function(*args, **kwargs)
    except RecursionError:
        return RecursionError
    except Exception as e:
        return type(e), str(e)


def is_quirk(obj, options):
    """json writes an empty line where skipkeys leaves nothing of an object."""
    return options.get("skipkeys") and options.get("indent") is not None


def written(module, obj, options, fp):
    module.dump(obj, fp, **options)
    return fp.getvalue()


@SLOW
@given(documents, arguments)
def test_every_argument(obj, options):
    expected = outcome(json.dumps, obj, **options)
    if not is_quirk(obj, options):
        assert outcome(compat.dumps, obj, **options) == expected
        in_pieces = outcome(written, json, obj, options, io.StringIO())
        assert outcome(written, compat, obj, options, io.StringIO()) == in_pieces
        assert outcome(lambda: "".join(compat.JSONEncoder(**options).iterencode(obj))) == in_pieces
        assert outcome(compat.JSONEncoder(**options).encode, obj) == expected


@SLOW
@given(documents)
def test_the_defaults(obj):
    assert outcome(compat.dumps, obj) == outcome(json.dumps, obj)


@pytest.mark.parametrize("obj", [{(1,): 2}, [{b"x": 1}], {"a": {(): []}, "b": 1}, {(1,): 1, "z": {(2,): 2}}])
def test_an_object_whose_keys_are_all_skipped(obj):
    assert json.loads(compat.dumps(obj, skipkeys=True, indent=2)) == json.loads(json.dumps(obj, skipkeys=True, indent=2))
    assert compat.dumps(obj, skipkeys=True) == json.dumps(obj, skipkeys=True)


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize(
    "value",
    [
        1j,
        Colour.RED,
        datetime.date(2024, 1, 1),
        iter([1]),
        (x for x in ()),
        {1},
        collections.deque([1]),
        collections.UserDict(),
        b"",
        object,
    ],
    ids=lambda v: type(v).__name__,
)
def test_types_that_json_does_not_know(value):
    """Also those that rjson knows: the exception of json, or `default`."""
    expected = outcome(json.dumps, [value])
    assert outcome(compat.dumps, [value]) == expected
    assert expected[0] is TypeError
    assert compat.dumps([value], default=lambda o: "D") == '["D"]'
    assert compat.dumps(compat_named(), default=lambda o: "D") == json.dumps(compat_named())


def compat_named():
    return collections.namedtuple("P", "x y")(1, [2])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("obj", [lambda v: v, lambda v: [v], lambda v: {"a": v}, lambda v: {v: 1}])
def test_floats_that_are_no_json(value, obj):
    assert compat.dumps(obj(value)) == json.dumps(obj(value))
    assert outcome(compat.dumps, obj(value), allow_nan=False) == outcome(json.dumps, obj(value), allow_nan=False)


@pytest.mark.parametrize("check", [True, False])
def test_circular_references(check):
    obj = {"a": []}
    obj["a"].append(obj)
    assert outcome(compat.dumps, obj, check_circular=check) == outcome(json.dumps, obj, check_circular=check)


class Wrapped:
    def __init__(self, value):
        self.value = value


class Subclassed:
    """The same subclass for both modules."""

    def default(self, o):
        if isinstance(o, Wrapped):
            return {"value": o.value, "type": "Wrapped"}
        return super().default(o)


def subclass(module, *bases):
    return type("Sub", (*bases, Subclassed, module.JSONEncoder), {})


@pytest.mark.parametrize("options", [{}, {"indent": 1}, {"sort_keys": True, "separators": ("|", "~")}])
def test_subclasses_with_default(options):
    obj = [Wrapped(Wrapped([1, "é"])), {"x": Wrapped(None)}]
    expected = json.dumps(obj, cls=subclass(json), **options)
    assert compat.dumps(obj, cls=subclass(compat), **options) == expected
    assert compat.dumps(obj, cls=subclass(json), **options) == expected
    assert "".join(subclass(compat)(**options).iterencode(obj)) == expected
    fp = io.StringIO()
    compat.dump(obj, fp, cls=subclass(compat), **options)
    assert fp.getvalue() == expected
    assert outcome(compat.dumps, [1j], cls=subclass(compat)) == outcome(json.dumps, [1j], cls=subclass(json))


def test_subclasses_with_iterencode_or_encode():
    class Shouting(compat.JSONEncoder):
        def iterencode(self, o, _one_shot=False):
            for part in super().iterencode(o, _one_shot):
                yield part.upper()

    class Framed(compat.JSONEncoder):
        def encode(self, o):
            return "<" + super().encode(o) + ">"

    assert compat.dumps({"a": "b"}, cls=Shouting) == '{"A": "B"}'
    assert compat.dumps({"a": "b"}, cls=Framed) == '<{"a": "b"}>'
    fp = io.StringIO()
    compat.dump({"a": "b"}, fp, cls=Shouting)
    assert fp.getvalue() == '{"A": "B"}'


def test_encoders_are_those_of_json():
    """isinstance, attributes and their change after the fact."""
    encoder = compat.JSONEncoder(indent=2)
    assert isinstance(encoder, json.JSONEncoder)
    assert (encoder.item_separator, encoder.key_separator) == (",", ": ")
    encoder.indent = None
    encoder.sort_keys = True
    assert encoder.encode({"b": [1, 2], "a": 0}) == '{"a": 0,"b": [1,2]}'


def test_unknown_arguments():
    with pytest.raises(TypeError, match="unexpected keyword argument 'nope'"):
        compat.dumps(1, nope=2)


def test_iterencode_is_lazy_and_small():
    """Pieces come as they are asked for, each of bounded size."""
    seen = []

    def default(o):
        seen.append(o)
        return "x" * 1000

    pieces = compat.JSONEncoder(default=default).iterencode([1j] * 1000)
    assert not seen
    first = next(pieces)
    assert 0 < len(seen) < 200
    assert len(first) <= 65536
    assert first + "".join(pieces) == json.dumps(["x" * 1000] * 1000)


def test_dump_to_files(tmp_path):
    obj = [{"a": "é\n", "b": [1.5, None]}] * 5000
    for kwargs in (
        {"encoding": "utf-8"},
        {"encoding": "utf-16"},
        {"encoding": "ascii"},
        {"encoding": "utf-8", "newline": "\r\n"},
    ):
        for options in ({}, {"indent": 1}):
            for module in (json, compat):
                with open(tmp_path / module.__name__, "w", **kwargs) as f:
                    f.write("before ")
                    module.dump(obj, f, **options)
                    f.write(" after")
            assert (tmp_path / "rjson.compat").read_bytes() == (tmp_path / "json").read_bytes()


def test_dump_of_what_the_file_cannot_hold(tmp_path):
    for module in (json, compat):
        with (
            open(tmp_path / "f", "w", encoding="utf-8") as f,
            pytest.raises(UnicodeEncodeError, match="surrogates not allowed"),
        ):
            module.dump(["\ud800"], f, ensure_ascii=False)
            f.flush()
    for module in (json, compat):
        with pytest.raises(TypeError, match="bytes-like object is required, not 'str'"):
            module.dump([1], io.BytesIO())


def test_dump_to_anything_with_write():
    class Collector:
        def __init__(self):
            self.parts = []

        def write(self, part):
            assert type(part) is str
            self.parts.append(part)

    collector = Collector()
    obj = ["é" * 100_000, {"a": 1}]
    assert compat.dump(obj, collector, ensure_ascii=False) is None
    assert "".join(collector.parts) == json.dumps(obj, ensure_ascii=False)
    assert max(map(len, collector.parts)) <= 65536


def test_reading_is_there_too():
    assert compat.loads('{"a": [1.5, null]}') == {"a": [1.5, None]}
    assert compat.load(io.StringIO("[1]")) == [1]
    assert compat.JSONDecoder().decode("{}") == {}
    with pytest.raises(compat.JSONDecodeError):
        compat.loads("[")
    assert compat.detect_encoding(b"{}") == "utf-8"


def test_it_is_there_when_asked_for():
    """As an attribute too; and a program that does not ask has not imported json."""
    code = "import sys, rjson; assert 'json' not in sys.modules; print(rjson.compat.dumps([1, 2]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[1, 2]\n", "")


@pytest.mark.skipif(sys.version_info < (3, 15), reason="json has array_hook since 3.15")
def test_array_hook():
    """It is asked as json's is, in every way to give it."""
    text = '{"a": [1, []], "b": [[2]]}'
    for module in (json, compat):
        assert module.loads(text, array_hook=tuple) == {"a": (1, ()), "b": ((2,),)}
        assert module.load(io.StringIO(text), array_hook=len, object_hook=list) == ["a", "b"]
        assert module.JSONDecoder(array_hook=tuple).decode("[[], 1]") == ((), 1)


def test_array_hook_is_handed_on(monkeypatch):
    """A decoder of the standard library that has one: simulated where it has none yet."""
    init = json.JSONDecoder.__init__

    def with_array_hook(self, *, array_hook=None, **arguments):
        init(self, **arguments)
        self.array_hook = array_hook

    monkeypatch.setattr(json.JSONDecoder, "__init__", with_array_hook)
    assert compat.loads('{"a": [1, []]}', array_hook=tuple) == {"a": (1, ())}
    assert compat.load(io.StringIO("[[1]]"), array_hook=tuple) == ((1,),)
    assert compat.JSONDecoder(array_hook=len).decode("[[], 1]") == 2


@pytest.mark.skipif(sys.version_info < (3, 14), reason="json adds notes since 3.14")
@pytest.mark.parametrize(
    "document",
    [object(), [1, (2, {"a": [object()]})], {1: {None: {True: object()}}}, [float("nan")], {"a": {(): 1}}, {"k": [{1: 1j}]}],
)
def test_notes_say_where_in_the_document(document):
    """Those of json, word for word: of a type it does not know, a bad key, a circle, and what `default` raises."""

    def default(obj):
        if isinstance(obj, complex):
            return [obj.imag, [obj.real, ...]]
        raise LookupError(obj)

    circle = [0, {"again": None}]
    circle[1]["again"] = circle
    for doc, options in ((document, {}), (document, {"default": default}), ([document, circle], {"default": repr})):
        notes = []
        for module in (json, compat):
            with pytest.raises((TypeError, ValueError, LookupError)) as caught:
                module.dumps(doc, allow_nan=False, **options)
            notes.append((type(caught.value), getattr(caught.value, "__notes__", None)))
        assert notes[0] == notes[1]


@pytest.mark.filterwarnings("ignore:.*__version__:DeprecationWarning")
def test_version_is_that_of_the_module_it_stands_for():
    """And what there is not is an AttributeError."""
    assert compat.__version__ == json.__version__
    with pytest.raises(AttributeError, match=r"module 'rjson.compat' has no attribute 'nothing'"):
        compat.nothing  # noqa: B018
