"""Types that JSON has no name for: each as its own library, or the standard library, spells it."""

from __future__ import annotations

import array
import collections
import copy
import dataclasses
import datetime
import decimal
import enum
import gc
import json
import pathlib
import subprocess
import sys
import typing
import uuid
import weakref
import zoneinfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rjson
from helpers import CHUNK_SIZES, STREAMS, UNDER_ASAN, check_everywhere, stdlib

pytestmark = pytest.mark.isa

UTC = datetime.timezone.utc


def decoded(obj, **options):
    return json.loads(rjson.dumps(obj, **options))


# ---- dataclasses


@dataclasses.dataclass
class Plain:
    id: int
    name: str = "unnamed"
    tags: list = dataclasses.field(default_factory=list, metadata={"json": "ignored"})
    _private: float = 1.5
    shared: typing.ClassVar[int] = 7
    seed: dataclasses.InitVar[int] = 0


@dataclasses.dataclass(slots=True, frozen=True)
class Slots:
    id: int
    child: object = None
    note: str = 'with "quotes" and \n'


@dataclasses.dataclass
class Derived(Plain):
    extra: object = None
    key_that_is_longer_than_sixty_four_characters_and_so_takes_another_way: int = 1


@dataclasses.dataclass(slots=True)
class DerivedSlots(Plain):
    more: int = 2


def make_records():
    return [
        Plain(1),
        Plain(2, "é中😀", [Slots(1, Plain(3)), {"k": Slots(2)}]),
        Derived(4, extra=[Slots(5, child=Derived(6))]),
        DerivedSlots(7),
        {"in a dict": Slots(8)},
    ]


def as_dicts(value):
    """dataclasses.asdict for a whole document."""
    if dataclasses.is_dataclass(value):
        return {k: as_dicts(v) for k, v in dataclasses.asdict(value).items()}
    if isinstance(value, dict):
        return {k: as_dicts(v) for k, v in value.items()}
    return [as_dicts(v) for v in value] if isinstance(value, list) else value


def test_dataclasses_have_the_fields_of_asdict():
    check_everywhere(make_records, stdlib(as_dicts(make_records())))


@pytest.mark.parametrize("options", [{"indent": 2}, {"sort_keys": True}, {"omit_none": True}, {"ensure_ascii": True}])
def test_dataclasses_with_options(options):
    dicts = as_dicts(make_records())
    expected = rjson.dumps(dicts, **options)
    check_everywhere(make_records, expected, **options)


def test_a_dataclass_whose_dict_was_looked_at_or_changed():
    """However the interpreter keeps the attributes: fresh, with a dict, in another order, with others before them."""
    objs = [Plain(i, f"n{i}") for i in range(5)]
    _ = objs[1].__dict__
    objs[2].__dict__ = {"tags": [], "name": "n2", "id": 2, "_private": 1.5, "other": 1}
    del objs[3].name
    objs[3].name = "n3"
    objs[4].__dict__.update({f"k{i}": i for i in range(50)})
    assert decoded(objs) == [dataclasses.asdict(o) for o in objs]
    assert decoded(objs) == [dataclasses.asdict(o) for o in objs]


def test_attributes_that_are_computed():
    """A property, a class's default, and __getattribute__ are asked as getattr asks them."""

    @dataclasses.dataclass
    class Computed:
        a: int = 1
        b: int = 2

        def __getattribute__(self, name):
            return {"a": "asked"}.get(name) or object.__getattribute__(self, name)

    @dataclasses.dataclass(init=False)
    class Lazy:
        a: int = 5
        b: list = None

    class WithProperty(Lazy):
        @property
        def b(self):
            return ["property"]

    assert (
        rjson.dumps([Computed(), Lazy(), WithProperty()])
        == '[{"a":"asked","b":2},{"a":5,"b":null},{"a":5,"b":["property"]}]'
    )


def test_a_field_without_a_value_is_named():
    @dataclasses.dataclass(slots=True, init=False)
    class Unset:
        there: int
        missing: int

    obj = Unset()
    obj.there = 1
    with pytest.raises(AttributeError, match="missing") as e:
        rjson.dumps({"x": [obj]})
    assert any("$.x[0].missing" in note for note in e.value.__notes__)


