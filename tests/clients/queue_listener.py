"""QueueHandler in front, QueueListener with a SocketHandler behind: what slow handlers are put behind."""

import logging
import logging.handlers
import queue
import sys
import threading

port, threads, count = (int(argument) for argument in sys.argv[1:4])
records = queue.Queue(-1)
listener = logging.handlers.QueueListener(records, logging.handlers.SocketHandler("127.0.0.1", port))
logger = logging.getLogger("queued")
logger.setLevel(logging.DEBUG)
logger.addHandler(logging.handlers.QueueHandler(records))
listener.start()


def work():
    for number in range(count):
        logger.info("%s at %d", threading.current_thread().name, number)


workers = [threading.Thread(target=work, name="worker-%d" % i) for i in range(threads)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
try:
    {}["missing"]
except KeyError:
    logger.exception("lookup failed")
listener.stop()
logging.shutdown()
