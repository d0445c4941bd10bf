"""What the commands share: options, each declared once, and how a command ends."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from colorizer.errors import (
    MEMORY,
    ColorizerError,
    MissingExtraError,
    UsageError,
    is_out_of_memory,
    require_memory,
)

NAMED = "a model's name (see `colorizer models`), URI or weights file"

PHOTOS = typer.Option(help="folder of color photographs, with its subfolders")

# of the pages

Browser = Annotated[bool, typer.Option("--browser/--no-browser", help="also show the page")]
Host = Annotated[
    str, typer.Option(help="address to serve at; 0.0.0.0: all of this machine's (needs --token)")
]
Token = Annotated[
    str,
    typer.Option(envvar="COLORIZER_TOKEN", help="what others have to show to be answered"),
]
NoToken = Annotated[
    bool, typer.Option("--no-token", help="answer whoever reaches --host, without a token")
]
AllowHost = Annotated[
    list[str] | None,
    typer.Option(help="name under which a proxy serves the page; can be repeated"),
]

# of `colorize`

Paths = Annotated[
    list[str], typer.Argument(metavar="PATH...", help="files, folders, or - from stdin to stdout")
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        help="folder, or file for a single one (default: photo_colorized.jpg beside "
        "photo.jpg, folder_colorized/ beside folder/)",
    ),
]
Model = Annotated[
    str,
    typer.Option(
        help="shipped, registered model (colorizer-model2, name@alias, name/3), models:/... or "
        "runs:/... URI, or weights file; `colorizer models` lists what there is; none: the hints "
        "alone decide"
    ),
]
Strength = Annotated[float, typer.Option(min=0, help="multiplies the colors' chroma")]
Format = Annotated[
    str,
    typer.Option(
        help="of the results: jpeg, png, tiff, webp, bmp, avif, jxl, pdf (default: the "
        "photograph's, or the nearest)"
    ),
]
PointHints = Annotated[
    list[str] | None,
    typer.Option(help="color of a pixel of a single photograph, x,y,#rrggbb; can be repeated"),
]
StrokeHints = Annotated[
    Path | None,
    typer.Option(help="picture of the photograph's size: strokes of color on transparent ground"),
]
Like = Annotated[
    list[str] | None,
    typer.Option(
        help="photograph in color that the results shall look like; can be repeated; auto: the "
        "most similar of those that the pipeline indexed",
        metavar="FILE",
    ),
]
Method = Annotated[
    str,
    typer.Option(
        help="that takes the colors of --like without a model: gupta2012, charpiat2008, welsh2002, "
        "reinhard2001"
    ),
]
Force = Annotated[bool, typer.Option("--force", help="also color photographs that are in color")]
Tone = Annotated[
    str,
    typer.Option(
        help="of toned prints, such as sepia: remove colors them from their lightness alone, keep "
        "copies them unchanged"
    ),
]
Restore = Annotated[
    str,
    typer.Option(
        help="before coloring, light removes dust and scratches, spreads faded tones and "
        "straightens casts"
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="replace results that exist")]
Compare = Annotated[
    bool, typer.Option("--compare", help="also write sheets that show before and after")
]
Confidence = Annotated[
    bool,
    typer.Option("--confidence", help="also write photo_confidence.png: the lighter, the surer"),
]
NoMark = Annotated[
    bool,
    typer.Option("--no-mark", help="do not say in the metadata that the colors are invented"),
]
VisibleMark = Annotated[
    bool, typer.Option("--visible-mark", help="also write “colorized” into the picture's corner")
]
Watch = Annotated[
    bool,
    typer.Option(
        "--watch", help="color what is in a folder, then what arrives there, until Ctrl-C"
    ),
]
Scheduler = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS",
        help="of a Dask cluster that colors, such as tcp://10.0.0.5:8786; its workers see the "
        "files under the same paths",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="print a JSON record for each file")]


FAILED, USAGE, NOTHING = 1, 2, 3
EXIT_CODES = (
    "Exit codes: 0 all is well, files that are no photographs included; 1 some failed; 2 wrong "
    "usage; 3 nothing could be done: no photograph, all failed, no model; 130 interrupted."
)


def run(app: typer.Typer) -> None:
    """Run a command; an error is one line and one of `EXIT_CODES`."""
    try:
        require_memory()
        app()
    except ColorizerError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(USAGE if isinstance(error, UsageError) else NOTHING)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        typer.echo(f"error: {MissingExtraError('this command', 'PyTorch', 'torch')}", err=True)
        sys.exit(NOTHING)
    except Exception as error:  # of a file's own, each command makes an outcome or an error
        if is_out_of_memory(error):
            said = MEMORY
        elif isinstance(error, OSError):
            said = f"{error.filename or 'the output'}: {error.strerror}"
        else:
            raise
        typer.echo(f"error: {said}", err=True)
        sys.exit(NOTHING)
