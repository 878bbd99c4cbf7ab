"""pydantic's models: whatever an annotation and a value are, the document is that of `model_dump_json`."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import decimal
import enum
import ipaddress
import json
import pathlib
import typing
import uuid
import warnings

import pytest
import typing_extensions
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import rjson
import rjson.aio
from helpers import check_everywhere

pydantic = pytest.importorskip("pydantic", minversion="2")

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")


class UserOut(pydantic.BaseModel):
    name: str = "Ada"


class User(UserOut):
    password: str = "hunter2"


class Reply(pydantic.BaseModel):
    user: UserOut = User()
    maybe: UserOut | None = User()
    users: list[UserOut] = [UserOut(), User()]
    by_id: dict[str, UserOut] = {"a": User(), "b": UserOut()}
    nested: list[dict[str, list[UserOut | None]]] = [{"k": [User(), None, UserOut()]}]
    pair: tuple[UserOut, int] = (User(), 1)
    either: UserOut | int = User()
    first: typing.Annotated[UserOut, pydantic.Field(description="")] = User()


def same(model, **options):
    """Whether the document is the one that pydantic makes (an int is as good as a float), and that document."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = json.loads(model.model_dump_json())
        text = rjson.dumps(model, **options)
    written = json.loads(text)
    assert written == expected
    return text


