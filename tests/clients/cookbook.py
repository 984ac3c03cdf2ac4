"""The sending end of "Sending and receiving logging events across a network" in Python's logging cookbook."""

import logging
import logging.handlers
import sys

rootLogger = logging.getLogger("")
rootLogger.setLevel(logging.DEBUG)
socketHandler = logging.handlers.SocketHandler("127.0.0.1", int(sys.argv[1]))
rootLogger.addHandler(socketHandler)

logging.info("Jackdaws love my big sphinx of quartz.")

logger1 = logging.getLogger("myapp.area1")
logger2 = logging.getLogger("myapp.area2")

logger1.debug("Quick zephyrs blow, vexing daft Jim.")
logger1.info("How quickly daft jumping zebras vex.")
logger2.warning("Jail zesty vixen who grabbed pay from quack.")
logger2.error("The five boxing wizards jump quickly.")
