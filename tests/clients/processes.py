"""PROCESSES processes at once, COUNT records each."""

import logging
import logging.handlers
import multiprocessing
import sys


def work(port, number, count, start):
    logger = logging.getLogger("farm.worker%d" % number)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(logging.handlers.SocketHandler("127.0.0.1", port))
    start.wait()
    for i in range(count):
        logger.log(10 * (1 + i % 5), "%d", i)
    logging.shutdown()


if __name__ == "__main__":
    port, processes, count = (int(argument) for argument in sys.argv[1:4])
    start = multiprocessing.Barrier(processes)
    workers = [
        multiprocessing.Process(target=work, args=(port, i, count, start), name="farm-%d" % i)
        for i in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not any(worker.exitcode for worker in workers)
