"""The command `colorizer serve`. It imports libraries only when the work begins."""

from typing import Annotated

import typer

from colorizer.apps import command_line
from colorizer.apps.access import LOOPBACK, Access
from colorizer.errors import MissingExtraError


def serve(
    model: Annotated[str, typer.Option(help=command_line.NAMED)] = "colorizer",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free")] = 8000,
    host: command_line.Host = LOOPBACK,
    token: command_line.Token = "",
    no_token: command_line.NoToken = False,
    allow_host: command_line.AllowHost = None,
    workers: Annotated[
        int, typer.Option(min=0, help="processes, each with the model; 0: one a core")
    ] = 0,
    device: Annotated[str, typer.Option(help="where they compute: cpu, or cuda")] = "cpu",
    max_mib: Annotated[float, typer.Option(min=0, help="of a request")] = 64,
    max_megapixels: Annotated[float, typer.Option(min=0, help="of a photograph")] = 64,
    queue: Annotated[
        int, typer.Option(min=0, help="requests that may wait; more are answered 429")
    ] = 64,
    timeout: Annotated[
        float, typer.Option(min=1, help="seconds for a photograph, waiting included")
    ] = 60,
) -> None:
    """Serve coloring to other programs by HTTP."""
    access = Access.of(host, token=token, no_token=no_token, allowed=allow_host or ())
    try:
        from colorizer.apps.serve.requests import Limits
        from colorizer.apps.serve.run import run
    except ModuleNotFoundError as error:
        raise MissingExtraError("colorizer serve", error.name, "serve") from None
    limits = Limits(max_mib, max_megapixels, queue, timeout)
    run(model, access, limits, workers=workers, device=device, port=port, say=typer.echo)
