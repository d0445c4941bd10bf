"""A process that dies is survived by a line that names its photographs."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from colorizer.data.witness import at
from colorizer.errors import ColorizerError, ImageError

DEATHS = {
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "ended by a library": "os._exit(7)",
    "a fault in a library": "ctypes.string_at(0)",
    "aborted": "os.abort()",
}
STATUS = {
    "killed": -signal.SIGKILL,
    "ended by a library": 7,
    "a fault in a library": -signal.SIGSEGV,
    "aborted": -signal.SIGABRT,
}

WORK = """
import ctypes, os, signal, time
from joblib import Parallel, delayed
from colorizer.data.witness import at

def work(name):
    with at(name):
        time.sleep(0.05)
        if name == "bad\\n.jpg":
            time.sleep(0.2)
            {}
        if name == "long.jpg":
            time.sleep(9)

if __name__ == "__main__":
    names = ["a.jpg", "b.jpg", "c.jpg", "long.jpg", "bad\\n.jpg", "later.jpg"]
    Parallel(2, "threading")(delayed(work)(name) for name in names)
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("death", DEATHS)
def test_a_process_that_dies_is_reported_with_its_photographs(death: str) -> None:
    died = run(WORK.format(DEATHS[death]))
    assert died.returncode == STATUS[death]
    line = "error: the process died at: bad .jpg, long.jpg (killed, or short of memory)"
    assert died.stderr == f"{line}\n"


@pytest.mark.parametrize(
    ("end", "status"), [("return", 0), ("raise SystemExit(3)", 3), ("raise KeyboardInterrupt", -2)]
)
def test_a_process_that_ends_is_not(end: str, status: int) -> None:
    ended = run(WORK.replace("sleep(9)", "sleep(0)").format(end))
    assert ended.returncode == status
    assert "died" not in ended.stderr


def test_errors_get_the_photograph_s_name() -> None:
    for error, said in {
        ImageError("no readable image"): "a.jpg: no readable image",
        ImageError("a.jpg: no readable image"): "a.jpg: no readable image",
        ZeroDivisionError("oh"): "a.jpg: unexpected ZeroDivisionError at test_witness.py:.*: oh",
        MemoryError(): "a.jpg: the memory does not suffice: end other programs",
        RuntimeError("DefaultCPUAllocator: can't allocate memory"): "a.jpg: the memory does not",
        ColorizerError("of its own"): "of its own",
    }.items():
        with pytest.raises(ColorizerError, match=f"^{said}"), at("a.jpg"):
            raise error
    with pytest.raises(FileNotFoundError), at("a.jpg"):
        Path("gone").read_bytes()


def test_a_process_whose_witness_is_gone_works_on() -> None:
    code = "import os; from colorizer.data import witness\n"
    code += "with witness.at('a'): pass\n"
    code += "dead = witness._witness(os.getpid()); dead.kill(); dead.wait()\n"
    code += "with witness.at('b'): print('done')"
    assert run(code).stdout == "done\n"
