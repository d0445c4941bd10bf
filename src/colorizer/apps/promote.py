"""`colorizer promote`: the gate to the alias `champion`."""

from typing import Annotated

import typer

from colorizer.errors import MissingExtraError


def promote(
    model: Annotated[
        str, typer.Argument(help="a registered version, such as colorizer-model3/4, or @challenger")
    ],
    force: Annotated[
        str, typer.Option(metavar="REASON", help="promote it in any case, and say why in its tags")
    ] = "",
) -> None:
    """Make a version the champion, if it is better than the champion beyond chance."""
    from colorizer.params import load_params

    try:
        from colorizer.tracking.promotion import promote as promote_version
        from colorizer.tracking.store import Store
    except ModuleNotFoundError as error:
        raise MissingExtraError("colorizer promote", error.name, "pipeline") from None
    params = load_params()
    metric = params.active.register_.metric
    typer.echo(promote_version(Store(params.tracking.experiment), model, metric, reason=force))
