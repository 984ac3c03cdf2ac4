"""Sends a few records and prints, as JSON, what logging.Formatter makes of them with each of many formats."""

import io
import json
import logging
import logging.handlers
import sys

FORMATS = [
    "%(message)s",
    "%(name)s:%(levelname)s:%(message)s",
    "%(asctime)s %(levelname)s %(message)s",
    "%(asctime)-30s|%(asctime)30s|%(asctime).10s",
    "%(name)20s|%(name)-20s|%(name).3s|%(name)-6.3s|",
    "%(levelname)-8s|%(levelno)d|%(levelno)05d|%(levelno)x|%(levelno)#o|%(levelno)+d|%(levelno) d",
    "%(levelno)s|%(levelno)5s|%(levelno)r|%(levelno)f|%(levelno).1f|%(levelno)e|%(levelno)g",
    "%(created)f|%(created).3f|%(created)d|%(created)s|%(created)r|%(created)e|%(created)20.2f",
    "%(msecs)d|%(msecs)03d|%(msecs)s|%(msecs).2f",
    "%(relativeCreated)d|%(relativeCreated)5d|%(relativeCreated).1f|%(relativeCreated)s",
    "%(pathname)s",
    "%(filename)s|%(module)s|%(lineno)d|%(lineno)6d|%(lineno)-6d|%(funcName)s",
    "%(process)d|%(processName)s|%(thread)d|%(threadName)s",
    "%(message)r",
    "%(message)a",
    "%(message).5s|%(message)40s|",
    "%(name)s %% 100%% %(message)s",
    "%(name)s\t%(message)s",
    "[%(levelname)8.8s] %(message)s",
    "%(user)s %(user)r",
    "%(count)d|%(count)08.3f|%(count)s|%(count)X",
    "%(ratio)s|%(ratio)r|%(ratio).2f|%(ratio)d|%(ratio)g",
]

made = []


class Keep(logging.Handler):
    def emit(self, record):
        made.append(record)


def exact(*arguments, **options):
    """Moments that a float holds exactly, so that the last digit depends on nothing but the formatter."""
    record = make(*arguments, **options)
    record.created = 1795364425.0 + 0.125 * (1 + len(made))
    record.msecs = 125.0 * (1 + len(made)) % 1000
    record.relativeCreated = 2000.0 + 125.0 * (1 + len(made))
    return record


make = logging.getLogRecordFactory()
logging.setLogRecordFactory(exact)
logging.addLevelName(35, "AUDIT")
logger = logging.getLogger("formatted.by.python")
logger.setLevel(1)
logger.addHandler(Keep())
logger.addHandler(logging.handlers.SocketHandler("127.0.0.1", int(sys.argv[1])))


def work():
    extra = {"user": "ada", "count": 255, "ratio": 0.1}
    logger.info("plain", extra=extra)
    logger.log(35, "with %s and %d%%", "text", 7, extra=extra)
    logger.debug("na\u00efve \u2713 \"quoted\" it's", extra=extra)
    logger.warning("two\nlines", extra=extra)
    logger.critical("", extra=extra)
    try:
        {}["missing"]
    except KeyError:
        logger.exception("it failed", extra=extra)
    logger.error("with a stack", extra=extra, stack_info=True)


work()
logging.shutdown()
answers = []
for style in FORMATS:
    formatter = logging.Formatter(style)
    out = io.StringIO()
    for record in made:
        out.write(formatter.format(record) + "\n")
    answers.append((style, out.getvalue()))
print(json.dumps(answers))
