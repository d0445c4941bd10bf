"""Colors photographs for `colorize`: progress, what becomes of each, the table, the exit code."""

import json as json_format
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import typer

from colorizer.apps.command_line import NOTHING
from colorizer.apps.interruptible import interruptible
from colorizer.apps.summary import Summary
from colorizer.errors import printable

if TYPE_CHECKING:
    from colorizer import Colorizer
    from colorizer.inference.batch import Outcome
    from colorizer.inference.folder import Left
    from colorizer.inference.options import Options
    from colorizer.inference.plan import Plan, Task

Work = Callable[["Iterable[Task | Left]"], "Iterator[Outcome]"]
"""From planned files to what becomes of each, in their order."""

LABELS = {"failed": "error: ", "colorized": "warning: ", "differs": "warning: "}
"""What a message begins with."""


def color_all(
    planned: "Plan",
    load: "Callable[[], Colorizer | None]",
    options: "Options",
    *,
    json: bool,
    work: Work | None = None,
) -> None:
    """Color photographs, say what becomes of each and of all; end with the exit code.

    Args:
        planned: every file.
        load: returns the model, or None if the hints alone decide.
        options: how they are colored.
        json: print a record for each file.
        work: colors them elsewhere, with a model of its own; by default this process does.

    Raises:
        Exit: always.
    """
    from colorizer.inference.batch import colorize_all
    from colorizer.inference.native_messages import keep_native_messages

    summary, single = Summary(named=options.format is None), len(planned) == 1
    with keep_native_messages() as messages, _progress(len(planned)) as advance:
        colorizer = None if work else load()
        with interruptible() as signal:
            until = takewhile(lambda _: not signal(), planned)
            here = partial(colorize_all, colorizer=colorizer, options=options, messages=messages)
            for outcome in (work or here)(until):
                advance()
                summary.add(outcome)
                say(outcome, json=json, single=single)
    if not single:
        summary.print()
    if (number := signal()) and summary.total < len(planned):
        done = f"{summary.total:,} of {len(planned):,} files"
        typer.echo(f"interrupted after {done}: the same command does the rest", err=True)
        raise typer.Exit(128 + number)
    if summary.exit_code == NOTHING and not summary.count("failed"):
        typer.echo("error: no photograph there", err=True)
    raise typer.Exit(summary.exit_code)


def say(outcome: "Outcome", *, json: bool, single: bool) -> None:
    """Print the outcome for a file: a record, a message, or the single result's path."""
    if json:
        typer.echo(json_format.dumps(_record(outcome)))
    elif outcome.message and (single or outcome.status not in ("exists", "skipped")):
        label = LABELS.get(outcome.status, "")
        typer.echo(f"{label}{printable(outcome.message)}", err=True)
    elif single:
        typer.echo(printable(str(outcome.task.target)), err=True)


def _record(outcome: "Outcome") -> dict[str, Any]:
    verdict = outcome.verdict
    return {
        "source": str(outcome.task.source),
        "target": outcome.task.target and str(outcome.task.target),
        "status": outcome.status,
        "message": outcome.message,
        "kind": outcome.task.kind,
        "seconds": round(outcome.seconds, 3),
        "verdict": verdict and verdict.kind,
        "verdict_confidence": verdict and round(verdict.confidence, 3),
        "verdict_reason": verdict and verdict.reason,
    }


@contextmanager
def _progress(total: int) -> Iterator[Any]:
    """Yield a function that advances the progress bar; a bar needs a terminal and two files."""
    if total < 2:
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    hidden = not console.is_terminal
    with Progress(*columns, console=console, disable=hidden, transient=True) as progress:
        bar = progress.add_task("colorizing", total=total)
        yield lambda: progress.advance(bar)
