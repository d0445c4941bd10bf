import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from colorizer.console import entry_point

SCRIPT = """
import logging, sys
from colorizer.console import entry_point
from colorizer.errors import ColorizerError

@entry_point
def main() -> None:
    {body}

main()
"""


SPEAK = """
    for level in (logging.INFO, logging.WARNING, logging.ERROR):
        logging.getLogger('colorizer').log(level, logging.getLevelName(level).lower())"""


def run(body: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SCRIPT.format(body=body)]
    return subprocess.run(
        command, env=os.environ | env, capture_output=True, text=True, timeout=60, check=False
    )


def test_error_is_one_line_and_exit_code_1() -> None:
    done = run("raise ColorizerError('lr is 0: choose more')")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: lr is 0: choose more\n"


def test_derived_error_with_a_cause_shows_no_traceback() -> None:
    done = run(
        """
    from colorizer.photo.decode import decode
    decode(b'no image')"""
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: no readable image")
    assert len(done.stderr.splitlines()) == 1


def test_mistake_of_ours_keeps_its_traceback() -> None:
    done = run("{}['lr']")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_interrupt_exits_with_130_in_silence() -> None:
    done = run("raise KeyboardInterrupt")
    assert (done.returncode, done.stderr) == (128 + signal.SIGINT, "")


def test_interrupt_while_a_stage_imports_ends_it_in_silence() -> None:
    script = "import colorizer.console; raise KeyboardInterrupt"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


@pytest.mark.parametrize("stage", sorted(Path("stages").glob("*.py")), ids=lambda path: path.stem)
def test_a_stage_imports_its_entry_point_before_what_takes_long(stage: Path) -> None:
    for node in ast.parse(stage.read_text()).body[1:]:
        if isinstance(node, ast.ImportFrom) and node.module == "colorizer.console":
            return
        names = [alias.name for alias in getattr(node, "names", ())]
        assert {getattr(node, "module", name) for name in names} <= sys.stdlib_module_names
    raise AssertionError("it has none")


def test_success_exits_with_0_and_logs_plain_lines() -> None:
    done = run("logging.getLogger('colorizer').info('80 photographs')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "80 photographs\n")


@pytest.mark.parametrize("env", [{"RANK": "0"}, {"LOCAL_RANK": "0"}], ids=str)
def test_the_first_of_several_processes_speaks_as_one_alone(env: dict[str, str]) -> None:
    done = run("raise ColorizerError('lr is 0: choose more')", **env)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: lr is 0: choose more\n"
    assert run(SPEAK, **env).stderr == "info\nwarning\nerror\n"


@pytest.mark.parametrize(
    "env",
    [{"RANK": "1"}, {"LOCAL_RANK": "1"}, {"RANK": "1", "LOCAL_RANK": "0"}],  # on another machine
    ids=str,
)
def test_the_others_tell_only_errors(env: dict[str, str]) -> None:
    done = run("raise ColorizerError('lr is 0: choose more')", **env)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error (process 1): lr is 0: choose more\n"
    assert run(SPEAK, **env).stderr == "error\n"


def test_a_mistake_of_ours_keeps_its_traceback_in_any_process() -> None:
    done = run("{}['lr']", RANK="1")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_sigterm_closes_what_is_open_and_exits_with_143() -> None:
    body = """
    try:
        print('open', flush=True)
        sys.stdin.read()
    finally:
        print('closed', flush=True)"""
    command = [sys.executable, "-c", SCRIPT.format(body=body)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=60)  # ends its input too
    assert (process.returncode, output, errors) == (128 + signal.SIGTERM, "closed\n", "")


def test_entry_point_keeps_name_and_description() -> None:
    def stage() -> None:
        """Run the stage."""

    wrapped = entry_point(stage)
    assert (wrapped.__name__, wrapped.__doc__) == ("stage", "Run the stage.")


def test_arguments_are_passed_on() -> None:
    script = """
from colorizer.console import entry_point
entry_point(lambda *texts, end: print(*texts, end=end))("one", "two", end=".")
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "one two."
