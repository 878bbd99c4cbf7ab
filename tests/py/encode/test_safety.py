"""Python code that runs in the middle of a document may do anything to it: never a crash, never a leak."""

import gc
import io
import random
import signal
import subprocess
import sys
import textwrap
import threading
import weakref

import pytest

import rjson
from helpers import CHUNK_SIZES, UNDER_ASAN


class Opaque:
    pass


def test_default_clears_the_list_being_encoded():
    """The list ends where it ends now."""
    doc = [1, Opaque(), 2, 3]

    def default(_):
        doc.clear()
        return "cleared"

    assert rjson.dumps(doc, default=default) == '[1,"cleared"]'


def test_default_clears_every_list_above():
    """Also those further up, whose items are being encoded."""
    inner = [Opaque(), "never"]
    doc = [[[inner, "a"], "b"], "c"]
    kept = [doc, doc[0], doc[0][0], inner]

    def default(_):
        for container in kept:
            container.clear()
        gc.collect()
        return 1

    assert rjson.dumps(doc, default=default) == "[[[[1]]]]"


def test_default_drops_the_only_references():
    """Containers that only the document held stay alive until the encoder is done with them."""
    doc = {"a": [[Opaque(), [1, 2, 3]], {"k": "v" * 100}]}

    def default(_):
        doc["a"] = None
        gc.collect()
        return [0]

    assert rjson.dumps(doc, default=default) == '{"a":[[[0],[1,2,3]],{"k":"' + "v" * 100 + '"}]}'


def test_default_grows_the_list():
    """New items are encoded too, as a for loop would see them."""
    doc = [Opaque()]

    def default(_):
        if len(doc) < 4:
            doc.extend([Opaque(), "new"])
        return None

    assert rjson.dumps(doc, default=default) == '[null,null,"new",null,"new"]'


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(new=1),
        lambda d: d.pop("b"),
        lambda d: d.clear(),
        lambda d: [d.update({str(i): i}) for i in range(1000)],
    ],
)
def test_dict_that_changes_size_is_a_runtime_error(change):
    """As in a for loop, with the path."""
    doc = {"a": Opaque(), "b": 2, "c": 3}

    def default(_):
        change(doc)
        return 0

    with pytest.raises(RuntimeError, match="dictionary changed size during iteration") as caught:
        rjson.dumps([doc], default=default)
    assert caught.value.path.startswith("$[0]")


def test_dict_that_swaps_keys_at_the_same_size():
    """Whatever comes out, it is memory-safe and a document or an error."""
    for seed in range(200):
        rng = random.Random(seed)
        doc = {f"k{i}": Opaque() for i in range(rng.randrange(1, 20))}

        def default(_, rng=rng, doc=doc):
            for _ in range(rng.randrange(3)):
                doc.pop(rng.choice(list(doc)))
                doc[f"n{rng.random()}"] = rng.choice([Opaque(), "text" * 100, [1]])
            return 1

        try:
            assert rjson.dumps(doc, default=default).endswith("}")
        except RuntimeError:
            pass


def test_values_replaced_in_place():
    """Replacing a value that is being encoded does not free it under the encoder."""
    doc = {"a": ["x" * 1000, Opaque(), "y" * 1000], "b": 2}

    def default(_):
        doc["a"] = None
        return 1

    assert rjson.dumps(doc, default=default) == '{"a":["' + "x" * 1000 + '",1,"' + "y" * 1000 + '"],"b":2}'


@pytest.mark.parametrize("deleted", [0, 1, 5, 1000])
def test_dict_made_anew_with_as_many_members_while_it_is_written(deleted):
    """Its table may be smaller than where the walk is in the old one. The document is whole all the same."""
    new = [f"new{i}" for i in range(10)]
    for seen in range(10):
        doc = dict.fromkeys([f"gone{i}" for i in range(deleted)] + [f"old{i}" for i in range(10)])
        for i in range(deleted):
            del doc[f"gone{i}"]
        doc[f"old{seen}"] = Opaque()

        def default(_, doc=doc):
            doc.clear()
            doc.update(dict.fromkeys(new))
            return "here"

        keys = list(rjson.loads(rjson.dumps(doc, default=default)))
        written = len(keys) - seen - 1
        assert keys == [f"old{i}" for i in range(seen + 1)] + new[len(new) - written :]


