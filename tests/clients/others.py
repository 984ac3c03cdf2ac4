"""loguru and structlog through SocketHandler, and Python's HTTPHandler and DatagramHandler. Argument: the port."""

import logging
import logging.handlers
import sys

import loguru
import structlog

port = int(sys.argv[1])

loguru.logger.remove()
handler = logging.handlers.SocketHandler("127.0.0.1", port)
loguru.logger.add(handler, format="{message}")
loguru.logger.bind(user="ada").success("loguru says {}", "hello")
try:
    {}["key"]
except KeyError:
    loguru.logger.exception("loguru broke")
loguru.logger.remove()
handler.close()

handler = logging.handlers.SocketHandler("127.0.0.1", port)
logging.getLogger("struct").addHandler(handler)
logging.getLogger("struct").setLevel(logging.DEBUG)
structlog.configure(
    processors=[
        structlog.stdlib.add_log_level,
        structlog.stdlib.render_to_log_kwargs,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
)
structlog.get_logger("struct").warning("structlog says hello", user="ada", items=[1, 2])
handler.close()

http = logging.handlers.HTTPHandler(f"127.0.0.1:{port}", "/ingest", method="POST")
logging.getLogger("web").addHandler(http)
logging.getLogger("web").error("over http: 100% & more", extra={"user": "ada"})

datagrams = logging.handlers.DatagramHandler("127.0.0.1", port)
logging.getLogger("udp").addHandler(datagrams)
logging.getLogger("udp").error("over udp", extra={"user": "ada"})
datagrams.close()
