"""Dates, times and durations of subclasses that say themselves what their parts are: pandas, pendulum, google.api_core, one's own."""

from __future__ import annotations

import datetime
import json
import warnings

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import rjson
from helpers import check_everywhere, stdlib

UTC = datetime.timezone.utc


class Asked(datetime.datetime):
    """Its C struct says the year 1; it says what it was told."""

    parts: dict

    @classmethod
    def of(cls, **parts):
        self = cls(1, 1, 1)
        self.parts = {"year": 2024, "month": 2, "day": 29, "hour": 1, "minute": 2, "second": 3, "microsecond": 40, **parts}
        return self


for name in ("year", "month", "day", "hour", "minute", "second", "microsecond"):
    setattr(Asked, name, property(lambda self, name=name: self.parts[name]))


def test_a_subclass_is_what_its_attributes_say():
    """As a value and as a key, with every option of dates."""
    text = "2024-02-29T01:02:03.000040"
    check_everywhere(lambda: [Asked.of(), {Asked.of(): Asked.of()}], stdlib([text, {text: text}]))
    assert rjson.dumps(Asked.of(), naive_utc=True, utc_z=True, omit_microseconds=True) == '"2024-02-29T01:02:03Z"'
    assert rjson.dumps([Asked.of()], passthrough=["datetime"], default=lambda o: "asked") == '["asked"]'


@pytest.mark.parametrize(
    "parts",
    [
        {"year": 12024},
        {"year": 0},
        {"month": 13},
        {"day": 30, "month": 2},
        {"hour": -1},
        {"year": float("nan")},
        {"second": None},
    ],
)
def test_parts_of_no_date(parts):
    """`default` is asked; without one it is an error, never the struct's date. Keys likewise."""
    with pytest.raises(rjson.EncodeError, match=r"Asked is no date of the years 1 to 9999 .*at \$\[0\]"):
        rjson.dumps([Asked.of(**parts)])
    with pytest.raises(rjson.EncodeError, match="Asked"):
        rjson.dumps({Asked.of(**parts): 1})
    assert rjson.dumps([Asked.of(**parts)], default=lambda o: "later") == '["later"]'
    assert rjson.dumps({Asked.of(**parts): 1}, default_key=lambda o: "later") == '{"later":1}'


def test_an_attribute_that_fails():
    with pytest.raises(KeyError, match="second") as caught:
        value = Asked.of()
        del value.parts["second"]
        rjson.dumps({"x": [value]})
    assert any("$.x[0]" in note for note in caught.value.__notes__)


class AskedDate(datetime.date):
    year = property(lambda self: 2024)


class AskedTime(datetime.time):
    hour = property(lambda self: 23)
    tzinfo = property(lambda self: UTC)


class AskedSpan(datetime.timedelta):
    days = property(lambda self: 10**9)

    def total_seconds(self):
        return 86400.0 * 10**9 + 1.5


class Liar(datetime.timedelta):
    days = property(lambda self: 7)


def test_dates_times_and_durations():
    assert rjson.dumps([AskedDate(1, 2, 3), AskedTime(1, 2), AskedSpan(seconds=1.5)]) == (
        '["2024-02-03","23:02:00+00:00","P1000000000DT1.5S"]'
    )
    assert rjson.dumps({AskedDate(1, 2, 3): 1, AskedTime(1, 2): 2}) == '{"2024-02-03":1,"23:02:00+00:00":2}'
    assert rjson.dumps(AskedSpan(seconds=1.5), timedelta="seconds") == repr(AskedSpan(seconds=1.5).total_seconds())


def test_a_duration_whose_parts_disagree_with_its_total():
    """`total_seconds()` decides: here it confirms what the struct has."""
    assert rjson.dumps(Liar(days=1)) == '"P1D"'

    class Neither(Liar):
        def total_seconds(self):
            return 5.0

    with pytest.raises(rjson.EncodeError, match="Neither"):
        rjson.dumps(Neither(days=1))


