"""Every option does what the standard library's option of that name does, alone and combined, on every path; the others are
compared with small references."""

import collections
import io
import json
import math
import random
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rjson
from helpers import CHUNK_SIZES, STREAMS, check_everywhere
from rjson import compat

pytestmark = pytest.mark.isa

SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

text = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('"\\/\n\x00\x1f\x7fé中😀'), max_size=40)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | text
str_dicts = lambda values: st.dictionaries(text, values, max_size=6)  # noqa: E731
any_dicts = lambda values: st.dictionaries(  # noqa: E731
    text | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none(), values, max_size=6
)
documents = st.recursive(scalars, lambda v: st.lists(v, max_size=6) | str_dicts(v) | any_dicts(v), max_leaves=40)

separator = st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | st.sampled_from([",", ", ", ":", " : ", ",\n"])
indents = (
    st.none() | st.integers(-1, 9) | st.sampled_from(["", "\t", "--", " é", " " * 40, "ab" * 32]) | st.integers(60, 140)
)
options = st.fixed_dictionaries(
    {},
    optional={
        "indent": indents,
        "separators": st.tuples(separator, separator),
        "sort_keys": st.booleans(),
        "ensure_ascii": st.booleans(),
    },
)


def reference(obj, *, ensure_ascii=False, separators=None, indent=None, **others):
    """What json writes, given rjson's defaults."""
    separators = separators or ((",", ":") if indent is None else (",", ": "))
    return json.dumps(obj, ensure_ascii=ensure_ascii, separators=separators, indent=indent, **others)


