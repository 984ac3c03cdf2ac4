"""COUNT records through a plain SocketHandler: "record 0", "record 1", ... at INFO."""

import logging
import logging.handlers
import sys

port, count = int(sys.argv[1]), int(sys.argv[2])
logger = logging.getLogger(sys.argv[3] if len(sys.argv) > 3 else "plain")
logger.setLevel(logging.DEBUG)
logger.addHandler(logging.handlers.SocketHandler("127.0.0.1", port))
for number in range(count):
    logger.info("record %d", number)
logging.shutdown()
