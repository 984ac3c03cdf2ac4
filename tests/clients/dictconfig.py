"""A program set up by logging.config.dictConfig: its own console format beside a SocketHandler, levels by logger."""

import logging
import logging.config
import os
import sys

logging.config.dictConfig(
    {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"short": {"format": "%(asctime)s %(levelname)s %(message)s"}},
        "handlers": {
            # It formats every record first and leaves `message` and `asctime` in it.
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "short",
                "stream": "ext://sys.stdout",
            },
            "store": {
                "class": "logging.handlers.SocketHandler",
                "host": "127.0.0.1",
                "port": int(sys.argv[1]),
                "level": "INFO",
            },
        },
        "loggers": {"shop": {"level": "DEBUG"}, "shop.noisy": {"level": "ERROR"}},
        "root": {"level": "WARNING", "handlers": ["console", "store"]},
    }
)
logging.getLogger("shop").debug("below the handler's level")
logging.getLogger("shop.orders").info("order %s of %.2f EUR", "A-7", 12.5)
logging.getLogger("shop.noisy").warning("below the logger's level")
logging.getLogger("shop.orders").warning("%(left)d left of %(article)s", {"left": 3, "article": u"th\u00e9"})
logging.getLogger("other").info("below the root's level")