def outcome(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except (TypeError, ValueError) as e:
        return TypeError if isinstance(e, TypeError) else ValueError


# ---- as json


@SLOW
@given(documents, options, st.sampled_from(CHUNK_SIZES), st.sampled_from(STREAMS))
def test_as_json_writes_it(obj, opts, chunk_size, stream):
    """indent, separators, sort_keys and ensure_ascii in any combination; unsortable keys are a TypeError in both."""
    expected = outcome(reference, obj, **opts)
    assert outcome(rjson.dumps, obj, **opts) == expected
    if expected is not TypeError:
        assert rjson.dumps_bytes(obj, **opts) == expected.encode()
        assert stream(obj, {"chunk_size": chunk_size, **opts}) == expected.encode()


odd_keys = st.dictionaries(text | st.integers() | st.tuples(st.integers()) | st.binary(max_size=2), scalars, max_size=6)


@SLOW
@given(st.lists(odd_keys | odd_keys.map(lambda d: {"in": d}), max_size=4), st.sampled_from([None, 2]), st.booleans())
def test_skipkeys(obj, indent, ascii_only):
    """Members whose keys have no text are left out. (json itself writes an empty line where all of an object's are.)"""

    def kept(value):
        if isinstance(value, dict):
            return {k: kept(v) for k, v in value.items() if isinstance(k, (str, int))}
        return [kept(v) for v in value] if isinstance(value, list) else value

    expected = reference(kept(obj), indent=indent, ensure_ascii=ascii_only)
    check = {"indent": indent, "ensure_ascii": ascii_only, "skipkeys": True}
    assert rjson.dumps(obj, **check) == expected
    assert b"".join(rjson.iterencode(obj, chunk_size=1, **check)) == expected.encode()


def test_a_key_without_text_is_an_error_that_names_it():
    with pytest.raises(rjson.EncodeError, match=r"keys must be str, int, float, bool or None, not tuple at \$\.a"):
        rjson.dumps({"a": {(1, 2): 3}})


def nested(depth):
    obj = [1, {"k": "v"}, []]
    for i in range(depth):
        obj = {"a": obj, "b": i} if i % 2 else [obj, i]
    return obj


@pytest.mark.parametrize("indent", [2, "\t", 0, 31, "abc", 500])
def test_deep_indentation(indent):
    """Line breaks far longer than what is kept at hand, across the native depth and every chunk."""
    check_everywhere(lambda: nested(150), reference(nested(150), indent=indent), indent=indent)


@pytest.mark.parametrize("indent", [3, 5, 17, 60])
@pytest.mark.parametrize("sort_keys", [False, True])
def test_line_breaks_just_short_enough(indent, sort_keys):
    """Windows that end anywhere, with line breaks as long as what is kept at hand: the brackets after the last members find room."""
    for depth in (1, 2, 11, 30, 37, 62):
        for length in (0, 1, 30, 63, 64, 65):
            obj = {"b" * length: "v" * length, "a" * (length + 1): 1, "list": []}
            for _ in range(depth):
                obj = {"k" * 64: obj, "a": "x" * length}
            expected = reference(obj, indent=indent, sort_keys=sort_keys).encode()
            for chunk_size in (512, 513, 600, 777):
                chunks = rjson.iterencode([obj] * 3, chunk_size=chunk_size, indent=indent, sort_keys=sort_keys)
                assert b"".join(chunks) == reference([obj] * 3, indent=indent, sort_keys=sort_keys).encode()
            assert rjson.dumps_bytes(obj, indent=indent, sort_keys=sort_keys) == expected


@pytest.mark.parametrize("separators", [(";", "="), (",\r\n  ", "\t:\t"), ("é", "中"), ("x" * 64, "y" * 64), ("", "")])
def test_separators(separators):
    obj = {"a": [1, 2, {"b": None}], "c": {}, "d": [[]], "e" * 100: "f" * 1000}
    check_everywhere(lambda: obj, reference(obj, separators=separators), separators=separators)
    check_everywhere(lambda: obj, reference(obj, separators=separators, indent=3), separators=separators, indent=3)


def test_separators_that_hold_commas_and_brackets():
    """What a separator looks like does not confuse the encoder about where it is."""
    obj = [[1, 2], {"a": 1, "b": []}, [], {}]
    for separators in [("[", ","), ("{", "["), (",,", ",")]:
        for indent in (None, 1, "[", ","):
            expected = reference(obj, separators=separators, indent=indent)
            assert rjson.dumps(obj, separators=separators, indent=indent) == expected


def test_lazy_arrays_are_laid_out_too():
    def lazily():
        yield {"a": iter([1, 2])}
        yield from [[], iter(()), "x"]

    expected = reference([{"a": [1, 2]}, [], [], "x"], indent=2)
    check_everywhere(lazily, expected, indent=2)
    check_everywhere(lambda: nested_iterators(80), reference(nested_lists(80), indent=3), indent=3)


def nested_iterators(depth):
    obj = 1
    for _ in range(depth):
        obj = iter([obj, 2])
    return obj


def nested_lists(depth):
    obj = 1
    for _ in range(depth):
        obj = [obj, 2]
    return obj


# ---- sort_keys


@pytest.mark.parametrize("count", [0, 1, 2, 12, 13, 24, 25, 100, 1000])
def test_sorted_by_code_points(count):
    rng = random.Random(count)
    alphabet = [
        "",
        "a",
        "b",
        "aa",
        "ab",
        "Z",
        "\x00",
        "a\x00",
        "é",
        "中",
        "\U0001f600",
        "\ue000",
        "prefix_of_8",
        "prefix_of_9",
    ]
    obj = {rng.choice(alphabet) + rng.choice(alphabet) + str(rng.randrange(count * 2)): i for i in range(count)}
    check_everywhere(lambda: obj, reference(obj, sort_keys=True), sort_keys=True)


def test_sorted_at_every_level_with_values_of_all_kinds():
    row = {"z": [1, {"b": 1, "a": {"d": None, "c": "x" * 300}}], "m": "é", "n" * 70: 2.5, 'q"': [], "b": {}, "a": True}
    obj = [dict(row), row, {"only": row}]
    check_everywhere(lambda: obj, reference(obj, sort_keys=True), sort_keys=True)
    check_everywhere(lambda: obj, reference(obj, sort_keys=True, indent=2), sort_keys=True, indent=2)


def test_the_order_of_one_dict_is_not_that_of_another():
    """Orders are remembered by keys: the same keys in another order, more of them, and others that look alike."""
    keys = [f"key{i}" for i in range(6)]
    for count in range(1, 7):
        for shift in range(count):
            order = keys[shift:count] + keys[:shift]
            obj = {k: i for i, k in enumerate(order)}
            assert rjson.dumps(obj, sort_keys=True) == reference(obj, sort_keys=True)
            alike = {(k + " ")[:-1]: i for i, k in enumerate(reversed(order))}
            assert rjson.dumps(alike, sort_keys=True) == reference(alike, sort_keys=True)


def test_keys_of_several_types_are_sorted_as_python_compares_them():
    obj = {2: "a", 1.5: "b", True: "c", -3: "d"}
    check_everywhere(lambda: obj, reference(obj, sort_keys=True), sort_keys=True)


def test_keys_that_cannot_be_compared():
    with pytest.raises(rjson.EncodeError, match=r"keys cannot be sorted: '<' not supported .* at \$\[1\]") as e:
        rjson.dumps([{}, {"a": 1, 2: 3}], sort_keys=True)
    assert e.value.path == "$[1]"


def test_sorting_a_dict_subclass_with_its_own_items():
    class Own(dict):
        def items(self):
            return [("b", 1), ("a", [{"d": 1, "c": 2}])]

    check_everywhere(lambda: Own(x=1), '{"a":[{"c":2,"d":1}],"b":1}', sort_keys=True)


def test_a_dict_that_changes_while_its_sorted_members_are_written():
    """The members are those it had; none is freed under the encoder."""
    inner = {f"k{i}": [object()] for i in range(8)}

    def default(obj):
        inner.clear()
        return "gone"

    assert rjson.dumps(inner, sort_keys=True, default=default) == json.dumps(
        {f"k{i}": ["gone"] for i in range(8)}, separators=(",", ":")
    )


class Angry(str):
    def __lt__(self, other):
        raise RuntimeError("not to be compared")


def test_what_a_comparison_raises_comes_out():
    with pytest.raises(RuntimeError, match="not to be compared"):
        rjson.dumps({Angry("a"): 1, Angry("b"): 2}, sort_keys=True)


# ---- numbers


def test_allow_nan():
    values = [math.nan, math.inf, -math.inf, 1.0]
    assert rjson.dumps(values, allow_nan=True) == json.dumps(values, separators=(",", ":"))
    check_everywhere(lambda: values, "[null,null,null,1.0]", allow_nan="null")
    for value, name in zip(values, ["NaN", "Infinity", "-Infinity"]):
        with pytest.raises(rjson.EncodeError, match=rf"float {name} is not JSON .* at \$\.a\[0\]"):
            rjson.dumps({"a": [value]})


@pytest.mark.parametrize("value", [2**53 - 1, -(2**53) + 1, 0, -1, True])
def test_integers_that_javascript_holds(value):
    assert rjson.dumps([value], integers="js-safe") == json.dumps([value])


@pytest.mark.parametrize("value", [2**53, -(2**53), 2**63, 2**64, -(2**64), 10**30, 10**400])
def test_integers_that_javascript_rounds(value):
    assert rjson.dumps([value], integers="exact") == f"[{value}]"
    with pytest.raises(rjson.EncodeError, match=r"beyond what JavaScript holds exactly.* at \$\.x\[1\]"):
        rjson.dumps({"x": [0, value]}, integers="js-safe")


# ---- members


def without_none(value):
    if isinstance(value, dict):
        return {k: without_none(v) for k, v in value.items() if v is not None}
    return [without_none(v) for v in value] if isinstance(value, list) else value


@SLOW
@given(documents, st.booleans(), st.sampled_from([None, 1]))
def test_omit_none(obj, sort_keys, indent):
    expected = outcome(reference, without_none(obj), sort_keys=sort_keys, indent=indent)
    if expected is TypeError:
        return
    try:
        got = rjson.dumps(obj, omit_none=True, sort_keys=sort_keys, indent=indent)
    except rjson.EncodeError:
        assert sort_keys  # a key that only a None belonged to could not be compared
        return
    assert got == expected
    assert (
        b"".join(rjson.iterencode(obj, chunk_size=1, omit_none=True, sort_keys=sort_keys, indent=indent))
        == expected.encode()
    )


def test_omit_none_leaves_arrays_alone():
    check_everywhere(lambda: [None, {"a": None, "b": [None]}], '[null,{"b":[null]}]', omit_none=True)


Point = collections.namedtuple("Point", "x y")


class Tagged(tuple):
    __slots__ = ()


def test_namedtuple():
    obj = [Point(1, Point("é", [None])), Tagged((1, 2)), (3,)]
    check_everywhere(lambda: obj, '[[1,["é",[null]]],[1,2],[3]]')
    check_everywhere(lambda: obj, '[{"x":1,"y":{"x":"é","y":[null]}},[1,2],[3]]', namedtuple="object")


def test_sets():
    assert sorted(json.loads(rjson.dumps({1, 2, 3}, sets="array"))) == [1, 2, 3]
    assert rjson.dumps([frozenset(), {"x"}], sets="array") == '[[],["x"]]'
    for value in ({1}, frozenset({1})):
        with pytest.raises(rjson.EncodeError, match="set is not JSON serializable"):
            rjson.dumps(value)
    assert rjson.dumps({3}, default=list) == "[3]"


# ---- text


@pytest.mark.parametrize("policy", ["error", "escape", "replace", "pass"])
@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("lone", ["\ud800", "\udfff", "\udc00x", "x" * 700 + "\udbff", "😀\ud800😀", "\ud83d\ude00"])
def test_surrogates(policy, ascii_only, lone):
    opts = {"surrogates": policy, "ensure_ascii": ascii_only}
    if policy == "error":
        with pytest.raises(rjson.EncodeError, match=r"lone surrogate '\\u....' at index \d+ .* at \$\.k"):
            rjson.dumps({"k": lone}, **opts)
        return
    escaped = "".join(f"\\u{ord(c):04x}" if 0xD800 <= ord(c) < 0xE000 else c for c in lone)
    replaced = "".join("\ufffd" if 0xD800 <= ord(c) < 0xE000 else c for c in lone)
    if ascii_only:
        expected = json.dumps([lone if policy != "replace" else replaced, 1], separators=(",", ":"))
    else:
        expected = f'["{ {"escape": escaped, "replace": replaced, "pass": lone}[policy] }",1]'
    assert rjson.dumps([lone, 1], **opts) == expected
    encoded = expected.encode("utf-8", "surrogatepass")
    for chunk_size in CHUNK_SIZES:
        assert b"".join(rjson.iterencode([lone, 1], chunk_size=chunk_size, **opts)) == encoded
    fp = io.StringIO()
    rjson.dump([lone, 1], fp, **opts)
    assert fp.getvalue() == expected


@SLOW
@given(st.text(st.characters() | st.sampled_from("\ud800\udfff\U0001f600é\x00"), max_size=200), st.sampled_from(CHUNK_SIZES))
def test_ensure_ascii_as_json_with_any_text(value, chunk_size):
    expected = json.dumps(value)
    opts = {"ensure_ascii": True, "surrogates": "pass"}
    assert rjson.dumps(value, **opts) == expected
    assert b"".join(rjson.iterencode(value, chunk_size=chunk_size, **opts)) == expected.encode()


def test_append_newline():
    check_everywhere(lambda: [1], "[1]\n", append_newline=True)
    check_everywhere(lambda: "x", '"x"\n', append_newline=True)
    check_everywhere(lambda: {"a": []}, '{\n "a": []\n}\n', append_newline=True, indent=1)


def test_text_files_translate_line_breaks(tmp_path):
    """A text file that was opened with another line end gets it, as from json."""
    with open(tmp_path / "f", "w", newline="\r\n", encoding="utf-8") as f:
        rjson.dump([1, 2], f, indent=1, append_newline=True)
    assert (tmp_path / "f").read_bytes() == b"[\r\n 1,\r\n 2\r\n]\r\n"


# ---- wrong ones


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"indents": 2}, TypeError, "unexpected keyword argument 'indents'"),
        ({"indent": 1.5}, TypeError, "indent must be an int, a str or None, not float: 1.5"),
        ({"indent": "x" * 65}, ValueError, "indent must be at most 64 bytes in UTF-8, not 65"),
        ({"separators": ","}, TypeError, "separators must be a pair"),
        ({"separators": (",", 1)}, TypeError, "the separator after keys must be str, not int: 1"),
        (
            {"separators": ("é" * 33, ":")},
            ValueError,
            "the separator between items must be at most 64 bytes in UTF-8, not 66",
        ),
        ({"allow_nan": "NULL"}, ValueError, "allow_nan must be 'null', not 'NULL'"),
        ({"surrogates": "ignore"}, ValueError, "surrogates must be 'error', 'escape', 'replace' or 'pass', not 'ignore'"),
        ({"integers": "js"}, ValueError, "integers must be 'exact', 'js-safe', 'int64' or 'string', not 'js'"),
        ({"decimal": float}, ValueError, "decimal must be 'number' or 'string', not <class 'float'>"),
        ({"timedelta": "ms"}, ValueError, "timedelta must be 'iso' or 'seconds', not 'ms'"),
        ({"namedtuple": True}, ValueError, "namedtuple must be 'array' or 'object', not True"),
        ({"sets": "list"}, ValueError, "sets must be 'error' or 'array', not 'list'"),
        (
            {"passthrough": "enum"},
            TypeError,
            "passthrough must be a collection of names, or True for all, not a str: 'enum'",
        ),
        ({"passthrough": ["enums"]}, ValueError, "a name in passthrough must be 'dataclass'.* not 'enums'"),
        ({"passthrough": 1}, TypeError, "not iterable"),
        ({"max_depth": 0}, ValueError, "max_depth must be at least 1, not 0"),
        ({"default": 1}, TypeError, "default must be callable or None, not int: 1"),
    ],
)
def test_wrong_options_are_errors_that_name_them(wrong, error, message):
    for function in (rjson.dumps, rjson.dumps_bytes, rjson.iterencode):
        with pytest.raises(error, match=message):
            function(1, **wrong)
    with pytest.raises(error, match=message):
        rjson.Encoder(**wrong)
    with pytest.raises(error, match=message):
        rjson.dump(1, io.BytesIO(), **wrong)


