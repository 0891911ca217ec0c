"""Children for ``engine.io.hdf5`` that are forked from a process which has h5py loaded already.

Starting Python and h5py for each of thousands of files would take hours. All else is as with real
children: one process for each request, with its own limits, which may crash.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

ROOT = Path(__file__).parents[4]
_LENGTH = struct.Struct("<q")


class ForkedChild:
    """As much of ``subprocess.Popen`` as ``engine.io.hdf5`` uses."""

    def __init__(self, server: ForkServer, reading: int, pid: int) -> None:
        self.stdout = os.fdopen(reading, "rb")
        self._server = server
        self._pid = pid

    def kill(self) -> None:
        """End it; the server has not forgotten it yet, so the number is still its own."""
        self._server.ask({"kill": self._pid})

    def wait(self) -> int:
        """Wait for its end."""
        return self._server.ask({"wait": self._pid})


class ForkServer:
    """The process that forks; used as ``start`` in place of ``engine.io.hdf5.start``."""

    def __enter__(self) -> ForkServer:
        self._socket, far = socket.socketpair()
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HDF5_")}
        environment |= {
            "HDF5_PLUGIN_PRELOAD": "::",
            "HDF5_USE_FILE_LOCKING": "FALSE",
            "OPENBLAS_NUM_THREADS": "1",
        }
        with far:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(far.fileno())],
                pass_fds=[far.fileno()],
                env=environment,
            )
        self._lock = Lock()
        self.crashes = self.overtime = 0
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._process.wait()

    def start(self, request: dict[str, Any]) -> ForkedChild:
        """Fork a child that answers a request."""
        reading, writing = os.pipe()
        pid = self.ask({"start": request}, [writing])
        os.close(writing)
        return ForkedChild(self, reading, pid)

    def ask(self, message: dict[str, Any], handles: list[int] | None = None) -> int:
        """Send one message and return the number that comes back."""
        text = json.dumps(message).encode()
        with self._lock:
            socket.send_fds(self._socket, [_LENGTH.pack(len(text))], handles or [])
            self._socket.sendall(text)
            answer = int(_LENGTH.unpack(_exactly(self._socket, _LENGTH.size))[0])
            if "wait" in message:
                self.overtime += answer == -signal.SIGXCPU
                # The parent itself kills those from which it has what it wants.
                self.crashes += answer < 0 and answer not in (-signal.SIGKILL, -signal.SIGXCPU)
        return answer


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise EOFError("the fork server is gone")
        data += part
    return data


def _serve(connection: socket.socket) -> None:
    import h5py  # noqa: F401, TID253  (loaded once, for all children)

    sys.path.insert(0, str(ROOT))
    from quantoscope.engine.io import hdf5_child

    while True:
        start, handles, _, _ = socket.recv_fds(connection, _LENGTH.size, 1)
        if not start:
            return
        start += _exactly(connection, _LENGTH.size - len(start))
        message = json.loads(_exactly(connection, _LENGTH.unpack(start)[0]))
        answer = 0
        if "start" in message:
            answer = os.fork()
            if answer == 0:
                connection.close()
                # Neither the child's complaints nor a crash's are of interest.
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
                status = 1
                with suppress(BaseException), os.fdopen(handles[0], "wb") as out:
                    hdf5_child.main(message["start"], out)
                    status = 0
                os._exit(status)
            os.close(handles[0])
        elif "kill" in message:
            os.kill(message["kill"], signal.SIGKILL)
        else:
            answer = os.waitstatus_to_exitcode(os.waitpid(message["wait"], 0)[1])
        connection.sendall(_LENGTH.pack(answer))


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
