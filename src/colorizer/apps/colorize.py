"""The command `colorize`. It imports libraries only when the work begins, so that help is fast."""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from colorizer.apps import command_line
from colorizer.apps.color_all import color_all
from colorizer.apps.watch_folder import watch_folder
from colorizer.errors import UsageError
from colorizer.tracking.names import DEFAULT, NO_MODEL

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from colorizer import Colorizer
    from colorizer.inference.options import Options

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
    force: command_line.Force = False,
    tone: command_line.Tone = "remove",
    restore: command_line.Restore = "",
    overwrite: command_line.Overwrite = False,
    compare: command_line.Compare = False,
    confidence: command_line.Confidence = False,
    no_mark: command_line.NoMark = False,
    visible_mark: command_line.VisibleMark = False,
    watch: command_line.Watch = False,
    json: command_line.Json = False,
) -> None:
    """Color black-and-white photographs, at their full size and with their own lightness."""
    from colorizer.inference.plan import plan

    flags = {"force": force, "overwrite": overwrite, "compare": compare, "mark": not no_mark}
    options = _read_options(
        format, strength, tone=tone, restore=restore, hint=hint, hints=hints, **flags
    )
    options = replace(options, visible_mark=visible_mark)
    _require_colors(model, options)
    if confidence and (paths == ["-"] or model == NO_MODEL):
        raise UsageError("--confidence writes a file on what a model says: name a file, a model")
    if paths == ["-"]:
        _colorize_stdin(model, options)
        return
    load = partial(_load, model)
    if watch:
        folder, options = _require_folder(paths, options), replace(options, confidence=confidence)
        watch_folder(folder, out, load, options, json=json)
    planned = plan(
        map(Path, paths), out, format=options.format, compare=compare, confidence=confidence
    )
    if options.guided and (found := planned.count_photos()) != 1:
        raise UsageError(f"hints need a single photograph, found {found:,}: name one")
    color_all(planned, load, options, json=json)


def _require_folder(paths: list[str], options: "Options") -> Path:
    """Return the folder to watch."""
    if len(paths) != 1 or not Path(paths[0]).is_dir():
        raise UsageError(f"--watch needs one folder, found {' '.join(paths)}")
    if options.guided:
        raise UsageError("--watch colors many photographs, and hints are of one: leave one out")
    return Path(paths[0])


def _read_options(
    format: str,
    strength: float,
    *,
    force: bool,
    tone: str,
    restore: str,
    overwrite: bool,
    compare: bool,
    mark: bool,
    hint: list[str] | None,
    hints: Path | None,
) -> "Options":
    from colorizer.inference.options import RESTORATIONS, TONES, Options
    from colorizer.methods.hints import Hint
    from colorizer.photo.photofile import FORMATS
    from colorizer.photo.restoration import require_restoration

    known = sorted({name.lower() for name in FORMATS.values()})
    if format and format.lower() not in known:
        raise UsageError(f"--format is {format!r}: choose {', '.join(known)}")
    if restore:
        require_restoration()
    return Options(
        format.upper() or None,
        strength,
        force,
        _choose("--tone", tone, TONES),
        overwrite,
        compare,
        tuple(map(Hint.parse, hint or ())),
        _read_strokes(hints) if hints else None,
        restore=_choose("--restore", restore, RESTORATIONS),
        mark=mark,
    )


def _choose(option: str, value: str, choices: tuple[Choice, ...]) -> Choice:
    """Return which of the choices a value is."""
    for choice in choices:
        if choice == value:
            return choice
    raise UsageError(f"{option} is {value!r}: choose {', '.join(filter(None, choices))}")


def _require_colors(model: str, options: "Options") -> None:
    """Refuse `--model none` where nothing else gives colors."""
    if model != NO_MODEL:
        return
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


def _colorize_stdin(model: str, options: "Options") -> None:
    from colorizer.inference.recolor_file import colorize_data

    if sys.stdout.isatty():
        raise UsageError("the output is a terminal: add > color.jpg")
    new = colorize_data(sys.stdin.buffer.read(), _load(model), options)
    if new.message:
        typer.echo(f"the photograph {new.message}", err=True)
    sys.stdout.buffer.write(new.data)


def main() -> None:
    """Run the command."""
    command_line.run(app)


if __name__ == "__main__":
    main()