def test_options_whose_truth_cannot_be_told():
    class Untrue:
        def __bool__(self):
            raise ZeroDivisionError

    for name in ("sort_keys", "skipkeys", "omit_none", "ensure_ascii", "allow_nan", "append_newline", "utc_z"):
        with pytest.raises(ZeroDivisionError):
            rjson.dumps(1, **{name: Untrue()})


def test_an_encoder_shows_its_options():
    encoder = rjson.Encoder(indent=2, sort_keys=True)
    assert repr(encoder) == "Encoder(indent=2, sort_keys=True)"
    assert dict(encoder.options) == {"indent": 2, "sort_keys": True}
    with pytest.raises(TypeError):
        encoder.options["indent"] = 3
    assert repr(rjson.Encoder()) == "Encoder()"


def test_an_indent_has_a_bound():
    """A line break is made in memory; beyond what a level can have it is an error at once, of any size of int."""
    assert rjson.dumps([1], indent=1024) == "[\n" + " " * 1024 + "1\n]"
    for indent in (1025, 10**9, 10**30):
        with pytest.raises(ValueError, match="indent must be at most 1024, not"):
            rjson.dumps([1], indent=indent)
    assert rjson.dumps([1], indent=-(10**30)) == "[\n1\n]"
    assert compat.dumps([1], indent=1025) == "[\n" + " " * 1025 + "1\n]"


def test_a_deep_indentation_hears_signals():
    code = (
        "import signal, rjson, threading, _thread, sys\n"
        "obj = []\n"
        "for _ in range(50_000): obj = [obj]\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background of some shells\n"
        "threading.Timer(0.5, _thread.interrupt_main).start()\n"
        "class Null:\n"
        "    def write(self, data): pass\n"
        "try: rjson.dump(obj, Null(), indent=1024)\n"
        "except KeyboardInterrupt: print('heard')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "heard\n", done.stderr