def test_circular_dataclasses():
    obj = Plain(1)
    obj.tags.append({"again": obj})
    with pytest.raises(rjson.EncodeError, match=r"circular reference to a Plain at \$\.tags\[0\]\.again"):
        rjson.dumps(obj)


def test_a_class_that_becomes_a_dataclass():
    """What is known of a class is forgotten when it changes."""

    class Later:
        x: int = 1

    assert rjson.dumps(Later(), default=lambda o: "default") == '"default"'
    dataclasses.dataclass(Later)
    assert rjson.dumps(Later(), default=lambda o: "default") == '{"x":1}'


@pytest.mark.skipif(UNDER_ASAN, reason="imports many modules")
def test_classes_are_not_kept_alive():
    def use():
        cls = dataclasses.make_dataclass("Temporary", ["a"])
        assert rjson.dumps(cls(1)) == '{"a":1}'
        return weakref.ref(cls)

    refs = [use() for _ in range(600)]
    gc.collect()
    assert not [r for r in refs if r() is not None]


def test_a_property_that_changes_the_document():
    """Nothing is freed under the encoder."""
    document = []

    class Evil:
        def __get__(self, obj, cls):
            document.clear()
            gc.collect()
            return ["x" * 50]

    @dataclasses.dataclass(init=False)
    class Victim:
        a: list
        b: list

    Victim.b = Evil()
    victim = Victim()
    victim.a = ["y" * 50]
    document.extend([[victim], victim])
    del victim
    assert rjson.dumps(document) == '[[{"a":["' + "y" * 50 + '"],"b":["' + "x" * 50 + '"]}]]'


def test_an_object_that_is_changed_while_it_is_written():
    """Each field is what it is when its turn comes, wherever the interpreter keeps it by then."""

    @dataclasses.dataclass
    class Shifty:
        a: object
        b: object = "b"
        c: object = "c"

    def default(obj):
        if obj == 1j:
            shifty.__dict__ = {"c": ["new c"], "x": 1, "b": "new b" * 20, "a": None}
        else:
            shifty.__dict__.clear()
            shifty.__dict__.update({f"k{i}": i for i in range(100)}, c=[["newest"]])
        gc.collect()
        return "done"

    for trigger, expected in ((1j, '"b":"' + "new b" * 20 + '","c":["new c"]'), (2j, None)):
        shifty = Shifty([trigger])
        if expected:
            assert rjson.dumps([shifty], default=default) == '[{"a":["done"],' + expected + "}]"
        else:
            with pytest.raises(AttributeError, match="b"):
                del Shifty.b
                rjson.dumps([shifty], default=default)


# ---- enums


class Colour(enum.Enum):
    RED = "red"
    BOX = (1, [2])
    NOTHING = None
    LAZY = Slots(1)


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Level(enum.IntEnum):
    LOW = 1


class Name(str, enum.Enum):
    A = "a"


def test_enums_are_their_values():
    obj = [
        Colour.RED,
        Colour.BOX,
        Colour.NOTHING,
        Colour.LAZY,
        Access.READ | Access.WRITE,
        Level.LOW,
        Name.A,
        {"k": Access.READ},
    ]
    check_everywhere(lambda: obj, stdlib(["red", [1, [2]], None, dataclasses.asdict(Slots(1)), 3, 1, "a", {"k": 1}]))


# ---- dates and times

zones = st.sampled_from(
    [
        None,
        UTC,
        datetime.timezone(datetime.timedelta(hours=-3, minutes=-30)),
        zoneinfo.ZoneInfo("Europe/Berlin"),
        zoneinfo.ZoneInfo("UTC"),
    ]
)


@settings(deadline=None)
@given(
    st.lists(st.datetimes(min_value=datetime.datetime(1900, 1, 1), timezones=zones) | st.dates() | st.times(), max_size=20)
)
def test_dates_and_times_as_isoformat(values):
    assert decoded(values) == [v.isoformat() for v in values]
    assert (
        rjson.dumps_bytes({v: v for v in values})
        == json.dumps({v.isoformat(): v.isoformat() for v in values}, separators=(",", ":")).encode()
    )


