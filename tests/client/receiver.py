"""A receiver as Python programs have it: prints each record's attributes as a line of JSON. Its argument is the port, 0 for any.

The first line is the port that it listens on. With a second argument it ends after so many records, without a word to anybody.
"""

import json
import logging
import os
import pickle
import socketserver
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


class Server(socketserver.TCPServer):
    allow_reuse_address = True


with Server(("127.0.0.1", int(sys.argv[1])), Connection) as server:
    say(str(server.server_address[1]))
    server.serve_forever()
