"""Two asyncio tasks. Prints whether this Python names them in its records, which it does from 3.12 on."""

import asyncio
import logging
import logging.handlers
import sys

logger = logging.getLogger("tasks")
logger.setLevel(logging.DEBUG)
logger.addHandler(logging.handlers.SocketHandler("127.0.0.1", int(sys.argv[1])))


async def work(name):
    await asyncio.sleep(0)
    logger.info("in %s", name)


async def main():
    await asyncio.gather(*(asyncio.create_task(work(name), name=name) for name in ("ada", "bob")))


asyncio.run(main())
logger.info("outside")
print(sys.version_info >= (3, 12))
