"""`colorizer calibrate`: chooses how a flagship's classes become colors."""

from pathlib import Path
from typing import Annotated

import typer

from colorizer.apps.command_line import NAMED
from colorizer.errors import ColorizerError, MissingExtraError


def calibrate(
    model: Annotated[str, typer.Option(help=NAMED)],
    out: Annotated[Path, typer.Option("--out", "-o", help="weights file to write")],
    profile: Annotated[
        str, typer.Option(help="choose by the validation photographs of this profile")
    ] = "photos",
    size: Annotated[
        int | None,
        typer.Option(help="short side at which it sees photographs, pixels", min=32),
    ] = None,
    smooth: Annotated[
        int | None,
        typer.Option(help="predictions on each side over which colors follow lightness", min=0),
    ] = None,
    attention: Annotated[
        float | None,
        typer.Option(help="how unlike places may look and still agree; 0: no place listens", min=0),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace a file")] = False,
) -> None:
    """Choose how a flagship's classes become colors; nothing is trained."""
    from colorizer.tracking.model_uri import find_weights

    try:
        from colorizer.evaluation.calibrate import calibrate_weights
    except ModuleNotFoundError as error:
        raise MissingExtraError("colorizer calibrate", error.name, "pipeline") from None
    if out.exists() and not overwrite:
        raise ColorizerError(f"{out} exists: --overwrite replaces it")
    asked = {"size": size, "smooth": smooth, "attention": attention}
    look = {name: value for name, value in asked.items() if value is not None}
    typer.echo(calibrate_weights(find_weights(model), out, profile=profile, look=look))
