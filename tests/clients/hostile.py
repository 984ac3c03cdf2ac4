"""Pickles that run a command when they are loaded: alone, and hidden in a record's extra field. Then a record that does not."""

import logging
import logging.handlers
import os
import pickle
import socket
import struct
import sys

port, marker = int(sys.argv[1]), sys.argv[2]


class Evil(object):
    def __reduce__(self):
        return os.system, ("echo executed > '%s'" % marker,)


connection = socket.create_connection(("127.0.0.1", port))
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    for thing in (
        Evil(),
        {"name": "hostile", "levelno": 20, "levelname": "INFO", "msg": "with %d" % protocol, "args": None, "evil": Evil()},
        {"name": "hostile", "levelno": 20, "levelname": "INFO", "msg": Evil(), "args": None},
    ):
        payload = pickle.dumps(thing, protocol)
        connection.sendall(struct.pack(">L", len(payload)) + payload)
harmless = logging.makeLogRecord({"name": "hostile", "msg": "harmless", "levelno": 20, "levelname": "INFO"})
connection.sendall(logging.handlers.SocketHandler("127.0.0.1", port).makePickle(harmless))
connection.close()
print(pickle.HIGHEST_PROTOCOL + 1)