@pytest.mark.parametrize("nanosecond", [1, 999, 40_001, 123_456_789])
def test_nanoseconds_of_other_subclasses(nanosecond):
    """Those beyond the microseconds, or all of them: both are in use. What fits neither is refused."""
    more = type("More", (datetime.datetime,), {"nanosecond": nanosecond})
    value = more(2024, 1, 1, 0, 0, 0, 0 if nanosecond < 1000 else nanosecond // 1000)
    assert rjson.dumps(value) == f'"2024-01-01T00:00:00.{nanosecond:09}"'
    assert rjson.dumps({value: 1}, naive_utc=True) == f'{{"2024-01-01T00:00:00.{nanosecond:09}+00:00":1}}'
    if nanosecond >= 1000:
        with pytest.raises(rjson.EncodeError, match="More"):
            rjson.dumps(value.replace(microsecond=7))


def test_plain_subclasses_are_read_as_they_are():
    """A subclass that says nothing of its own about its parts costs nothing."""
    own = type("Own", (datetime.datetime,), {"isoformat": lambda self: "asked", "strftime": None})
    value = own(2024, 1, 1, tzinfo=UTC)
    assert rjson.dumps([value, {value: 1}]) == '["2024-01-01T00:00:00+00:00",{"2024-01-01T00:00:00+00:00":1}]'


def test_a_module_whose_datetime_was_replaced():
    """As test libraries replace it, with a class of which everything is an instance."""
    freezegun = pytest.importorskip("freezegun")
    with freezegun.freeze_time("2024-02-29T01:02:03"):
        fake = datetime.datetime.now()
        values = [fake, fake.date(), fake.time(), fake - datetime.datetime(2024, 1, 1)]
        assert rjson.dumps(values) == '["2024-02-29T01:02:03","2024-02-29","01:02:03","P59DT1H2M3S"]'
    assert rjson.dumps([fake]) == '["2024-02-29T01:02:03"]'


def test_datetime_with_nanoseconds_of_google():
    helpers = pytest.importorskip("google.api_core.datetime_helpers")
    value = helpers.DatetimeWithNanoseconds.from_rfc3339("2024-01-01T00:00:00.123456789Z")
    assert rjson.dumps([value, value.replace(microsecond=5)], utc_z=True) == (
        '["2024-01-01T00:00:00.123456789Z","2024-01-01T00:00:00.000005Z"]'
    )


@settings(deadline=None)
@given(st.integers(-(10**6), 10**6), st.integers(-(10**9), 10**9), st.integers(-(10**7), 10**7))
@example(-3, -1, -500_000)
def test_pendulum_durations(days, seconds, microseconds):
    """Its parts have signs of their own, and disagree with each other; the length is what it is."""
    pendulum = pytest.importorskip("pendulum")
    plain = datetime.timedelta(days=days, seconds=seconds, microseconds=microseconds)
    value = pendulum.duration(days=days, seconds=seconds, microseconds=microseconds)
    assert rjson.dumps([value, {value: 1}]) == rjson.dumps([plain, {plain: 1}])


def test_pendulum_dates():
    pendulum = pytest.importorskip("pendulum")
    value = pendulum.datetime(2024, 2, 29, 1, 2, 3, 4, tz="Europe/Paris")
    assert json.loads(rjson.dumps([value, value.date(), value.time()])) == [
        value.isoformat(), value.date().isoformat(), value.time().isoformat()
    ]  # fmt: skip
    span = pendulum.datetime(2024, 1, 1) - pendulum.datetime(2025, 3, 1, 1, 2, 3)
    assert rjson.dumps(span) == rjson.dumps(datetime.timedelta(seconds=span.total_seconds()))


# ---- pandas


@pytest.fixture(scope="module")
def pandas():
    return pytest.importorskip("pandas")


def test_nat_and_na_are_null(pandas):
    check_everywhere(lambda: [pandas.NaT, {"x": pandas.NA}, {pandas.NaT: 1}], '[null,{"x":null},{"null":1}]')
    assert rjson.dumps([pandas.NaT], passthrough=["datetime"], default=lambda o: "NaT") == '["NaT"]'


units = st.sampled_from(["s", "ms", "us", "ns"])


@settings(deadline=None)
@given(st.integers(-(2**63) + 1, 2**63 - 1), units, st.sampled_from([None, "UTC", "Europe/Berlin", "America/New_York"]))
@example(317_255_529_600, "s", None)
@example(1_700_000_000_000_000_001, "ns", "UTC")
def test_timestamps(pandas, count, unit, zone):
    """As isoformat() has them, with their nanoseconds; in no year but 1 to 9999."""
    numpy = pytest.importorskip("numpy")
    try:
        value = pandas.Timestamp(numpy.datetime64(count, unit))
        value = value.tz_localize("UTC").tz_convert(zone) if zone else value
        text = value.isoformat()
    except (pandas.errors.OutOfBoundsDatetime, NotImplementedError, OverflowError, ValueError):  # its own limits
        return
    try:
        result = rjson.dumps([value, {value: 1}])
    except rjson.EncodeError as error:
        assert not 1 <= value.year <= 9999
        assert "Timestamp" in str(error)
        assert rjson.dumps([value], default=str) == stdlib([str(value)])
        return
    if value.utcoffset() is not None and value.utcoffset().total_seconds() % 60:
        moved = pandas.Timestamp(json.loads(result)[0])
        assert moved == value
        return
    assert result == stdlib([text, {text: 1}])


def test_timestamps_with_options(pandas):
    value = pandas.Timestamp("2024-02-29T01:02:03.000000004", tz="UTC")
    assert rjson.dumps(value, utc_z=True) == '"2024-02-29T01:02:03.000000004Z"'
    assert rjson.dumps(value, omit_microseconds=True) == '"2024-02-29T01:02:03+00:00"'
    assert rjson.dumps(value.tz_localize(None), naive_utc=True) == '"2024-02-29T01:02:03.000000004+00:00"'
    assert rjson.dumps(pandas.Timestamp("2024-02-29")) == '"2024-02-29T00:00:00"'


@settings(deadline=None)
@given(st.integers(-(2**63) + 1, 2**63 - 1), units)
@example(10**15, "s")
@example(-1, "ns")
@example(10**18 + 1, "ns")
def test_timedeltas(pandas, count, unit):
    """Of any length, to the nanosecond."""
    numpy = pytest.importorskip("numpy")
    value = pandas.Timedelta(numpy.timedelta64(count, unit))
    text = json.loads(rjson.dumps(value))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert exact_nanoseconds(text) == count * 10 ** {"s": 9, "ms": 6, "us": 3, "ns": 0}[unit]
    assert rjson.dumps({value: 1}) == stdlib({text: 1})
    assert rjson.dumps([value], timedelta="seconds") == f"[{value.total_seconds()!r}]"


def exact_nanoseconds(text):
    """Of ISO 8601, as rjson writes it."""
    days, _, clock = text.lstrip("-").removeprefix("P").partition("T")
    total = int(days.rstrip("D") or 0) * 86400 * 10**9
    for unit, seconds in (("H", 3600), ("M", 60), ("S", 1)):
        number, found, rest = clock.partition(unit)
        if found:
            whole, _, fraction = number.partition(".")
            total += (int(whole) * 10**9 + int(fraction.ljust(9, "0") or 0)) * seconds
            clock = rest
    assert not clock
    return -total if text.startswith("-") else total


# ---- numpy


@pytest.mark.filterwarnings("ignore:The 'generic' unit:DeprecationWarning")  # of numpy 2.5
def test_times_without_a_unit():
    """NaT is null, scalar or in an array; a number of nothing is an error that says so."""
    numpy = pytest.importorskip("numpy")
    nothing = [numpy.datetime64("NaT"), numpy.timedelta64("NaT")]
    check_everywhere(
        lambda: [*nothing, numpy.array(nothing[:1] * 2), numpy.array(nothing[1:])], "[null,null,[null,null],[null]]"
    )
    assert rjson.dumps({numpy.datetime64("NaT"): 1}) == '{"null":1}'
    with pytest.raises(rjson.EncodeError, match="timedelta64 without a unit"):
        rjson.dumps([numpy.timedelta64(5)])
