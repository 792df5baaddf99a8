"""A supervisor over small programs: `python -m tests.servers.tiny HOME`, servers elsewhere.

Each program notes in HOME/<role>.log when it began and ended; web answers HTTP, bulk has a child.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from marketplace.kit.errors import DomainError
from marketplace.kit.servers.stack import Stack
from marketplace.kit.servers.supervisor import Child, Supervisor

ELSEWHERE = {"DATABASE_URL": "postgresql://elsewhere/x", "REDIS_URL": "redis://elsewhere"}
WAITER = """
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: (note("ended"), sys.exit()))
def note(word):
    with open(sys.argv[1], "a") as file:
        file.write(f"{word} {os.getpid()}\\n")
note("began")
if len(sys.argv) > 2:
    import socket
    listener = socket.socket(fileno=int(sys.argv[2]))
    while True:
        link, _ = listener.accept()
        link.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n")
        link.close()
if "bulk" in sys.argv[1]:
    os.spawnl(os.P_NOWAIT, sys.executable, "python", "-c", "import signal; signal.pause()")
signal.pause()
"""


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(home: Path) -> None:
    def programs(link: socket.socket) -> list[Child]:
        waiter = [sys.executable, "-c", WAITER]
        web = [*waiter, str(home / "web.log"), str(link.fileno())]
        return [
            Child("web", web, sockets=(link.fileno(),)),
            *(Child(role, [*waiter, str(home / f"{role}.log")]) for role in ("worker", "bulk")),
        ]

    stack = Stack.durable(home, ELSEWHERE)
    supervisor = Supervisor(stack=stack, checkout=home, say=say)
    try:
        supervisor.run(port=None, prepare=lambda: say("prepared"), programs=programs)
    except DomainError as refused:
        say(refused.message)
        sys.exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
