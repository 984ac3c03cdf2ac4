"""Runs a command under a pseudo terminal. Takes as JSON its arguments, its environment, and steps: what to wait for, what to type
then. Prints as JSON what the terminal showed and how the command ended."""

import json
import os
import pty
import select
import sys
import time

PATIENCE = 30.0

task = json.loads(sys.argv[1])
steps = list(task["steps"])
process, terminal = pty.fork()
if process == 0:
    os.execvpe(task["command"][0], task["command"], task["environment"])

shown = b""
# Where the next thing to wait for may begin.
since = 0
deadline = time.monotonic() + PATIENCE
while time.monotonic() < deadline:
    if not select.select([terminal], [], [], 0.1)[0]:
        continue
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        # Linux says so when nobody holds the other end any more.
        break
    if not piece:
        break
    shown += piece
    while steps and steps[0][0].encode() in shown[since:]:
        wanted, typed = steps.pop(0)
        since = shown.index(wanted.encode(), since) + len(wanted)
        os.write(terminal, typed.encode())
else:
    os.kill(process, 9)
status = os.waitpid(process, 0)[1]
print(json.dumps({"shown": shown.decode("utf-8", "replace"), "status": status, "missed": steps}))
