"""Logs so many records a second for so many seconds through an unmodified SocketHandler; prints how many, and the longest call in seconds."""

import json
import logging
import logging.handlers
import sys
import time

port, rate, seconds = map(int, sys.argv[1:])
logger = logging.getLogger("steady")
logger.setLevel(logging.INFO)
logger.addHandler(logging.handlers.SocketHandler("127.0.0.1", port))

longest = 0.0
begin = time.monotonic()
for number in range(rate * seconds):
    ahead = begin + number / rate - time.monotonic()
    if ahead > 0:
        time.sleep(ahead)
    before = time.monotonic()
    logger.info("%d", number)
    longest = max(longest, time.monotonic() - before)
logging.shutdown()
print(json.dumps({"sent": rate * seconds, "longest": longest}))
