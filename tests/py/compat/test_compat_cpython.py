"""CPython's own tests of its json module (test.test_json of the running Python), with rjson.compat in its place."""

import importlib
import io
import json
import pkgutil
import types
import unittest

import pytest

import rjson.compat

test_json = pytest.importorskip("test.test_json", reason="this Python was installed without its tests")

# What is about the inside of the standard library's implementation, not about its interface.
SKIPPED = {
    "test_speedups": "calls c_make_encoder and c_make_scanner, which belong to the json module's own accelerator",
    "test_tool": "runs `python -m json.tool`",
}


def as_module():
    """rjson.compat as tests reach into it: their json.encoder.JSONEncoder and json.decoder.JSONDecoder are to be ours too."""
    module = types.SimpleNamespace(**vars(rjson.compat))
    module.encoder = types.SimpleNamespace(**{**vars(json.encoder), "JSONEncoder": rjson.compat.JSONEncoder})
    module.decoder = types.SimpleNamespace(**{**vars(json.decoder), "JSONDecoder": rjson.compat.JSONDecoder})
    return module


class CompatTest(unittest.TestCase):
    json = as_module()
    loads = staticmethod(rjson.compat.loads)
    dumps = staticmethod(rjson.compat.dumps)
    JSONDecodeError = rjson.compat.JSONDecodeError


def cases():
    """Every class of tests that is made to be mixed with an implementation."""
    for info in pkgutil.iter_modules(test_json.__path__):
        if not info.name.startswith("test_") or info.name in SKIPPED:
            continue
        module = importlib.import_module(f"test.test_json.{info.name}")
        for name, mixin in vars(module).items():
            if name.startswith("Test") and isinstance(mixin, type) and not issubclass(mixin, unittest.TestCase):
                case = type(f"Compat{name}", (mixin, CompatTest), {"__module__": __name__})
                yield from (
                    pytest.param(test, id=test.id().split(".", 1)[1])
                    for test in unittest.TestLoader().loadTestsFromTestCase(case)
                )


@pytest.mark.parametrize("case", list(cases()))
def test_as_the_json_module(case):
    result = case.run()
    failed = result.failures + result.errors
    assert not failed, failed[0][1]
    assert result.testsRun == 1


def test_what_is_skipped_exists():
    names = {info.name for info in pkgutil.iter_modules(test_json.__path__)}
    assert set(SKIPPED) <= names


class BadBool:
    def __bool__(self):
        raise ZeroDivisionError


@pytest.mark.parametrize("name", ["skipkeys", "ensure_ascii", "check_circular", "allow_nan", "sort_keys"])
def test_truth_that_cannot_be_told(name):
    """The one promise of test_speedups that is about the interface."""
    with pytest.raises(ZeroDivisionError):
        rjson.compat.JSONEncoder(**{name: BadBool()}).encode({"a": 1})


def test_the_test_suite_can_fail(monkeypatch):
    """Broken on purpose, rjson.compat fails."""
    monkeypatch.setattr(rjson.compat.JSONEncoder, "encode", lambda self, o: "null")
    buffer = io.StringIO()
    module = importlib.import_module("test.test_json.test_dump")
    case = type("Broken", (module.TestDump, CompatTest), {})
    suite = unittest.TestLoader().loadTestsFromTestCase(case)
    assert not unittest.TextTestRunner(stream=buffer).run(suite).wasSuccessful()
