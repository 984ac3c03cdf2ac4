"""Exceptions, stacks, and `extra=` of many types. Prints what it sent, where that is best known here."""

import collections
import datetime
import decimal
import enum
import json
import logging
import logging.handlers
import pathlib
import sys
import traceback
import uuid

logger = logging.getLogger("extras")
logger.setLevel(logging.DEBUG)
logger.addHandler(logging.handlers.SocketHandler("127.0.0.1", int(sys.argv[1])))


class Order:
    def __init__(self):
        self.number = 7
        self.articles = ["tea", "cup"]


class Color(enum.Enum):
    RED = 1


Point = collections.namedtuple("Point", "x y")

sent = {}
try:
    try:
        1 / 0
    except ZeroDivisionError as error:
        raise ValueError("naïve ✓") from error
except ValueError:
    sent["exception"] = traceback.format_exc().rstrip("\n")
    logger.exception("it failed for %s", "ada")

logger.info("where am I", stack_info=True)

logger.info(
    "plain values",
    extra={
        "number": 5,
        "large": 2**100,
        "ratio": 0.1,
        "yes": True,
        "nothing": None,
        "text": "a ✓ 🦀\x00\n\"quoted\"",
        "nested": {"user": {"id": 7, "tags": ["a", "b"]}, "3": (1, 2)},
        "inf": float("inf"),
    },
)
logger.info(
    "well-known objects",
    extra={
        "moment": datetime.datetime(2026, 11, 22, 16, 20, 25, 123456, tzinfo=datetime.timezone.utc),
        "local": datetime.datetime(2026, 11, 22, 16, 20, 25),
        "day": datetime.date(2026, 11, 22),
        "length": datetime.timedelta(days=1, seconds=2),
        "price": decimal.Decimal("12.50"),
        "uuid": uuid.UUID("12345678-1234-5678-1234-567812345678"),
        "path": pathlib.PurePosixPath("/srv/app") / "x.txt",
        "set": {3},
        "bytes": b"\x00\xffabc",
        "complex": 1 + 2j,
        "color": Color.RED,
        "point": Point(1, 2),
    },
)
logger.info("unknown objects", extra={"order": Order(), "after": "kept"})
logging.getLogger("extras.last").info("the last one")
print(json.dumps(sent))
logging.shutdown()