@pytest.mark.parametrize("chunk_size", CHUNK_SIZES)
def test_write_destroys_the_document(chunk_size):
    """A target's write() may clear everything that is being written."""
    for seed in range(6 if UNDER_ASAN else 30):
        rng = random.Random(seed)
        lists = [["x" * rng.randrange(600), seed] for _ in range(100)]
        dicts = [{f"k{i}" * rng.randrange(1, 300): ["v" * rng.randrange(3000)]} for i in range(30)]
        doc = {"lists": lists, "dicts": dicts, "long": "é" * 5000}

        class Hostile:
            def write(self, data, rng=rng, lists=lists, dicts=dicts, doc=doc):
                for container in rng.choices([*lists, *dicts, lists, dicts, doc], k=5):
                    container.clear()
                if rng.random() < 0.02:
                    gc.collect()

        try:
            rjson.dump(doc, Hostile(), chunk_size=chunk_size)
        except RuntimeError as error:
            assert "changed size" in str(error)


@pytest.mark.parametrize("chunk_size", CHUNK_SIZES)
def test_anything_happens_between_chunks(chunk_size):
    """While an iteration is paused, the document may change in any way."""
    for seed in range(60):
        rng = random.Random(seed)
        leaves = [["é" * rng.randrange(400)] * 3 for _ in range(50)] + [{"k" * rng.randrange(400): "v"} for _ in range(50)]
        doc = [leaves, {"again": leaves, "deep": [[[leaves]]]}]
        containers = [doc, leaves, doc[1], doc[1]["deep"], *leaves]
        chunks = rjson.iterencode(doc, chunk_size=chunk_size)
        try:
            for _ in chunks:
                victim = rng.choice(containers)
                if rng.random() < 0.5:
                    victim.clear()
                elif isinstance(victim, list):
                    victim.insert(0, "new" * 300)
                else:
                    victim[f"new{rng.random()}"] = 1
        except RuntimeError as error:
            assert "changed size" in str(error)


def test_abandoned_iteration_frees_everything():
    """Dropping a paused iterator drops its hold on the document."""

    class Node(list):
        pass

    node = Node(["x" * 10_000])
    ref = weakref.ref(node)
    chunks = rjson.iterencode([[{"k": node}], iter([1])], chunk_size=512)
    next(chunks)
    next(chunks)
    del node
    assert ref() is not None
    del chunks
    gc.collect()
    assert ref() is None


def test_closed_iteration_frees_everything():
    """close() ends a paused iteration at once, and may be called again."""

    class Node(list):
        pass

    node = Node(["x" * 10_000])
    ref = weakref.ref(node)
    chunks = rjson.iterencode(node, chunk_size=512)
    next(chunks)
    del node
    chunks.close()
    assert ref() is None
    chunks.close()
    assert list(chunks) == []


def test_garbage_cycle_through_a_paused_iterator():
    """An iterator whose document refers back to it is collected."""

    class Node(list):
        pass

    node = Node(["x" * 10_000])
    chunks = rjson.iterencode(node, chunk_size=512)
    next(chunks)
    node.append(chunks)
    ref = weakref.ref(node)
    del node, chunks
    gc.collect()
    assert ref() is None


def test_iteration_refuses_reentry():
    """Asking for the next chunk from within the document's own code is an error, not a crash."""
    error = None

    def rows():
        nonlocal error
        try:
            next(chunks)
        except ValueError as e:
            error = e
        yield 1

    chunks = rjson.iterencode(rows())
    assert b"".join(chunks) == b"[1]"
    assert "already running" in str(error)


def test_encoding_inside_encoding():
    """default may use rjson itself, to any depth."""

    def default(obj):
        return rjson.Raw(rjson.dumps_bytes([obj.real - 1 if obj.real > 1 else "end"], default=default)) if obj.real else 0

    assert rjson.dumps(1j + 2, default=default) == "[1.0]"
    assert rjson.dumps(Opaque(), default=lambda o: rjson.dumps([Opaque()], default=lambda o: "in")) == '"[\\"in\\"]"'


def test_endless_recursion_through_default():
    """default that encodes the same object again ends as Python recursion does."""

    def default(obj):
        return rjson.dumps(obj, default=default)

    with pytest.raises(RecursionError):
        rjson.dumps(Opaque(), default=default)


