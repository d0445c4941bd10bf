"""`colorize --watch`: colors what is in a folder, then what arrives, until it is told to end."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from colorizer.apps.color_all import say
from colorizer.apps.command_line import FAILED
from colorizer.apps.interruptible import interruptible
from colorizer.apps.summary import Summary
from colorizer.errors import printable

if TYPE_CHECKING:
    from colorizer import Colorizer
    from colorizer.inference.options import Options


def watch_folder(
    folder: Path,
    out: Path | None,
    load: "Callable[[], Colorizer | None]",
    options: "Options",
    *,
    json: bool,
) -> NoReturn:
    """Color what arrives in a folder; Ctrl-C and SIGTERM end it, with a table and the exit code.

    Args:
        folder: watched to its depths.
        out: a folder for the results; None for the one beside it.
        load: as of `color_all`.
        options: as of `color_all`.
        json: as of `color_all`.

    Raises:
        UsageError: if the folder would be colored into itself.
        Exit: else always; 0, or `FAILED` if a file failed.
    """
    from colorizer.inference.native_messages import keep_native_messages
    from colorizer.inference.place import results_apart
    from colorizer.inference.watch import Stop, colorize_arriving

    results_apart(folder, out)  # before anything is loaded
    summary = Summary(named=options.format is None)
    with keep_native_messages() as messages:
        colorizer = load()
        typer.echo(f"watching {printable(str(folder))}: Ctrl-C ends it", err=True)
        with interruptible() as signal:
            coming = colorize_arriving(folder, out, colorizer, options, messages, stop=Stop(signal))
            for outcome in coming:
                summary.add(outcome)
                say(outcome, json=json, single=outcome.status == "colorized")
    summary.print()
    raise typer.Exit(FAILED if summary.count("failed") else 0)
