"""Runs stages and commands in forks of one process that has imported them, each with its fault.

Reads a job a line from standard input and writes an answer a line, both as JSON:
{"command": ["train", "model1"], "faults": {...}} -> {"status": 1, "said": "error: ..."}. Faults are
those of `Faults`. It must run where it may mount (`unshare -rm`), in the project's folder.
"""

import atexit
import ctypes
import importlib.util
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, TypedDict

COMMANDS = ("colorize", "colorizer")  # which read sys.argv
SECONDS = 240  # that a job may take; one that takes longer hangs
NEW_MOUNTS = 0x00020000  # CLONE_NEWNS


class Faults(TypedDict, total=False):
    """What is wrong with the machine.

    Attributes:
        memory: MiB that a process may take from now on.
        read_only: folders that cannot be written.
        full: by folder, the KiB that a disk holds which is there instead, with what was in it.
        file_size: bytes that a file may have.
    """

    memory: float
    read_only: list[str]
    full: dict[str, int]
    file_size: int


def inflict(faults: Faults) -> None:
    """Make this process's machine a bad one."""
    if ctypes.CDLL(None, use_errno=True).unshare(NEW_MOUNTS):
        raise OSError(ctypes.get_errno(), "no new mounts")
    for folder in faults.get("read_only", ()):
        mount("--bind", folder, folder)
        mount("-o", "remount,ro,bind", folder)
    for folder, size in faults.get("full", {}).items():
        mount("-t", "tmpfs", "-o", f"size={size}k", "tmpfs", folder)
    os.chdir(Path.cwd())  # where the mounts are
    if size := faults.get("file_size"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    if (memory := faults.get("memory")) is not None:
        limit = int((taken() + memory) * 2**20)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def taken() -> float:
    """Return the MiB of this process that RLIMIT_DATA counts."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmData")) / 1024


def load(name: str) -> ModuleType:
    """Import a stage or a command, with what it would import later."""
    if name == "colorizer":
        import colorizer.apps.cli as commands
        import colorizer.tracking.sync

        return commands
    if name == "colorize":
        import colorizer.apps.color_all
        import colorizer.apps.colorize as command
        import colorizer.inference.torch_network  # noqa: F401

        return command
    spec = importlib.util.spec_from_file_location(f"stage_{name}", f"stages/{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(module: ModuleType, command: list[str], faults: Faults) -> dict[str, Any]:
    """Run a command in a fork; return its exit status ("hangs" for none) and all that it said."""
    with tempfile.TemporaryFile() as said:
        sys.stdout.flush()
        process = os.fork()
        if not process:
            os.setsid()
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            os._exit(status_of(module, command, faults))
        deadline = time.monotonic() + SECONDS
        done = status = 0
        while not done and time.monotonic() < deadline:
            time.sleep(0.02)
            done, status = os.waitpid(process, os.WNOHANG)
        if not done:
            os.killpg(process, signal.SIGKILL)
            os.waitpid(process, 0)
        said.seek(0)
        words = said.read().decode(errors="replace")
        return {"status": os.waitstatus_to_exitcode(status) if done else "hangs", "said": words}


def status_of(module: ModuleType, command: list[str], faults: Faults) -> int:
    """Run a command here and return its exit status."""
    name, *arguments = command
    sys.argv = command
    try:
        inflict(faults)
        module.main(*([] if name in COMMANDS else arguments))
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
    except BaseException:
        traceback.print_exc()
        status = 99
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def main() -> None:
    modules = {name: load(name) for name in sys.argv[1:]}
    for line in sys.stdin:
        job = json.loads(line)
        command = job["command"]
        answer = run(modules[command[0]], command, job.get("faults", {}))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
