# -*- coding: utf-8 -*-
"""Writes corpus-<version>.jsonl: pickled log records and what CPython itself says that they hold.

Run it with each CPython whose pickles matter (2.7 and 3.6 or later), the oldest first and from any directory, with numpy
for one of them at least:

    python2.7 make.py; python3.6 make.py; ...; python3.13 make.py

Pickles that an older CPython writes byte for byte the same are left out.

A line is one record: its pickle for each protocol (base64), and in "expect" the fields of the record as Python has them and
the extra fields as this project's table of JSON values says (see `src/wire/pickle/json.rs` and `known/mod.rs`). Markers in
an expected value: {"$set": [...]} in any order, {"$oneof": [...]} one of these, {"$any": true} whatever it is.
"""

from __future__ import division, print_function, unicode_literals

import base64
import collections
import datetime
import decimal
import fractions
import io
import json
import logging
import logging.handlers
import math
import os
import pickle
import sys
import uuid

try:
    import numpy
except ImportError:
    numpy = None

PY2 = sys.version_info[0] == 2
HERE = os.path.dirname(os.path.abspath(__file__))
TEXT = type("")
LINES = []


# ---------------------------------------------------------------------------------------------- what a line is made of


def created_ns(created):
    whole = math.floor(created)
    return int(whole) * 10**9 + int(round((created - whole) * 1e9))


def dumps(value, protocol):
    # Python 2's C pickler and its Python one agree but for memo opcodes; the C one is what logging uses.
    if PY2:
        import cPickle

        return cPickle.dumps(value, protocol)
    return pickle.dumps(value, protocol)


def line(name, pickles, expect):
    encoded = {}
    for protocol, data in pickles.items():
        encoded[str(protocol)] = base64.b64encode(data).decode("ascii")
    LINES.append(collections.OrderedDict([("name", name), ("pickles", encoded), ("expect", expect)]))


def every(value, protocols=None):
    if protocols is None:
        protocols = range(pickle.HIGHEST_PROTOCOL + 1)
    return {protocol: dumps(value, protocol) for protocol in protocols}


FIELDS = (
    "name levelno levelname pathname filename module lineno funcName process processName thread threadName taskName"
    " exc_text stack_info"
).split()


def fields_of(record_dict, message):
    expect = {key: record_dict.get(key) for key in FIELDS}
    expect["message"] = message
    expect["created_ns"] = created_ns(record_dict["created"])
    return expect


def small(**fields):
    """A record's dict with the least that is needed to compare it."""
    record = {str("name"): str("corpus"), str("levelno"): 20, str("created"): 1795364425.25}
    for key, value in fields.items():
        record[str(key)] = value
    return record


def extras(name, values, protocols=None):
    """One record with many extra fields: values are pairs of a value and what it is in JSON."""
    record = small(msg=str("extras"), args=None)
    for key, (value, _) in values.items():
        record[str(key)] = value
    expect = {"message": "extras", "extra": {key: shown for key, (_, shown) in values.items()}}
    line(name, every(record, protocols), expect)


# ------------------------------------------------------------------------------------------------------- real records


def real_record(level=logging.WARNING, msg="Jail %s vixen who grabbed pay from %s.", args=("zesty", "quack"), **more):
    logger = logging.Logger(str("myapp.area2"))
    record = logger.makeRecord(
        logger.name, level, str("/srv/app/area2.py"), 42, str(msg), args, more.pop("exc_info", None), str("grab")
    )
    # What differs from run to run, held still.
    record.created = more.pop("created", 1795364425.1234567)
    record.msecs = (record.created - int(record.created)) * 1000
    record.relativeCreated = 1234.5678
    record.process, record.processName = 4242, str("MainProcess")
    record.thread, record.threadName = 140280481094528, str("MainThread")
    if hasattr(record, "taskName"):
        record.taskName = more.pop("taskName", None)
    for key, value in more.items():
        setattr(record, str(key), value)
    return record


