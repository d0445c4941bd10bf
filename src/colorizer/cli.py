"""The command `colorizer`."""

import sys
from typing import Annotated

import typer

from colorizer.errors import ColorizerError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

SCORES = ("delta_e2000", "psnr", "ssim", "colourfulness")
"""Shown of a model, in this order."""


@app.callback()
def describe() -> None:
    """Train, judge and use networks that colour black-and-white photographs."""


@app.command()
def architectures(
    size: Annotated[int, typer.Option(help="side of the picture in pixels", min=1)] = 320,
    profile: Annotated[
        str, typer.Option(help="take the widths from this profile of params.yaml")
    ] = "",
) -> None:
    """Print each network's parameters and multiply-adds for one picture."""
    from colorizer.models.complexity import complexity_table

    arguments = {}
    if profile:
        from colorizer.params import load_params

        profiles = load_params().profiles
        if profile not in profiles:
            raise ColorizerError(f"no profile is called {profile!r}: choose {', '.join(profiles)}")
        arguments = profiles[profile].models
    typer.echo(complexity_table(size, arguments))


@app.command()
def sync() -> None:
    """Tell MLflow of trainings, scores and models that it does not know yet."""
    import logging

    from colorizer.params import load_params
    from colorizer.sync import sync as sync_all

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    sync_all(load_params())


@app.command()
def demo() -> None:
    """Run the whole pipeline in minutes, on the bundled photographs."""
    from colorizer.demo import run_demo

    run_demo()


@app.command()
def models() -> None:
    """List the models that can be had by name."""
    from colorizer.hub import HOW, list_known

    known = list_known()
    if not known:
        raise ColorizerError(f"no model yet: {HOW}")
    for model in known:
        version = f"version {model.version}" if model.version else "ships with colorizer"
        scores = (f"{name} {model.scores[name]:.4g}" for name in SCORES if name in model.scores)
        line = f"{model.name:18s} {version:20s} {', '.join(model.aliases):18s} {', '.join(scores)}"
        typer.echo(line.rstrip())


def main() -> None:
    """Run the command; an error is one line and exit code 1."""
    try:
        app()
    except ColorizerError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