def test_finalizers_that_change_the_document():
    """Objects that die during the encoding may run code as well."""
    doc = []

    class Dying:
        def __del__(self):
            doc.clear()
            gc.collect()

    def rows():
        for i in range(12):
            yield [Dying(), "x" * i]

    doc.extend([rows(), "after", ["x"] * 10])
    assert rjson.dumps(doc, default=lambda _: 0).startswith('[[[0,""],[0,"x"]')


def test_kept_chunks_are_never_overwritten():
    """Whoever keeps a chunk that was handed to write(), or a view of it, keeps its bytes."""
    doc = [f"{i:06d}" * 20 for i in range(5000)]
    expected = rjson.dumps_bytes(doc)
    for keep in (lambda b: b, memoryview, lambda b: memoryview(b)[1:-1]):
        kept = []
        copies = []

        class Keeper:
            def write(self, data, keep=keep, kept=kept, copies=copies):
                kept.append(keep(data))
                copies.append(bytes(data))

        rjson.dump(doc, Keeper(), chunk_size=2000)
        assert b"".join(copies) == expected
        assert [bytes(k) for k in kept] == [bytes(keep(c)) for c in copies]


def test_hash_of_a_recycled_chunk_is_its_own():
    """A chunk that was hashed and dropped does not lend its hash to the next."""
    doc = [f"{i:06d}" * 20 for i in range(2000)]
    hashes = []
    identities = set()

    class Hasher:
        def write(self, data):
            identities.add(id(data))
            hashes.append((hash(data), hash(bytes(bytearray(data)))))

    rjson.dump(doc, Hasher(), chunk_size=2000)
    assert len(identities) < len(hashes)  # chunks were recycled
    assert all(a == b for a, b in hashes)