def test_datetime_choices():
    aware = datetime.datetime(2024, 2, 29, 1, 2, 3, 40, UTC)
    naive = datetime.datetime(2024, 2, 29, 1, 2, 3, 40)
    offset = naive.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=5)))
    values = [aware, naive, offset, naive.time(), aware.timetz()]
    check_everywhere(
        lambda: values,
        '["2024-02-29T01:02:03Z","2024-02-29T01:02:03Z","2024-02-29T01:02:03+05:00","01:02:03Z","01:02:03Z"]',
        utc_z=True,
        naive_utc=True,
        omit_microseconds=True,
    )
    assert rjson.dumps(naive, naive_utc=True) == '"2024-02-29T01:02:03.000040+00:00"'
    assert rjson.dumps(aware, utc_z=True) == '"2024-02-29T01:02:03.000040Z"'
    assert rjson.dumps(naive, utc_z=True) == '"2024-02-29T01:02:03.000040"'


def test_offsets_that_are_no_whole_minutes_keep_the_instant():
    """RFC 3339, section 5.8: the offset is the nearest that there is, and the time moves with it."""
    amsterdam = datetime.timezone(datetime.timedelta(minutes=19, seconds=32, microseconds=130000))
    noon = datetime.datetime(1937, 1, 1, 12, 0, 0, tzinfo=amsterdam)
    assert rjson.dumps(noon) == '"1937-01-01T12:00:27.870000+00:20"'
    for seconds in (-86399, -3601, -31, -29, 29, 31, 86370):
        value = noon.replace(tzinfo=datetime.timezone(datetime.timedelta(seconds=seconds)))
        text = decoded(value)
        assert datetime.datetime.fromisoformat(text) == value
        assert len(text.split("T")[1].replace("-", "+").split("+")[1]) == 5
    with pytest.raises(rjson.EncodeError, match="whole minutes"):
        rjson.dumps(datetime.time(1, tzinfo=amsterdam))


def test_time_zones_that_misbehave():
    class Zone(datetime.tzinfo):
        def utcoffset(self, when):
            raise LookupError("no such zone")

    with pytest.raises(LookupError, match="no such zone"):
        rjson.dumps([datetime.datetime(2024, 1, 1, tzinfo=Zone())])

    class Odd(datetime.tzinfo):
        def utcoffset(self, when):
            return 5

    with pytest.raises(TypeError, match=r"utcoffset\(\) must return a timedelta or None, not int"):
        rjson.dumps([datetime.datetime(2024, 1, 1, tzinfo=Odd())])


def parse_duration(text):
    """ISO 8601, as rjson writes it: a sign, days, hours, minutes, seconds."""
    sign = -1 if text.startswith("-") else 1
    date, _, time = text.lstrip("-").removeprefix("P").partition("T")
    total = datetime.timedelta()
    for part, units in ((date, {"D": "days"}), (time, {"H": "hours", "M": "minutes", "S": "seconds"})):
        number = ""
        for c in part:
            if c in units:
                whole, _, fraction = number.partition(".")
                total += datetime.timedelta(**{units[c]: int(whole)}, microseconds=int((fraction or "0").ljust(6, "0")))
                number = ""
            else:
                number += c
        assert not number
    return sign * total


@given(st.timedeltas())
def test_timedelta(value):
    text = decoded(value)
    assert parse_duration(text) == value
    assert decoded(value, timedelta="seconds") == value.total_seconds()
    assert rjson.dumps(value, timedelta="seconds") == repr(value.total_seconds())


def test_durations_are_spelled_shortly():
    d = datetime.timedelta
    values = [d(), d(1), d(hours=1), d(minutes=-90), d(seconds=59, microseconds=1), d(days=-1, hours=1), d.min, d.max]
    values += [d(seconds=4.5), d(milliseconds=-10), d(microseconds=1590)]
    assert decoded(values) == [
        "PT0S", "P1D", "PT1H", "-PT1H30M", "PT59.000001S", "-PT23H", "-P999999999D", "P999999999DT23H59M59.999999S",
        "PT4.5S", "-PT0.01S", "PT0.00159S",
    ]  # fmt: skip


class FakeDatetimeType(type):
    def __subclasscheck__(cls, other):
        return True


def test_classes_that_only_claim_to_be_datetimes(monkeypatch):
    """What is read from memory is looked at first."""

    class Fake(metaclass=FakeDatetimeType):
        pass

    class Innocent:
        pass

    for name in ("datetime", "date", "time", "timedelta"):
        monkeypatch.setattr(datetime, name, Fake)
        cls = type("Innocent", (), {})
        with pytest.raises(rjson.EncodeError, match="Innocent is not JSON serializable"):
            rjson.dumps(cls())
        monkeypatch.undo()


