"""A process that dies is survived by a line that names its photographs."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from colorizer.data import witness
from colorizer.data.witness import at
from colorizer.errors import ColorizerError, ImageError

DEATHS = {
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "ended by a library": "os._exit(7)",
    "a fault in a library": "ctypes.string_at(0)",
    "aborted": "os.abort()",
    "killed with its group": "os.killpg(0, signal.SIGKILL)",
}
STATUS = {
    "killed": -signal.SIGKILL,
    "ended by a library": 7,
    "a fault in a library": -signal.SIGSEGV,
    "aborted": -signal.SIGABRT,
    "killed with its group": -signal.SIGKILL,
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
        if name == "long\\udcff.jpg":  # as a file's name that is no UTF-8
            time.sleep(9)

if __name__ == "__main__":
    names = ["a.jpg", "b.jpg", "c.jpg", "long\\udcff.jpg", "bad\\n.jpg", "later.jpg"]
    Parallel(2, "threading")(delayed(work)(name) for name in names)
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, start_new_session=True
    )


@pytest.mark.parametrize("death", DEATHS)
def test_a_process_that_dies_is_reported_with_its_photographs(death: str) -> None:
    died = run(WORK.format(DEATHS[death]))
    assert died.returncode == STATUS[death]
    line = "error: the process died at: bad .jpg, long?.jpg (killed, or short of memory)"
    assert died.stderr == f"{line}\n"


@pytest.mark.parametrize(
    ("end", "status"), [("return", 0), ("raise SystemExit(3)", 3), ("raise KeyboardInterrupt", -2)]
)
def test_a_process_that_ends_is_not(end: str, status: int) -> None:
    ended = run(WORK.replace("sleep(9)", "sleep(0)").format(end))
    assert ended.returncode == status
    assert "died" not in ended.stderr


def test_who_dies_when_it_is_done_or_ends_in_the_middle_of_work_blames_no_photograph() -> None:
    code = "import os, threading, time\nfrom colorizer.data.witness import at\n"
    code += "with at('done.jpg'): pass\n"
    assert run(f"{code}os._exit(7)").stderr == ""
    code += "def work():\n    with at('begun.jpg'): time.sleep(9)\n"
    code += "threading.Thread(target=work, daemon=True).start()\ntime.sleep(0.2)"
    assert run(code).stderr == ""


def test_a_name_of_any_length_is_told_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(witness, "_tell", told.append)
    with at("x" * 9999):
        pass
    assert [len(line) < 400 for line in told] == [True, True]


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