def test_threads_share_an_encoder():
    """One Encoder in many threads, each document its own."""
    enc = rjson.Encoder(default=str)
    docs = [[i, {"k": [str(i)] * 500, "c": 1j * i}] for i in range(8)]
    wrong = []

    def work(doc):
        expected = rjson.dumps_bytes(doc, default=str)
        for _ in range(30):
            fp = io.BytesIO()
            enc.dump(doc, fp, chunk_size=600)
            if fp.getvalue() != expected or enc.dumps_bytes(doc) != expected:
                wrong.append(doc)

    threads = [threading.Thread(target=work, args=(doc,)) for doc in docs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_one_list_in_two_threads():
    """A document that another thread changes all the time."""
    doc = [["x" * 50] for _ in range(2000)]
    stop = threading.Event()

    def change():
        rng = random.Random(1)
        while not stop.is_set():
            victim = rng.choice(doc) if doc else doc
            victim.append([1]) if rng.random() < 0.5 else victim.clear() if victim is not doc else None

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(20):
            assert b"".join(rjson.iterencode(doc, chunk_size=777)).startswith(b"[[")
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("what", ["dumps", "iterencode", "write", "errors"])
def test_no_leak(what):
    """A hundred thousand encodings do not make the process larger (each in a process of its own)."""
    code = """
        import io, resource, sys, rjson
        doc = {"a": [1, 2.5, "é" * 500, {"k": None}, [[]], 10**30], "b": iter, "c": ["x" * 700]}
        def run(n):
            for i in range(n):
                if WHAT == "dumps":
                    rjson.dumps(doc, default=str); rjson.dumps_bytes(doc, default=repr)
                elif WHAT == "iterencode":
                    it = rjson.iterencode(doc, default=str, chunk_size=512); next(it)
                    list(rjson.iterencode(doc, default=str, chunk_size=512))
                elif WHAT == "write":
                    rjson.dump(doc, io.BytesIO(), default=str, chunk_size=512); rjson.dump(doc, io.StringIO(), default=str)
                else:
                    for options in ({}, {"default": lambda o: 1 / 0}, {"max_depth": 2}):
                        try: rjson.dump(doc, io.BytesIO(), chunk_size=512, **options)
                        except (TypeError, ZeroDivisionError, RecursionError): pass
        run(2000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        run(20000)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        sys.exit(f"grew by {grown} KiB" if grown > 2000 and not ASAN else 0)
    """
    code = f"WHAT = {what!r}; ASAN = {UNDER_ASAN}\n" + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_every_failing_allocation():
    """Wherever memory runs out: MemoryError, or success where it wasn't needed; then everything works again."""
    pytest.importorskip("_testcapi")
    code = """
        import _testcapi, io, rjson
        from rjson import _core
        text = "é" * 300
        doc = {"a": [1, 2.5, text, {"k" * 100: None}, [[[]]], 10**30], "b": ["x" * 3000], text: {1: 2, None: [iter]}}
        source = rjson.dumps(doc, default=str)
        deep = cell = []
        for _ in range(300):
            cell.append([]); cell = cell[0]
        async def items():
            yield 1
            yield {"b": ["y" * 600]}
        async def answer(obj):
            return "answer"
        def pump():
            p = _core.Pump(rjson.Encoder(default=answer), 512, 10**9, True, _core.FLUSH_ITEMS)
            out = b""
            try:
                p.begin([doc["a"], items(), 1j], b"head")
                state = -1
                while state != _core.PUMP_DONE:
                    state = p.run(-1)
                    out += p.flush(-1, state == _core.PUMP_DONE) or b""
                return out
            finally:
                p.finish()
        jobs = [
            lambda: rjson.dumps(doc, default=str),
            lambda: rjson.dumps_bytes(doc, default=str),
            lambda: rjson.dumps(deep),
            lambda: rjson.dumps(['x' * 5000, '\u65e5' * 3000, '\U0001f600' * 9000, {'\xe9': 1}]),
            lambda: rjson.dumps(['\u65e5', '\xe9' * 9000, 'x' * 70_000]),
            lambda: rjson.dump(doc, io.BytesIO(), chunk_size=512, default=str),
            lambda: rjson.dump(doc, io.StringIO(), chunk_size=512, default=str),
            lambda: b"".join(rjson.iterencode([doc, deep], chunk_size=512, default=str)),
            lambda: rjson.dumps({"a": [{1, 2}]}),
            lambda: rjson.Raw(bytearray(b"[1]")),
            lambda: rjson.Encoder(default=str),
            lambda: repr(rjson.loads(source)),
            lambda: repr(rjson.loads(source.encode())),
            lambda: repr(rjson.loads(source, object_pairs_hook=list, parse_int=str, parse_float=str)),
            lambda: repr(rjson.loads('{"a":1,"b":2,"a":3}')),
            lambda: repr(list(rjson.iterload(io.BytesIO(source.encode() * 3), chunk_size=100))),
            pump,
        ]
        for job in jobs:
            def outcome():
                try:
                    result = job()
                    return result if isinstance(result, (str, bytes, int)) else "object"
                except rjson.EncodeError:
                    return "EncodeError"  # its path may be lost for lack of memory
            expected = outcome()
            for n in range(1, 400):
                failed = False
                _testcapi.set_nomemory(n, n + 1)
                try:
                    got = outcome()
                except MemoryError:
                    failed = True
                except SystemError as e:
                    # The interpreter itself, out of memory for a traceback (json.dumps shows the same). A function of
                    # ours that failed in silence would be a built-in that "returned NULL without setting an exception".
                    failed = str(e) == "error return without exception set" or str(e).startswith("<function ")
                finally:
                    _testcapi.remove_mem_hooks()
                assert failed or got == expected, (job, n)
            assert outcome() == expected
        print("survived")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=300)
    assert done.stdout == "survived\n", done.stderr[-2000:]


def test_subinterpreters_and_reimport():
    """The module's state belongs to its interpreter: another can import, use and drop it."""
    code = """
        import importlib, sys, rjson
        try:
            import _xxsubinterpreters as interpreters
        except ImportError:
            import _interpreters as interpreters
        for _ in range(3):
            i = interpreters.create()
            interpreters.run_string(i, "import rjson; assert rjson.dumps([1, {'a': None}]) == '[1,{\\"a\\":null}]'")
            interpreters.destroy(i)
        first = rjson
        for name in [n for n in sys.modules if n.startswith("rjson")]:
            del sys.modules[name]
        second = importlib.import_module("rjson")
        assert second is not first and second.dumps([1]) == first.dumps([1]) == "[1]"
        assert second.EncodeError is not first.EncodeError
        print("fine")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60)
    assert done.stdout == "fine\n", done.stderr[-2000:]


@pytest.mark.parametrize("item", ["ascii", "é", "日本語", "😀", 1.5], ids=ascii)
@pytest.mark.parametrize("encode", [rjson.dumps, rjson.dumps_bytes])
def test_signals_are_handled_while_a_long_result_is_made(encode, item):
    """Ctrl-C, or the handler of any other signal, need not wait until everything is encoded."""
    document = [item] * 6_000_000
    alarms = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: alarms.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        encode(document)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(alarms) > 3  # those that have to wait become one