# ---- UUID, Decimal, paths


@given(st.lists(st.uuids(), max_size=30))
def test_uuids(values):
    assert decoded(values) == [str(v) for v in values]
    assert decoded(dict.fromkeys(values, 1)) == {str(v): 1 for v in values}


def test_uuid_edges():
    values = [uuid.UUID(int=n) for n in (0, 1, 2**128 - 1, 2**64, 2**30 - 1, 2**120, 0x0123456789ABCDEF << 64)]
    check_everywhere(lambda: values, stdlib([str(v) for v in values]))
    broken = uuid.UUID(int=1)
    object.__setattr__(broken, "int", -1)
    with pytest.raises(TypeError, match="not a number of 128 bits: -1"):
        rjson.dumps(broken)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_decimals_are_exact(value):
    assert rjson.dumps([value, 1]) == f"[{value},1]"
    assert json.loads(rjson.dumps(value), parse_float=decimal.Decimal, parse_int=decimal.Decimal) == value
    assert rjson.dumps([value], decimal="string") == f'["{value}"]'
    assert decoded({value: 1}) == {str(value): 1}


def test_decimals_that_are_no_numbers():
    for text, name in (("NaN", "NaN"), ("-Infinity", "-Infinity"), ("sNaN", "NaN"), ("Infinity", "Infinity")):
        value = decimal.Decimal(text)
        with pytest.raises(rjson.EncodeError, match=rf"float {name} is not JSON"):
            rjson.dumps([value])
        assert rjson.dumps(value, allow_nan=True) == name
        assert rjson.dumps(value, allow_nan="null") == "null"
        assert rjson.dumps(value, decimal="string") == f'"{value}"'


def test_a_decimal_of_many_digits():
    value = decimal.Decimal("1." + "123456789" * 500)
    check_everywhere(lambda: [value, 2], f"[{value},2]")


def test_paths():
    values = [pathlib.Path("/tmp/é"), pathlib.PurePosixPath("a/b"), pathlib.PureWindowsPath("c:\\x")]
    check_everywhere(lambda: values, stdlib([str(v) for v in values]))
    assert decoded({values[0]: 1}) == {"/tmp/é": 1}
    undecodable = pathlib.Path("x\udcff")
    with pytest.raises(rjson.EncodeError, match="surrogate"):
        rjson.dumps(undecodable)
    assert rjson.dumps(undecodable, surrogates="escape") == '"x\\udcff"'


# ---- keys


class Unhashed:
    pass


def test_keys_are_spelled_as_values_are():
    keys = [
        Colour.RED, Level.LOW, Access.WRITE, datetime.date(2024, 1, 2), datetime.time(1, 2), uuid.UUID(int=5), decimal.Decimal("1.250"),
        pathlib.Path("p"), datetime.datetime(2024, 1, 1, tzinfo=UTC), datetime.timedelta(hours=1), 2**70, -3, 1.5, None, False,
    ]  # fmt: skip
    expected = [
        "red", "1", "2", "2024-01-02", "01:02:00", str(uuid.UUID(int=5)), "1.250", "p", "2024-01-01T00:00:00+00:00", "PT1H",
        str(2**70), "-3", "1.5", "null", "false",
    ]  # fmt: skip
    check_everywhere(lambda: {k: i for i, k in enumerate(keys)}, stdlib({k: i for i, k in enumerate(expected)}))
    assert decoded({Colour.RED: 1, Unhashed(): 2, (1,): 3}, skipkeys=True) == {"red": 1}
    assert rjson.dumps({datetime.timedelta(seconds=90): 1}, timedelta="seconds") == '{"90.0":1}'
    with pytest.raises(rjson.EncodeError, match=r"keys must be .*, not Colour at \$"):
        rjson.dumps({Colour.BOX: 1})


# ---- attrs, msgspec, pydantic


def test_attrs():
    attrs = pytest.importorskip("attrs")

    @attrs.define
    class A:
        x: int
        _hidden: str = "h"

    @attrs.define(slots=False)
    class B(A):
        y: list = attrs.field(factory=list, metadata={"a": 1}, alias="other")

    values = [A(1), B(2, other=[A(3), None])]
    check_everywhere(lambda: values, stdlib([attrs.asdict(v) for v in values]))
    check_everywhere(
        lambda: values, '[{"_hidden":"h","x":1},{"_hidden":"h","x":2,"y":[{"_hidden":"h","x":3},null]}]', sort_keys=True
    )


