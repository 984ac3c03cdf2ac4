"""A SocketHandler inside of TLS. Arguments: the port, the CA's certificate, and perhaps the client's certificate and key."""

import logging
import logging.handlers
import ssl
import sys


class TlsSocketHandler(logging.handlers.SocketHandler):
    def makeSocket(self, timeout=1):
        context = ssl.create_default_context(cafile=sys.argv[2])
        if len(sys.argv) > 3:
            context.load_cert_chain(sys.argv[3], sys.argv[4])
        return context.wrap_socket(super().makeSocket(timeout), server_hostname="localhost")


handler = TlsSocketHandler("127.0.0.1", int(sys.argv[1]))
logger = logging.getLogger("secret")
logger.addHandler(handler)
logger.setLevel(logging.DEBUG)
for i in range(100):
    logger.info("whisper %d", i)
handler.close()
