"""Locks of dead processes go, those of living ones stay."""

import json
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from colorizer.apps.dvc_locks import LOCKS, release_dead_locks


def test_only_the_locks_of_living_dvc_processes_stay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    release_dead_locks(tmp_path)  # there are none
    (tmp_path / LOCKS).parent.mkdir(parents=True)
    sleep = [sys.executable, "-c", "import time; time.sleep(60)", "dvc", "repro"]
    with (
        subprocess.Popen(sleep) as living,
        subprocess.Popen(sleep) as killed,
        subprocess.Popen(sleep[:3]) as stranger,  # which has a dead one's number now
    ):
        try:
            killed.kill()  # and not waited for: a zombie
            while psutil.Process(killed.pid).status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.01)
            lives = {"pid": living.pid, "cmd": "/bin/dvc repro"}
            zombie = {"pid": killed.pid, "cmd": "/bin/dvc exp run"}
            other = {"pid": stranger.pid, "cmd": "/bin/dvc repro"}
            locks = {"read": {"a": [lives, zombie], "b": [other]}, "write": {"c": zombie}}
            (tmp_path / LOCKS).write_text(json.dumps(locks))
            release_dead_locks(tmp_path)
        finally:
            living.kill()
            stranger.kill()
    left = json.loads((tmp_path / LOCKS).read_text())
    assert left == {"read": {"a": [lives]}, "write": {}}
    assert f"process {killed.pid}, which was killed: /bin/dvc exp run" in caplog.text
    assert len(caplog.records) == 2


def test_a_lock_file_that_was_cut_off_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / LOCKS).parent.mkdir(parents=True)
    (tmp_path / LOCKS).write_text('{"read": {"a": [{"pid')
    release_dead_locks(tmp_path)
    assert json.loads((tmp_path / LOCKS).read_text()) == {"read": {}, "write": {}}