def real_lines(name, record, extra):
    """The frame as SocketHandler makes it (protocol 1) and the same dict in every other protocol."""
    handler = logging.handlers.SocketHandler(str("localhost"), 0)
    frame = handler.makePickle(record)[4:]
    sent = pickle.loads(frame)
    expect = fields_of(sent, record.getMessage())
    expect["extra"] = extra
    pickles = every(sent)
    pickles[1] = frame
    line(name, pickles, expect)


def raised():
    source = "def work(n):\n    return 10 // n\n\nwork(0)\n"
    try:
        exec(compile(source, "/srv/app/jobs.py", "exec"), {})
    except ZeroDivisionError:
        return sys.exc_info()[:2] + (sys.exc_info()[2].tb_next,)


def real_records():
    real_lines("a record", real_record(), {})
    real_lines("every level", real_record(level=logging.CRITICAL, created=0.0), {})
    logging.addLevelName(35, str("LOUD"))
    real_lines("a level of its own", real_record(level=35, created=1795364425.9999998), {})
    real_lines("a traceback", real_record(level=logging.ERROR, exc_info=raised()), {})
    real_lines("before 1970", real_record(created=-1.75), {})
    real_lines(
        "a stack and a task",
        real_record(
            stack_info=str('Stack (most recent call last):\n  File "/srv/app/area2.py", line 42, in grab'),
            taskName=str("Task-7"),
        ),
        {} if hasattr(real_record(), "taskName") else {},
    )
    real_lines(
        "extra fields",
        real_record(user=str("ada"), elapsed=1.5, ok=True, nothing=None, ids=[1, 2, 3], where={str("x"): {str("y"): 1}}),
        {"user": "ada", "elapsed": 1.5, "ok": True, "nothing": None, "ids": [1, 2, 3], "where": {"x": {"y": 1}}},
    )
    if not PY2:
        real_lines("a message of any script", real_record(msg="größe ✓ 😀 \x00 end", args=()), {})


# ------------------------------------------------------------------------------------------------------- extra values


