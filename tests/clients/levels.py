"""Levels with names and numbers of the program's own."""

import logging
import logging.handlers
import sys

logging.addLevelName(35, "AUDIT")
logging.addLevelName(5, "TRACE")
logging.addLevelName(logging.WARNING, "Warnung")
logger = logging.getLogger("levels")
logger.setLevel(1)
logger.addHandler(logging.handlers.SocketHandler("127.0.0.1", int(sys.argv[1])))
for level in (5, 12, 30, 35, 70):
    logger.log(level, "at %d", level)
