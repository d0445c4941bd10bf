"""The command `colorize`. It imports libraries only when the work begins, so that help is fast."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from colorizer.apps import command_line
from colorizer.apps.alike import asks_model, read_likes, require_model
from colorizer.apps.color_all import color_all
from colorizer.apps.watch_folder import watch_folder
from colorizer.errors import UsageError
from colorizer.tracking.names import DEFAULT, NO_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from colorizer import Colorizer
    from colorizer.apps.color_all import Work
    from colorizer.inference.options import Options
    from colorizer.inference.plan import Plan

Choice = TypeVar("Choice", bound=str)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog=command_line.EXIT_CODES)
def colorize(
    paths: command_line.Paths,
    out: command_line.Out = None,
    model: command_line.Model = DEFAULT,
    strength: command_line.Strength = 1.0,
    format: command_line.Format = "",
    hint: command_line.PointHints = None,
    hints: command_line.StrokeHints = None,
    like: command_line.Like = None,
    method: command_line.Method = "",
    force: command_line.Force = False,
    tone: command_line.Tone = "remove",
    restore: command_line.Restore = "",
    overwrite: command_line.Overwrite = False,
    compare: command_line.Compare = False,
    confidence: command_line.Confidence = False,
    no_mark: command_line.NoMark = False,
    visible_mark: command_line.VisibleMark = False,
    watch: command_line.Watch = False,
    scheduler: command_line.Scheduler = "",
    json: command_line.Json = False,
) -> None:
    """Color black-and-white photographs, at their full size and with their own lightness."""
    files = {"overwrite": overwrite, "compare": compare, "confidence": confidence}
    marks = {"mark": not no_mark, "visible_mark": visible_mark}
    given = {"strength": strength, "force": force} | files | marks | read_likes(like, method)
    options = _read_options(
        given, format=format, tone=tone, restore=restore, hint=hint, hints=hints
    )
    _require_colors(model, options)
    model = model if asks_model(options) else NO_MODEL
    load = partial(_load, model)
    if paths == ["-"]:
        asked = {"watch": watch, "scheduler": scheduler, "json": json}
        _require_no_files(out=out, compare=compare, confidence=confidence, **asked)
        _colorize_stdin(load, options)
    elif watch:
        folder = _require_folder(paths, options, scheduler)
        watch_folder(folder, out, load, options, json=json)
    else:
        work = _on_cluster(scheduler, model, options) if scheduler else None
        color_all(_plan(paths, out, options), load, options, json=json, work=work)


def _on_cluster(scheduler: str, model: str, options: "Options") -> "Work":
    """Return what colors files on a Dask cluster."""
    from colorizer.inference.cluster import colorize_on_cluster

    return lambda tasks: colorize_on_cluster(tasks, scheduler, _load, model, options)


def _plan(paths: list[str], out: Path | None, options: "Options") -> "Plan":
    from colorizer.inference.plan import plan

    planned = plan(
        map(Path, paths),
        out,
        format=options.format,
        compare=options.compare,
        confidence=options.confidence,
    )
    if options.guided and (found := planned.count_photos()) != 1:
        raise UsageError(f"hints need a single photograph, found {found:,}: name one")
    return planned


def _require_no_files(**options: object) -> None:
    """Refuse options that write files, or tell of several, where a photograph goes to stdout."""
    if given := [f"--{name}" for name, value in options.items() if value]:
        raise UsageError(f"- goes to standard output: leave out {', '.join(given)}")


def _require_folder(paths: list[str], options: "Options", scheduler: str) -> Path:
    """Return the folder to watch."""
    if scheduler:
        raise UsageError("--watch colors on this machine: leave out --scheduler")
    if len(paths) != 1 or not Path(paths[0]).is_dir():
        raise UsageError(f"--watch needs one folder, found {' '.join(paths)}")
    if options.guided:
        raise UsageError("--watch colors many photographs, and hints are of one: leave one out")
    return Path(paths[0])


def _read_options(
    given: dict[str, Any],
    *,
    format: str,
    tone: str,
    restore: str,
    hint: list[str] | None,
    hints: Path | None,
) -> "Options":
    """Return what was asked for.

    Args:
        given: attributes of `Options`, as they are.
        format: as it was typed, as are the others.
        tone: of `TONES`.
        restore: of `RESTORATIONS`.
        hint: points, as `Hint.parse` takes them.
        hints: the strokes' file.

    Raises:
        UsageError: if one is not what it may be.
    """
    from colorizer.inference.options import RESTORATIONS, TONES, Options
    from colorizer.methods.hints import Hint
    from colorizer.photo.photofile import FORMATS
    from colorizer.photo.restoration import require_restoration

    restoration = _choose("--restore", restore, RESTORATIONS)
    if restoration:
        require_restoration()
    known = sorted({name.lower() for name in FORMATS.values()})
    asked = FORMATS.get(f".{format.lower()}")
    if format and not asked:
        raise UsageError(f"--format is {format!r}: choose {', '.join(known)}")
    return Options(
        format=asked,
        tone=_choose("--tone", tone, TONES),
        restore=restoration,
        hints=tuple(map(Hint.parse, hint or ())),
        strokes=_read_strokes(hints) if hints else None,
        **given,
    )


def _choose(option: str, value: str, choices: tuple[Choice, ...]) -> Choice:
    """Return which of the choices a value is."""
    for choice in choices:
        if choice == value:
            return choice
    raise UsageError(f"{option} is {value!r}: choose {', '.join(filter(None, choices))}")


def _require_colors(model: str, options: "Options") -> None:
    """Refuse `--model none` where nothing else gives colors, or what only a model says."""
    require_model(model, options)
    if model != NO_MODEL or not asks_model(options):
        return
    if options.confidence:
        raise UsageError("--confidence shows how sure a model is, and --model none is none")
    if options.strength != 1:
        raise UsageError(
            "--strength multiplies a model's colors, and --model none has none: leave one out"
        )
    if not options.guided:
        raise UsageError("--model none needs hints: add --hint or --hints")


def _load(model: str) -> "Colorizer | None":
    from colorizer import Colorizer
    from colorizer.inference.start import load_beside_loops

    return None if model == NO_MODEL else load_beside_loops(lambda: Colorizer.load(model))


def _read_strokes(path: Path) -> "NDArray[np.uint8]":
    from colorizer.photo.decode import ImageError, decode_strokes

    try:
        strokes = decode_strokes(path.read_bytes())
    except OSError as error:
        raise UsageError(f"--hints {path}: {error.strerror}") from None
    except ImageError as error:
        raise UsageError(f"--hints {path}: {error}") from None
    if strokes[..., 3].min(initial=255) == 255:
        raise UsageError(f"--hints {path}: expected transparency where there is no stroke")
    return strokes


def _colorize_stdin(load: "Callable[[], Colorizer | None]", options: "Options") -> None:
    from colorizer.inference.recolor_file import colorize_data

    if sys.stdout.isatty():
        raise UsageError("the output is a terminal: add > color.jpg")
    new = colorize_data(sys.stdin.buffer.read(), load(), options)
    if new.message:
        typer.echo(f"the photograph {new.message}", err=True)
    sys.stdout.buffer.write(new.data)


def main() -> None:
    """Run the command."""
    command_line.run(app)


if __name__ == "__main__":
    main()
