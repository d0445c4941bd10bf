"""A Python that has imported what stages import, and runs each script in a fork of itself.

`warm_python()` starts it and yields an environment's folder, whose bin/python hands scripts over.
"""

import atexit
import gc
import json
import os
import runpy
import shlex
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

PACKAGES = (
    *("lightning_fabric", "matplotlib.figure", "mlflow", "mlflow.store.tracking.sqlalchemy_store"),
    *("numba", "pandas", "torch", "torchmetrics"),
)
"""That stages import, and whose import takes long; none of this project's."""

PYTHON = """#!/bin/sh
[ "$1" = -c ] && exec {python} "$@"
exec {python} -IS -c {client} "$@"
"""

CLIENT = """
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    socket.send_fds(server, [b"."], [0, 1, 2])
    job = {{"argv": sys.argv[1:], "folder": os.getcwd(), "env": dict(os.environ)}}
    server.sendall(json.dumps(job).encode())
    server.shutdown(socket.SHUT_WR)
    sys.exit(int(server.recv(9) or 1))
"""


@contextmanager
def warm_python(env: Mapping[str, str]) -> Iterator[Path]:
    """Yield the folder of an environment whose Python is warm, with these variables."""
    with tempfile.TemporaryDirectory() as place:
        folder, address = Path(place), f"{place}/socket"
        client = shlex.quote(CLIENT.format(address=address))
        (folder / "bin").mkdir()
        (folder / "bin/python").write_text(
            PYTHON.format(python=shlex.quote(sys.executable), client=client)
        )
        (folder / "bin/python").chmod(0o755)
        command = [sys.executable, __file__, address]
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE) as server:
            try:
                assert server.stdout is not None
                assert server.stdout.readline() == b"ready\n"
                yield folder
            finally:
                server.kill()


def exit_status(script: str) -> int:
    """Run a script here; return its exit status."""
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def answer(client: socket.socket) -> NoReturn:
    """Run what a client asks for, with its files, folder and variables, and end."""
    _, files, *_ = socket.recv_fds(client, 1, 3)
    for number, file in enumerate(files):
        os.dup2(file, number)
    job = json.loads(client.makefile("rb").read())
    os.environ.clear()
    os.environ.update(job["env"])
    os.chdir(job["folder"])
    sys.argv = job["argv"]
    sys.path[:0] = [str(Path(sys.argv[0]).parent), *job["env"]["PYTHONPATH"].split(os.pathsep)]
    status = exit_status(sys.argv[0])
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    client.sendall(str(status).encode())
    os._exit(status)  # without taking all of the packages apart


def main(address: str) -> None:
    """Answer one client after another, each in a fork."""
    for name in PACKAGES:
        __import__(name)
    gc.freeze()  # forks share what was imported
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        os.write(1, b"ready\n")
        while True:
            client, _ = listener.accept()
            if not (process := os.fork()):
                answer(client)
            client.close()
            os.waitpid(process, 0)  # DVC runs one after another


if __name__ == "__main__":
    main(*sys.argv[1:])
