"""A receiver as Python programs have it: prints each record's attributes as a line of JSON. Its argument is the port, 0 for any.

The first line is the port that it listens on. With a second argument other than 0 it ends after so many records, without a word
to anybody. With a certificate and its key as the third and fourth it speaks TLS.
"""

import json
import logging
import os
import pickle
import socketserver
import ssl
import struct
import sys

LIMIT = int(sys.argv[2]) if len(sys.argv) > 2 else None
seen = 0


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Connection(socketserver.StreamRequestHandler):
    def handle(self):
        global seen
        while len(header := self.rfile.read(4)) == 4:
            (length,) = struct.unpack(">L", header)
            payload = self.rfile.read(length)
            if len(payload) < length:
                say(json.dumps({"half": len(payload)}))
                return
            record = logging.makeLogRecord(pickle.loads(payload))
            formatted = logging.Formatter("%(relativeCreated)5d %(name)s %(process)d %(lineno)d %(message)s").format(record)
            say(json.dumps({"formatted": formatted, **record.__dict__}))
            seen += 1
            if seen == LIMIT:
                os._exit(0)
        if isinstance(self.request, ssl.SSLSocket):
            # Ends TLS in good order; a close alone does not.
            self.request.unwrap()


class Server(socketserver.TCPServer):
    allow_reuse_address = True

    def get_request(self):
        connection, address = super().get_request()
        if len(sys.argv) > 3:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(sys.argv[3], sys.argv[4])
            connection = context.wrap_socket(connection, server_side=True)
        return connection, address


with Server(("127.0.0.1", int(sys.argv[1])), Connection) as server:
    say(str(server.server_address[1]))
    server.serve_forever()