def integers():
    values = {}
    for bits in (7, 8, 15, 16, 31, 32, 53, 62, 63, 64, 65, 100, 127, 128, 1000):
        for value in (2**bits - 1, 2**bits, -(2**bits), -(2**bits) - 1):
            fits = -(2**63) <= value < 2**64
            values["i%s" % str(value)[:40] + "_%d" % bits] = (value, value if fits else str(value))
    values["zero"] = (0, 0)
    if PY2:
        values["long"] = (eval("5L"), 5)
    extras("integers", values)
    # Protocols 0 and 1 write decimal digits, which newer Pythons refuse here.
    huge = {"huge": (1 << 20000, "<integer of %d bits>" % (8 * (20000 // 8 + 1)))}
    extras("a huge integer", huge, range(2, pickle.HIGHEST_PROTOCOL + 1))


def floats():
    values = {"nan": (float("nan"), "NaN"), "inf": (float("inf"), "Infinity"), "ninf": (float("-inf"), "-Infinity")}
    for value in (0.0, -0.0, 0.1, 1.5, 1e16, 1e-7, 1e300, 5e-324, 1.7976931348623157e308, 123456789.123, -2.5e-10):
        values["f%r" % value] = (value, value)
    extras("floats", values)


def texts():
    values = {
        "empty": ("", ""),
        "ascii": ("plain", "plain"),
        "nul": ("a\x00b", "a\x00b"),
        "controls": ("".join(map(chr, range(32))) if not PY2 else "\x01\x1f", "".join(map(chr, range(32))) if not PY2 else "\x01\x1f"),
        "quotes": ("\"it's\" \\ / \n\r\t", "\"it's\" \\ / \n\r\t"),
        "umlauts": ("größe €", "größe €"),
        "astral": ("\U0001f600", "\U0001f600"),
        "separators": ("\u2028\u2029\x7f\x85", "\u2028\u2029\x7f\x85"),
        "escape": ("\\u0041 \\x41", "\\u0041 \\x41"),
        "long": ("x" * 300 + "é" * 300, "x" * 300 + "é" * 300),
    }
    if PY2:
        values["bytes"] = (b"caf\xe9 \xff", "caf\\xe9 \\xff")
        values["utf8"] = ("größe".encode("utf-8"), "größe")
        values["quoted"] = (b"it's \"\n\x00", "it's \"\n\x00")
    else:
        values["surrogate"] = ("a\udc80b", "a\\udc80b")
        values["high"] = ("\ud83d.", "\\ud83d.")
    extras("texts", values)


def octets():
    if PY2:
        values = {"array": (bytearray(b"\x00\xffab"), repr_of_bytes(b"\x00\xffab"))}
    else:
        values = {
            "empty": (b"", "b''"),
            "ascii": (b"ab", "b'ab'"),
            "binary": (bytes(range(256)), repr(bytes(range(256)))),
            "quotes": (b"it's", repr(b"it's")),
            "long": (b"\x80" * 300, repr(b"\x80" * 300)),
            "array": (bytearray(b"\x00\xffab"), "b'\\x00\\xffab'"),
            "empty_array": (bytearray(), "b''"),
        }
    extras("bytes", values)


def repr_of_bytes(value):
    return "b" + repr(value) if PY2 else repr(value)


def containers():
    shared = [1, 2]
    loop_list = [1]
    loop_list.append(loop_list)
    loop_dict = {str("a"): 1}
    loop_dict[str("self")] = loop_dict
    loop_tuple = ([],)
    loop_tuple[0].append(loop_tuple)
    deep50 = deep500 = str("bottom")
    expected = "bottom"
    for _ in range(50):
        deep50, expected = [deep50], [expected]
    for _ in range(500):
        deep500 = [deep500]
    ordered = collections.OrderedDict([(str("z"), 1), (str("a"), [2])])
    default = collections.defaultdict(list, {str("k"): [1]})
    counter = collections.Counter(str("aab"))
    keys = {1: 1, None: 2, (1, 2): 3, 1.5: 4, False: 5, str("k"): 6, (): 7, (1,): 8, -(2**70): 9, frozenset([1]): 10}
    if not PY2:
        keys[b"\x00"] = 11
    shown = {("%d" % k if isinstance(k, type(2**70)) and k is not False else str(k)): v for k, v in keys.items()}
    shown["frozenset({1})"] = shown.pop(str(frozenset([1])))
    values = {
        "empty_list": ([], []),
        "empty_dict": ({}, {}),
        "empty_tuple": ((), []),
        "list": ([1, str("a"), None, 1.5, True], [1, "a", None, 1.5, True]),
        "tuples": (((1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)), [[1], [1, 2], [1, 2, 3], [1, 2, 3, 4]]),
        "dict": ({str("a"): {str("b"): []}}, {"a": {"b": []}}),
        "keys": (keys, shown),
        "shared": ([shared, shared, {str("s"): shared}], [[1, 2], [1, 2], {"s": [1, 2]}]),
        "loop_list": (loop_list, [1, "<recursive>"]),
        "loop_dict": (loop_dict, {"a": 1, "self": "<recursive>"}),
        "loop_tuple": (loop_tuple, [["<recursive>"]]),
        "set": ({1, 2, 3}, {"$set": [1, 2, 3]}),
        "empty_set": (set(), []),
        "frozenset": (frozenset([10, 20]), {"$set": [10, 20]}),
        "empty_frozenset": (frozenset(), []),
        "nested_set": ({frozenset([1])}, [[1]]),
        "deque": (collections.deque([1, 2]), [1, 2]),
        "bounded_deque": (collections.deque([1, 2], 5), [1, 2]),
        "empty_deque": (collections.deque(), []),
        "empty_bounded_deque": (collections.deque([], 5), []),
        "ordered": (ordered, {"z": 1, "a": [2]}),
        "empty_ordered": (collections.OrderedDict(), {}),
        "default": (default, {"k": [1]}),
        "empty_default": (collections.defaultdict(), {}),
        "counter": (counter, {"a": 2, "b": 1}),
    }
    extras("containers", values)
    # Apart, since the pickles of these hardly change from one version to the next.
    values = {
        "deep50": (deep50, expected),
        "deep500": (deep500, {"$any": True}),
        "many": (list(range(1100)), list(range(1100))),
        "many_keys": ({i: 0 for i in range(1010)}, {str(i): 0 for i in range(1010)}),
    }
    extras("large containers", values)


class Offset(datetime.tzinfo):
    """A zone of one's own: no offset of it is on the wire."""

    def utcoffset(self, _):
        return datetime.timedelta(hours=1)

    def dst(self, _):
        return None


def times():
    naive = datetime.datetime(2026, 11, 22, 16, 20, 25, 123456)
    values = {
        "naive": (naive, naive.isoformat()),
        "whole": (naive.replace(microsecond=0), "2026-11-22T16:20:25"),
        "first": (datetime.datetime.min, datetime.datetime.min.isoformat()),
        "last": (datetime.datetime.max, datetime.datetime.max.isoformat()),
        "date": (naive.date(), "2026-11-22"),
        "time": (naive.time(), naive.time().isoformat()),
        "midnight": (datetime.time(), "00:00:00"),
        "own_zone": (naive.replace(tzinfo=Offset()), naive.isoformat() + "[__main__.Offset]"),
    }
    spans = [(0, 0, 0), (1, 0, 0), (-1, 0, 0), (2, 3, 4), (0, 86399, 999999), (-3, 5, 6), (999999999, 0, 0), (0, 0, -1)]
    for i, span in enumerate(spans):
        span = datetime.timedelta(*span)
        values["span%d" % i] = (span, str(span))
    if not PY2:
        zones = [
            datetime.timezone.utc,
            datetime.timezone(datetime.timedelta(hours=1)),
            datetime.timezone(datetime.timedelta(hours=-3, minutes=-30)),
            datetime.timezone(datetime.timedelta(hours=2), "CEST"),
        ]
        if sys.version_info >= (3, 7):
            zones.append(datetime.timezone(datetime.timedelta(seconds=-3723, microseconds=5)))
        for i, zone in enumerate(zones):
            values["zone%d" % i] = (zone, str(zone))
            values["aware%d" % i] = (naive.replace(tzinfo=zone), naive.replace(tzinfo=zone).isoformat())
            values["time%d" % i] = (naive.timetz().replace(tzinfo=zone), naive.timetz().replace(tzinfo=zone).isoformat())
        values["fold"] = (naive.replace(fold=1), naive.isoformat())
        values["fold_time"] = (naive.time().replace(fold=1), naive.time().isoformat())
    if sys.version_info >= (3, 9):
        import zoneinfo

        try:
            berlin = zoneinfo.ZoneInfo("Europe/Berlin")
            values["zoneinfo"] = (berlin, "Europe/Berlin")
            values["berlin"] = (naive.replace(tzinfo=berlin), naive.isoformat() + "[Europe/Berlin]")
        except zoneinfo.ZoneInfoNotFoundError:
            print("no tz database: zoneinfo is left out", file=sys.stderr)
    extras("times", values)


def numbers_and_names():
    values = {}
    for value in ("1.10", "-0", "1E+30", "NaN", "Infinity", "0.00000000000000000001"):
        values["decimal" + value] = (decimal.Decimal(value), str(decimal.Decimal(value)))
    for value in ((1, 3), (-7, 2), (4, 1), (10**30, 7)):
        value = fractions.Fraction(*value)
        values["fraction%s" % value] = (value, str(value))
    for value in ("12345678-1234-5678-1234-567812345678", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"):
        values["uuid" + value[:2]] = (uuid.UUID(value), value)
    for value in (1 + 2j, 2j, -0.0 - 2.5j, complex("nan"), complex("-inf+1e20j")):
        values["complex%s" % value] = (value, str(value))
    # Python 2 pickles no slice.
    if not PY2:
        values["range"] = (range(3), "range(0, 3)")
        values["range_step"] = (range(10, 0, -2), "range(10, 0, -2)")
        values["slice"] = (slice(1, None, 2), "slice(1, None, 2)")
        values["ellipsis"] = (Ellipsis, "Ellipsis")
        values["not_implemented"] = (NotImplemented, "NotImplemented")
        values["none_type"] = (type(None), "<class 'NoneType'>")
        values["class"] = (int, "<class 'int'>")
        values["exception_class"] = (ValueError, "<class 'ValueError'>")
    values["function"] = (len, "<len>")
    values["own_class"] = (User, "<class '__main__.User'>")
    values["own_function"] = (times, "<__main__.times>")
    if sys.version_info >= (3, 7):
        # Loggers came to be pickled by their name in 3.7.
        values["logger"] = (logging.getLogger("myapp.area2"), "<Logger myapp.area2>")
        values["root"] = (logging.getLogger(), {"$oneof": ["<RootLogger root>", "<Logger root>"]})
    if not PY2:
        import ipaddress
        import pathlib
        import types

        for i, path in enumerate(("/srv/data/x.csv", "rel/x", ".", "/", "//host/share", "a//b/./c", "", "..")):
            values["path%d" % i] = (pathlib.PurePosixPath(path), str(pathlib.PurePosixPath(path)))
        values["real_path"] = (pathlib.Path("/srv/app"), "/srv/app")
        values["joined"] = (pathlib.PurePosixPath("/a", "b", "/c", "d"), "/c/d")
        for i, path in enumerate(("C:\\Users\\ada\\x.txt", "rel\\x", "\\\\host\\share\\x", "C:/a/b")):
            values["windows%d" % i] = (pathlib.PureWindowsPath(path), str(pathlib.PureWindowsPath(path)))
        for text in ("10.1.2.3", "::1", "2001:db8::8:800:200c:417a"):
            values["ip" + text] = (ipaddress.ip_address(text), text)
        values["network"] = (ipaddress.ip_network("10.0.0.0/8"), "10.0.0.0/8")
        values["namespace"] = (types.SimpleNamespace(a=1, b=[2]), {"a": 1, "b": [2]})
        values["empty_namespace"] = (types.SimpleNamespace(), {})
    extras("numbers and names", values)


# ------------------------------------------------------------------------------------------------------------ objects


class User(object):
    """An ordinary object."""


class Empty(object):
    """An object without attributes."""


class Slots(object):
    __slots__ = ("x", "y", "__dict__")


class OwnState(object):
    def __getstate__(self):
        return (1, str("two"))

    def __setstate__(self, state):
        pass


class ListOfOwn(list):
    pass


class DictOfOwn(dict):
    pass


class IntOfOwn(int):
    pass


class TextOfOwn(str):
    pass


class WithNewArgs(object):
    def __new__(cls, *args):
        return object.__new__(cls)

    def __getnewargs__(self):
        return (1, str("b"))


class Failure(Exception):
    """An exception of one's own."""


Point = collections.namedtuple(str("Point"), str("x y"))

if PY2:
    exec("class Classic:\n    pass\n")
else:
    exec(
        """
import enum

class Color(enum.Enum):
    RED = 1

class Number(enum.IntEnum):
    ONE = 1

class Outer:
    class Inner:
        pass

class WithKeywords:
    def __new__(cls, *args, **kwargs):
        return object.__new__(cls)
    def __getnewargs_ex__(self):
        return (1,), {"b": 2}
"""
    )
if sys.version_info >= (3, 7):
    exec("import dataclasses\n@dataclasses.dataclass\nclass Item:\n    name: str\n    price: float = 1.5\n")


def described(_class, **more):
    value = {"__class__": "__main__." + _class}
    value.update(more)
    return value


def objects():
    user = User()
    user.name, user.id = str("ada"), 5
    user.tags = [str("a")]
    selfish = User()
    selfish.me = selfish
    clashing = User()
    setattr(clashing, str("__class__x"), 1)
    clashing.__dict__[str("__args__")] = 2
    list_of_own = ListOfOwn([1, 2])
    list_of_own.note = str("n")
    failure = Failure(str("bad"), 7)
    failure.code = 5
    noted = ValueError(str("bad"))
    noted.code = 5
    values = {
        "user": (user, described("User", name="ada", id=5, tags=["a"])),
        "empty": (Empty(), described("Empty")),
        "selfish": (selfish, described("User", me="<recursive>")),
        "clashing": (clashing, described("User", __state__={"__class__x": 1, "__args__": 2})),
        "own_state": (OwnState(), described("OwnState", __state__=[1, "two"])),
        "list": (list_of_own, described("ListOfOwn", __items__=[1, 2], note="n")),
        "dict": (DictOfOwn(a=1), described("DictOfOwn", __mapping__={"a": 1})),
        "int": (IntOfOwn(5), described("IntOfOwn", __args__=[5])),
        "text": (TextOfOwn(str("t")), described("TextOfOwn", __args__=["t"])),
        "point": (Point(1, str("b")), described("Point", __args__=[1, "b"])),
        "failure": (failure, described("Failure", __args__=["bad", 7], code=5)),
        "value_error": (ValueError(str("bad")), "ValueError('bad')"),
        "two_args": (ValueError(str("bad"), 7), "ValueError('bad', 7)"),
        "bare_error": (KeyError(), "KeyError()"),
        "nested_error": (RuntimeError(KeyError(str("k"))), "RuntimeError(KeyError('k'))"),
        "noted": (noted, {"__class__": "builtins.ValueError", "__args__": ["bad"], "code": 5}),
        "in_a_list": ([user, user], [described("User", name="ada", id=5, tags=["a"])] * 2),
        "as_key": ({Point(1, 2): 1}, {"__main__.Point(1, 2)": 1}),
    }
    if PY2:
        classic = Classic()
        classic.a = 1
        values["classic"] = (classic, described("Classic", a=1))
        values["empty_classic"] = (Classic(), described("Classic"))
    if sys.version_info >= (3, 7):
        values["dataclass"] = (Item(str("pen")), described("Item", name="pen", price=1.5))
    if not PY2:
        values["enum"] = (Color.RED, {"$oneof": ["Color.RED", described("Color", __args__=[1])]})
        values["int_enum"] = (Number.ONE, {"$oneof": ["Number.ONE", described("Number", __args__=[1])]})
    extras("objects", values)
    slots = Slots()
    slots.x, slots.y, slots.z = 1, str("why"), 3
    only_slots = Slots()
    only_slots.x = 1
    values = {
        "slots": (slots, described("Slots", x=1, y="why", z=3)),
        "only_slots": (only_slots, described("Slots", x=1)),
        "new_args": (WithNewArgs(), described("WithNewArgs", __args__=[1, "b"])),
    }
    if not PY2:
        values["keywords"] = (WithKeywords(), described("WithKeywords", __args__=[1], __kwargs__={"b": 2}))
        values["inner"] = (Outer.Inner(), described("Outer.Inner"))
        values["inner_class"] = (Outer.Inner, {"$oneof": ["<class '__main__.Outer.Inner'>", "Outer.Inner"]})
    extras("objects of protocol 2", values, range(2, pickle.HIGHEST_PROTOCOL + 1))


def numpy_values():
    if numpy is None:
        return
    values = {
        "true": (numpy.bool_(True), True),
        "int8": (numpy.int8(-5), -5),
        "int64": (numpy.int64(-(2**63)), -(2**63)),
        "uint16": (numpy.uint16(65535), 65535),
        "uint64": (numpy.uint64(2**64 - 1), 2**64 - 1),
        "big_endian": (numpy.dtype(">i4").type(7), 7),
        "float64": (numpy.float64(0.1), 0.1),
        "float32": (numpy.float32(0.1), 0.1),
        "float16": (numpy.float16(0.1), 0.1),
        "float16_small": (numpy.float16(6e-8), 6e-8),
        "float16_large": (numpy.float16(65504), 65500.0),
        "nan": (numpy.float32("nan"), "NaN"),
        "inf": (numpy.float16("inf"), "Infinity"),
        "complex": (numpy.complex128(1 + 2j), "(1+2j)"),
        "str": (numpy.str_("größe"), {"$any": True}),
        "bytes": (numpy.bytes_(b"\x00ab"), {"$any": True}),
        "dtype": (numpy.dtype("f8"), "float64"),
        "array": (numpy.zeros((2, 3)), "array(shape=(2, 3), dtype=float64)"),
        "vector": (numpy.arange(4, dtype="i2"), "array(shape=(4,), dtype=int16)"),
        "list": ([numpy.int32(1), numpy.float64(2.5)], [1, 2.5]),
    }
    for unit in ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns"):
        moment = numpy.datetime64("2026-11-22T16:20:25.123456789").astype("M8[%s]" % unit)
        values["moment_" + unit] = (moment, str(moment))
        span = numpy.timedelta64(5, unit)
        values["span_" + unit] = (span, str(span))
    values["early"] = (numpy.datetime64("1969-12-31T23:59:59.5"), str(numpy.datetime64("1969-12-31T23:59:59.5")))
    values["nat"] = (numpy.datetime64("NaT"), "NaT")
    extras("numpy %s" % numpy.__version__, values)


# ------------------------------------------------------------------------------------------------ messages, arguments


def merged(msg, *args):
    """A message with arguments that were never merged, as clients of their own making send it."""
    record = logging.LogRecord(str("corpus"), 20, str(""), 0, str(msg), args, None)
    try:
        message, extra = record.getMessage(), {}
    except Exception:  # what logging would report on stderr
        message, extra = msg, {"args": {"$any": True}}
    expect = {"message": message, "extra": extra}
    protocols = (1, pickle.HIGHEST_PROTOCOL)
    line("merge %s" % msg, every(small(msg=record.msg, args=record.args), protocols), expect)


def arguments():
    moment = datetime.datetime(2026, 11, 22, 16, 20)
    a = str("a")
    merged("%s", a)
    merged("%s %d %s", a, 3, None)
    merged("%5.2f|%-8s|%08d|%+d|% d|%.3s", 3.14159, a, 42, 7, 8, str("abcdef"))
    merged("%x %X %o %#x", 255, 255, 8, 255)
    merged("%e %g %G %E", 12345.678, 1e-5, 1e20, 0.5)
    merged("%s%%", 5)
    merged("%r %s", str("it's\n"), str("it's"))
    merged("%i %u %d %d %d", 1, 2, 3.99, -3.99, True)
    merged("%s %s %s", 1.0, 1e22, float("nan"))
    merged("%c%c", 65, str("B"))
    merged("%(a)s %(b)05d %(a)s", {str("a"): 1, str("b"): 2})
    merged("%(a)s", {str("b"): 1})
    merged("%s", {str("a"): 1})
    merged("no field", {str("a"): 1})
    merged("%s", [1, a, None, (2,), {a: ()}])
    merged("%s|%s", (1, 2), ())
    merged("%s %d %x", 2**70, -(2**70), 2**64)
    merged("%f %g", 2**70, 10**30)
    merged("%s %r", decimal.Decimal("1.10"), decimal.Decimal("1.10"))
    merged("%.1f %d", decimal.Decimal("2.75"), decimal.Decimal("2.75"))
    merged("%s %r", moment, moment)
    merged("%s %r", moment.date(), moment.time())
    merged("%s", datetime.timedelta(1, 2, 3))
    merged("%s %r", uuid.UUID(int=5), uuid.UUID(int=5))
    merged("%s %s", ValueError(str("bad")), KeyError(str("k")))
    merged("%s|%s", ValueError(), ValueError(1, a))
    merged("%s", OSError(2, str("No such file or directory"), str("x.txt")))
    merged("%s", OSError(2, str("No such file or directory")))
    merged("%s", fractions.Fraction(1, 3))
    merged("%s", collections.deque([1]))
    merged("%s %s %s", True, False, None)
    for msg, args in (
        ("%d", (a,)),
        ("%s %s", (a,)),
        ("a", (a,)),
        ("%q", (1,)),
        ("%", (1,)),
        ("%c", (str("ab"),)),
        ("%f", (a,)),
        ("%d", (float("nan"),)),
        ("%(a)s", (1,)),
        ("%d", (None,)),
    ):
        merged(msg, *args)
    if not PY2:
        merged("%#o", 8)
        merged("%x", 1.5)
        merged("%a %a", "größe", "😀")
        merged("%r %s", b"\x00a", b"\x00a")
        merged("%s %s", {1}, frozenset({2}))
        merged("%r", datetime.datetime(2026, 1, 2, 3, 4, 5, 6, datetime.timezone.utc))
        merged("%s %10s|%-10s|", "größe", "größe", "😀")
        merged("%r", "\u200b\xa0\ud800\U0001f600\x7f")
        import pathlib

        merged("%s %r", pathlib.PurePosixPath("/a/b"), pathlib.PurePosixPath("/a/b"))
        merged("%s", range(3))
    if sys.version_info >= (3, 7):
        merged("%r", datetime.timedelta(1, 2, 3))
    loop = [1]
    loop.append(loop)
    merged("%s", loop)


def messages():
    def message(name, msg, shown, **more):
        line("message " + name, every(small(msg=msg, **more)), {"message": shown, "extra": {}})

    message("percent without arguments", str("100% %s"), "100% %s", args=None)
    message("empty arguments", str("100% %s"), "100% %s", args=())
    message("empty", str(""), "")
    message("integer", 42, "42")
    message("float", 1.5, "1.5")
    message("list", [1, str("a")], "[1, 'a']")
    message("dict", {str("a"): 1}, "{'a': 1}")
    message("exception", ValueError(str("bad")), "bad")
    message("moment", datetime.datetime(2026, 11, 22), "2026-11-22 00:00:00")
    message("only message", None, "said", message=str("said"))
    line("message of nothing but itself", every({str("msg"): str("alone")}), {"message": "alone", "name": "root", "levelno": 0, "extra": {}})
    line("message of an empty dict", every({}), {"message": "", "name": "root", "levelno": 0, "extra": {}})
    line(
        "level by its name",
        every({str("msg"): str("x"), str("levelname"): str("ERROR"), str("name"): str("n")}),
        {"message": "x", "levelno": 40, "levelname": "ERROR", "extra": {}},
    )


def main():
    sys.setrecursionlimit(10000)
    real_records()
    integers()
    floats()
    texts()
    octets()
    containers()
    times()
    numbers_and_names()
    objects()
    numpy_values()
    arguments()
    messages()
    path = os.path.join(HERE, "corpus-%d.%d.jsonl" % sys.version_info[:2])
    older = seen_before(sys.version_info[:2])
    count = 0
    lines = []
    for entry in LINES:
        pickles = entry["pickles"]
        entry["pickles"] = {p: pickles[p] for p in sorted(pickles) if (entry["name"], p, pickles[p]) not in older}
        if entry["pickles"]:
            lines.append(TEXT(json.dumps(entry)) + "\n")
            count += len(entry["pickles"])
    if lines:
        with io.open(path, "w", encoding="utf-8") as out:
            out.writelines(lines)
    print("%s: %d pickles" % (os.path.basename(path), count))


def seen_before(version):
    """What the corpora of older versions hold: name, protocol and pickle."""
    seen = set()
    for name in os.listdir(HERE):
        if name.startswith("corpus-") and tuple(map(int, name[7:-6].split("."))) < version:
            with io.open(os.path.join(HERE, name), encoding="utf-8") as lines:
                for entry in map(json.loads, lines):
                    seen.update((entry["name"], p, data) for p, data in entry["pickles"].items())
    return seen


if __name__ == "__main__":
    main()