def test_msgspec():
    msgspec = pytest.importorskip("msgspec")

    class Simple(msgspec.Struct):
        a: int
        b: list = []

    class Renamed(msgspec.Struct, rename="camel", tag=True):
        some_name: int
        other_name: typing.Any = msgspec.UNSET

    class Sparse(msgspec.Struct, omit_defaults=True, tag_field="kind", tag="sparse"):
        a: int = 1
        b: list = msgspec.field(default_factory=list)
        c: dict = msgspec.field(default_factory=lambda: {"x": 1})

    class Arrayed(msgspec.Struct, array_like=True, tag="t"):
        a: int
        b: str = "é"

    values = [
        Simple(1),
        Simple(2, [Simple(3)]),
        Renamed(1),
        Renamed(1, 2),
        Sparse(),
        Sparse(2, [1]),
        Sparse(1, [], {}),
        Arrayed(5),
    ]
    check_everywhere(lambda: values, msgspec.json.encode(values).decode())


def test_pydantic():
    pydantic = pytest.importorskip("pydantic")

    class Child(pydantic.BaseModel):
        x: int = 1
        _private: int = 2

    class Model(pydantic.BaseModel):
        name: str = pydantic.Field(serialization_alias="Name", default="é")
        secret: str = pydantic.Field(default="no", exclude=True)
        child: Child = Child()
        children: list[Child] = [Child(x=5)]

        @pydantic.computed_field
        @property
        def double(self) -> int:
            return self.child.x * 2

    class Aliased(Model):
        model_config = pydantic.ConfigDict(serialize_by_alias=True)

    class Open(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow")
        a: int = 1

    class Custom(pydantic.BaseModel):
        when: int = 3

        @pydantic.field_serializer("when")
        def spell(self, value):
            return f"<{value}>"

    class Root(pydantic.RootModel):
        root: list[int]

    values = [Model(), Aliased(), Open(a=2, b=[1], c=None), Custom(), Root([1, 2]), Child()]
    check_everywhere(lambda: values, "[" + ",".join(v.model_dump_json() for v in values) + "]")


def test_pydantic_makes_no_copy_of_the_tree():
    """A field that is lazy is consumed, not copied."""
    pydantic = pytest.importorskip("pydantic")

    class Lazy(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
        rows: typing.Any

    assert rjson.dumps(Lazy(rows=(n for n in range(3)))) == '{"rows":[0,1,2]}'


# ---- numbers in memory


@pytest.mark.parametrize("code", "bBhHiIlLqQ")
def test_arrays_of_integers(code):
    bits = array.array(code).itemsize * 8
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if code.islower() else (0, 2**bits - 1)
    values = array.array(code, [low, high, 0, 1, 10, 99, 100] * 40)
    check_everywhere(lambda: [values, memoryview(values)[::-3]], stdlib([values.tolist(), values.tolist()[::-3]]))


def test_arrays_of_floats():
    doubles = array.array("d", [0.1, -1e300, 5e-324, 1e16, 123456.789] * 50)
    check_everywhere(lambda: doubles, stdlib(doubles.tolist()))
    assert (
        rjson.dumps(array.array("f", [0.1, 1e10, -0.0, 16777216, 3.4028235e38]))
        == "[0.1,10000000000.0,-0.0,16777216.0,3.4028235e+38]"
    )
    assert rjson.dumps(memoryview(b"ab\xff")) == "[97,98,255]"
    assert rjson.dumps(memoryview(b"abcdef").cast("B", (2, 3))) == "[[97,98,99],[100,101,102]]"


def test_buffers_that_hold_no_numbers():
    for value in (memoryview(b"ab").cast("c"), b"bytes", bytearray(b"x")):
        with pytest.raises(rjson.EncodeError, match="is not JSON serializable"):
            rjson.dumps(value)
    assert rjson.dumps(memoryview(b"ab").cast("c"), default=lambda m: m.tolist()[0].decode()) == '"a"'


def test_an_array_cannot_be_resized_while_it_is_written():
    values = array.array("i", range(1000))
    chunks = rjson.iterencode(values, chunk_size=512)
    next(chunks)
    with pytest.raises(BufferError):
        values.append(1)
    assert json.loads("[" + b"".join(chunks).decode().split(",", 1)[1])[-1] == 999
    values.append(1)


# ---- passing types on

EXAMPLES = {
    "dataclass": Plain(1),
    "enum": Colour.RED,
    "datetime": datetime.date(2024, 1, 1),
    "uuid": uuid.UUID(int=1),
    "decimal": decimal.Decimal(1),
    "path": pathlib.Path("x"),
    "array": array.array("i", [1]),
    "iterator": iter([1]),
    "subclass": Level.LOW,
}


@pytest.mark.parametrize("group", EXAMPLES)
def test_passthrough(group):
    """The group goes to `default`, the others do not; keys have no text then."""
    for name, value in EXAMPLES.items():
        seen = []
        rjson.dumps([value], default=lambda o: seen.append(o), passthrough={group})
        assert bool(seen) == (name == group)
        if group == "iterator":
            EXAMPLES["iterator"] = iter([1])
    if group not in ("iterator", "subclass", "array", "dataclass"):
        with pytest.raises(rjson.EncodeError, match="keys must be"):
            rjson.dumps({EXAMPLES[group]: 1}, passthrough=[group])


def test_passthrough_of_everything_that_json_does_not_know():
    for name, value in EXAMPLES.items():
        expected = json.dumps(value, default=lambda o: "D")
        assert rjson.dumps(value, default=lambda o: "D", passthrough=True) == expected, name


# ---- order of looks

Point = collections.namedtuple("Point", "x y")


def test_types_with_two_natures():
    """What json knows comes first: a subclass of str, int, list, dict or tuple stays one."""

    @dataclasses.dataclass
    class DictRecord(dict):
        x: int = 1

    class FloatEnum(float, enum.Enum):
        A = 1.5

    assert (
        rjson.dumps([DictRecord(), FloatEnum.A, Point(1, 2), datetime.datetime(1, 1, 1)])
        == '[{},1.5,[1,2],"0001-01-01T00:00:00"]'
    )


@pytest.mark.skipif(sys.version_info < (3, 11), reason="StrEnum is new in 3.11")
def test_str_enum():
    class S(enum.StrEnum):
        A = "é"

    check_everywhere(lambda: {S.A: [S.A]}, '{"é":["é"]}')


@pytest.mark.parametrize("stream", STREAMS)
def test_everything_at_once_at_every_chunk_size(stream):
    obj = [make_records(), [Colour.BOX, uuid.UUID(int=7)], {datetime.date(1, 1, 1): array.array("d", [0.5] * 300)}] * 3
    whole = rjson.dumps_bytes(obj, indent=2, sort_keys=True)
    for chunk_size in CHUNK_SIZES:
        assert stream(obj, {"chunk_size": chunk_size, "indent": 2, "sort_keys": True}) == whole


@pytest.mark.parametrize("options", [{}, {"indent": 1}, {"sort_keys": True}])
async def test_on_an_event_loop(options):
    """Types whose fields run code, async sources among them, and everything else: the same text, in small chunks."""

    @dataclasses.dataclass(init=False)
    class Rich:
        plain: int

        @property
        def computed(self):
            return [Slots(1), datetime.datetime(2024, 1, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))]

    Rich.__dataclass_fields__["computed"] = copy.copy(dataclasses.fields(Plain)[0])
    Rich.__dataclass_fields__["computed"].name = "computed"
    rich = Rich()
    rich.plain = 1

    async def later():
        for record in make_records():
            yield record

    def document(rows):
        return {"rich": [rich] * 30, "rows": rows, "numbers": array.array("d", [0.5] * 200), "enum": Colour.BOX}

    expected = rjson.dumps_bytes(document(make_records()), **options)
    assert b"computed" in expected
    got = b"".join([chunk async for chunk in rjson.aio.iterencode(document(later()), chunk_size=512, **options)])
    assert got == expected


@pytest.mark.parametrize("description", [("enumm", "enum"), ("enum", "enumm"), ("", "enum")])
def test_descriptions_are_checked(description):
    """A form or group that the encoder does not know is an error that names it; nothing is read beyond the known ones."""
    code = f"""
import rjson, rjson._types
rjson._types.describe = lambda cls: {description!r}
try:
    rjson.dumps(object())
except SystemError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    unknown = next(name for name in description if name != "enum")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith(f": {unknown}".strip())