def test_a_field_has_the_fields_of_its_annotation():
    """A subclass's more fields do not come out where the base class is declared, at any depth, in any container."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = Reply().model_dump_json()
    assert "hunter2" not in expected
    check_everywhere(Reply, expected)
    check_everywhere(lambda: [Reply()], f"[{expected}]")
    assert "hunter2" not in rjson.dumps(Reply(), sort_keys=True, indent=2)
    assert json.loads(rjson.dumps(Reply(), sort_keys=True)) == json.loads(expected)


def test_a_model_at_the_top_or_where_no_annotation_says_otherwise_has_all_of_its_fields():
    class Open(pydantic.BaseModel):
        anything: typing.Any = User()
        inside: list[typing.Any] = [User()]
        as_any: pydantic.SerializeAsAny[UserOut] = User()

    assert rjson.dumps(User()) == User().model_dump_json()
    assert same(Open()).count("hunter2") == 3


def test_fields_that_were_assigned_later():
    """Validation does not look at these, so values are of any class."""
    reply = Reply(user=UserOut(), users=[UserOut()])
    same(reply)
    reply.user = User()
    reply.users.append(User())
    assert "hunter2" not in same(reply)
    reply.user = {"name": 1}
    reply.users = (User(), 2)
    same(reply)
    del reply.maybe
    same(reply)


def test_generic_root_and_recursive_models():
    T = typing.TypeVar("T")

    class Page(pydantic.BaseModel, typing.Generic[T]):
        items: list[T]

    class Users(pydantic.RootModel[list[UserOut]]):
        pass

    class UserDict(pydantic.RootModel[dict[str, UserOut]]):
        pass

    class Tree(pydantic.BaseModel):
        value: UserOut = User()
        children: list[Tree] = []

    class SecretTree(Tree):
        secret: str = "hunter2"

    Tree.model_rebuild(_types_namespace={"Tree": Tree})
    for model in (
        Page[UserOut](items=[User(), UserOut()]),
        Users([User()]),
        UserDict({"a": User()}),
        Tree(children=[SecretTree(), Tree(children=[SecretTree()])]),
    ):
        assert "hunter2" not in same(model)


def test_values_that_json_has_no_name_for():
    """Sets, bytes, secrets, URLs, addresses, dates and decimals come out as model_dump_json has them."""

    class Colour(enum.Enum):
        RED = "red"

    @dataclasses.dataclass
    class Point:
        x: int
        user: UserOut

    class Named(typing_extensions.TypedDict):
        when: datetime.datetime

    class Everything(pydantic.BaseModel):
        tags: set[str] = {"a"}
        frozen: frozenset[int] = frozenset({1})
        data: bytes = b"\xc3\xa9"
        secret: pydantic.SecretStr = pydantic.SecretStr("hunter2")
        secrets: list[pydantic.SecretStr] = [pydantic.SecretStr("hunter2")]
        url: pydantic.HttpUrl = pydantic.HttpUrl("https://example.org/é")
        address: ipaddress.IPv4Address = ipaddress.IPv4Address("127.0.0.1")
        network: ipaddress.IPv6Network = ipaddress.IPv6Network("::/64")
        price: decimal.Decimal = decimal.Decimal("19.90")
        when: datetime.datetime = datetime.datetime(2024, 2, 29, tzinfo=datetime.timezone.utc)
        day: datetime.date = datetime.date(2024, 2, 29)
        at: datetime.time = datetime.time(1, 2, 3)
        took: datetime.timedelta = datetime.timedelta(seconds=4.5)
        id: uuid.UUID = uuid.UUID(int=5)
        path: pathlib.Path = pathlib.Path("/tmp")
        colour: Colour = Colour.RED
        colours: dict[Colour, int] = {Colour.RED: 1}
        point: Point = Point(1, User())
        named: Named = {"when": datetime.datetime(2024, 1, 1)}
        anything: typing.Any = {"secret": pydantic.SecretStr("hunter2"), "set": {1}, "bytes": b"x"}
        number: int | datetime.timedelta = datetime.timedelta(1)
        parsed: pydantic.Json[list[int]] = [1]
        limited: typing.Annotated[int, pydantic.PlainSerializer(lambda n: f"<{n}>")] = 5

    check_everywhere(Everything, Everything().model_dump_json())
    assert "hunter2" not in same(Everything())


def test_what_a_model_says_of_itself():
    """Serializers, exclusion, aliases, computed and extra fields, configuration."""

    class Said(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(ser_json_timedelta="float", extra="allow")
        took: datetime.timedelta = datetime.timedelta(seconds=1)

    class Around(pydantic.BaseModel):
        said: Said = Said()

    class Computed(UserOut):
        hidden: int = pydantic.Field(default=1, exclude=True)

        @pydantic.computed_field
        def users(self) -> list[UserOut]:
            return [User()]

    class Wrapped(pydantic.BaseModel):
        user: UserOut = User()

        @pydantic.model_serializer(mode="wrap")
        def wrap(self, handler):
            return {"wrapped": handler(self)}

    for model in (Said(more=User()), Around(), Computed(), Wrapped(), Said(took=datetime.timedelta(1))):
        same(model)


def test_dataclasses_that_pydantic_made():
    @pydantic.dataclasses.dataclass
    class Point:
        x: int
        user: UserOut
        hidden: int = pydantic.Field(default=1, exclude=True)

    expected = pydantic.TypeAdapter(Point).dump_json(Point(1, User())).decode()
    assert rjson.dumps(Point(1, User())) == expected == '{"x":1,"user":{"name":"Ada"}}'


def test_what_pydantic_does_not_know_goes_to_default():
    class Unknown:
        pass

    class Holder(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
        one: Unknown = Unknown()
        many: dict[str, Unknown] = {"a": Unknown()}
        some: set[Unknown] = {Unknown()}

    class Open(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow", arbitrary_types_allowed=True)

    default = lambda o: "D"  # noqa: E731
    assert rjson.dumps(Holder(), default=default) == '{"one":"D","many":{"a":"D"},"some":["D"]}'
    assert rjson.dumps(Open(x=Unknown()), default=default) == '{"x":"D"}'
    for model, path in ((Holder(), r"\$\.one"), (Open(x=Unknown()), "")):
        with pytest.raises(rjson.EncodeError, match="object of type Unknown is not JSON serializable.*" + path):
            rjson.dumps(model)


def test_a_lazy_field_is_not_consumed_to_be_written():
    """A list would be made of it otherwise."""
    alive = []

    class Rows(pydantic.BaseModel):
        rows: typing.Iterable[UserOut]
        more: typing.Any

    def rows():
        for n in range(10_000):
            alive.append(n)
            yield User(name=f"{n}")

    stream = rjson.iterencode(Rows(rows=rows(), more=rows()), chunk_size=4096)
    text = next(stream)
    assert len(alive) < 1000
    written = json.loads(text + b"".join(stream))
    assert written["rows"][9999] == {"name": "9999"}
    assert written["more"][9999] == {"name": "9999", "password": "hunter2"}


def test_a_list_that_grows_while_it_is_written():
    """What is written was looked at: nothing joins it later."""

    class Many(pydantic.BaseModel):
        users: list[UserOut]

    model = Many(users=[UserOut(name="x" * 100) for _ in range(100)])
    stream = rjson.iterencode(model, chunk_size=64)
    text = next(stream)
    model.users.append(User())
    text += b"".join(stream)
    assert len(json.loads(text)["users"]) == 100


async def _collected(obj):
    return b"".join([chunk async for chunk in rjson.aio.iterencode(obj, chunk_size=64)])


def test_on_an_event_loop():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert asyncio.run(_collected([Reply()] * 20)) == rjson.dumps_bytes([Reply()] * 20)


# ---- generated models

SCALARS: list[tuple[typing.Any, st.SearchStrategy[typing.Any]]] = [
    (int, st.integers()),
    (str, st.text(max_size=5)),
    (float, st.floats(allow_nan=False, allow_infinity=False)),
    (bool, st.booleans()),
    (datetime.date, st.dates()),
    (datetime.datetime, st.datetimes(timezones=st.just(datetime.timezone.utc))),
    (datetime.timedelta, st.timedeltas(datetime.timedelta(-1000), datetime.timedelta(1000))),
    (uuid.UUID, st.uuids()),
    (decimal.Decimal, st.decimals(allow_nan=False, allow_infinity=False, places=2)),
    (bytes, st.text(max_size=5).map(str.encode)),
    (pydantic.SecretStr, st.text(max_size=5).map(pydantic.SecretStr)),
    (typing.Any, st.one_of(st.integers(), st.sampled_from([User(), UserOut(), {1}, b"x", [User(), None]]))),
    (UserOut, st.sampled_from([UserOut(), User(), User(name="é")])),
    (User, st.just(User())),
    (Reply, st.just(Reply())),
]


def containers(inner):
    annotation, values = inner
    few = st.lists(values, max_size=3)
    choices = [
        (list[annotation], few),
        (tuple[annotation, ...], few.map(tuple)),
        (dict[str, annotation], st.dictionaries(st.text(max_size=3), values, max_size=3)),
        (dict[int, annotation], st.dictionaries(st.integers(), values, max_size=3)),
        (annotation | None if annotation is not typing.Any else annotation, st.none() | values),
        (annotation | None | User if annotation is not typing.Any else annotation, values),
        (typing.Annotated[annotation, pydantic.AfterValidator(lambda v: v)], values),
    ]
    return st.sampled_from(choices)


ANNOTATED = st.recursive(st.sampled_from(SCALARS), lambda inner: inner.flatmap(containers), max_leaves=3)


@st.composite
def models(draw):
    config = pydantic.ConfigDict(
        extra=draw(st.sampled_from(["ignore", "ignore", "allow"])), serialize_by_alias=draw(st.booleans())
    )
    fields, values = {}, {}
    for i in range(draw(st.integers(0, 5))):
        annotation, strategy = draw(ANNOTATED)
        info = pydantic.Field(
            exclude=draw(st.sampled_from([False, False, True])), serialization_alias=draw(st.sampled_from([None, f"A{i}"]))
        )
        fields[f"f{i}"] = (annotation, info)
        values[f"f{i}"] = draw(strategy)
    cls = pydantic.create_model("Generated", __config__=config, **fields)
    if draw(st.booleans()):
        return cls(**values)
    # As assignment does: any value in any field.
    names = list(values)
    shuffled = draw(st.permutations(list(values.values())))
    return cls.model_construct(**dict(zip(names, shuffled, strict=True)))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(models())
def test_generated_models(model):
    """Of any annotations, with values that fit and values that do not."""
    try:
        model.model_dump_json()
    except ValueError:
        assume(False)
    same(model)
    same(model, sort_keys=True)
