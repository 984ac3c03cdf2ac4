"""Python's own SysLogHandler. Arguments: the port, then tcp or udp."""

import logging
import logging.handlers
import socket
import sys

kind = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}[sys.argv[2]]
handler = logging.handlers.SysLogHandler(("127.0.0.1", int(sys.argv[1])), socktype=kind)
logger = logging.getLogger("myapp.sys")
logger.setLevel(logging.DEBUG)
logger.addHandler(handler)
logger.debug("fine print")
logger.warning("disk of 多 at %d %%", 93)
logger.error("two\nlines")
logger.critical("out of cheese")
handler.close()
