"""pygelf and graypy, over TCP, UDP and HTTP, with and without chunks and compression. Argument: the port."""

import logging
import random
import string
import sys

import graypy
import pygelf

port = int(sys.argv[1])
random.seed(1)
noise = "".join(random.choices(string.ascii_letters, k=20000))
handlers = {
    "pygelf.tcp": pygelf.GelfTcpHandler("127.0.0.1", port, include_extra_fields=True),
    "pygelf.udp": pygelf.GelfUdpHandler("127.0.0.1", port, include_extra_fields=True),
    "pygelf.http": pygelf.GelfHttpHandler("127.0.0.1", port, include_extra_fields=True),
    "graypy.tcp": graypy.GELFTCPHandler("127.0.0.1", port),
    "graypy.udp": graypy.GELFUDPHandler("127.0.0.1", port),
    "graypy.http": graypy.GELFHTTPHandler("127.0.0.1", port),
}
for name, handler in handlers.items():
    logger = logging.getLogger(name)
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    logger.info("hello from %s", name, extra={"user": "ada", "elapsed": 1.5})
    # Too long for a datagram, also when it is packed.
    logger.warning(noise)
    try:
        1 / 0
    except ZeroDivisionError:
        logger.exception("it broke")
    handler.close()
