"""Locks that killed `dvc` processes left behind, told from those of living ones.

DVC notes in `.dvc/tmp/rwlock` which process reads and writes what, and waits for every process
whose number exists. Where nobody collects the dead, as in a container without an init process, a
killed `dvc` keeps its number for ever; where numbers begin anew, another program soon has it.
"""

import json
import logging
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

LOCKS = Path(".dvc/tmp/rwlock")

Holder = dict[str, Any]  # {"pid": 123, "cmd": "/usr/bin/dvc repro"}


def release_dead_locks(root: Path) -> None:
    """Remove the locks of processes that are dead, and say so.

    Args:
        root: of the repository.
    """
    path = root / LOCKS
    if not path.exists():
        return
    from dvc.lock import make_lock

    with make_lock(str(path.with_name("rwlock.lock")), tmp_dir=str(path.parent), wait=True):
        try:
            locks = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:  # cut off while it was written: whose locks they were is lost
            locks = {}
        dead: dict[int, str] = {}
        living = {
            "read": {
                name: kept
                for name, holders in locks.get("read", {}).items()
                if (kept := [holder for holder in holders if _lives(holder, dead)])
            },
            "write": {
                name: holder
                for name, holder in locks.get("write", {}).items()
                if _lives(holder, dead)
            },
        }
        if living != locks:
            path.write_text(json.dumps(living), encoding="utf-8")
    for pid, command in dead.items():
        logger.warning(
            "warning: removed the lock of process %d, which was killed: %s", pid, command
        )


def _lives(holder: Holder, dead: dict[int, str]) -> bool:
    """Return whether a lock's holder still runs; note it in `dead` otherwise."""
    import psutil

    pid, command = int(holder["pid"]), str(holder["cmd"])
    try:
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE and "dvc" in " ".join(process.cmdline()):
            return True
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        pass
    except psutil.AccessDenied:  # another person's
        return True
    dead[pid] = command
    return False
