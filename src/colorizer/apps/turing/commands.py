"""The commands `colorizer turing` and `colorizer turing report`."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from colorizer.apps import command_line
from colorizer.apps.access import LOOPBACK, Access
from colorizer.apps.command_line import NAMED
from colorizer.errors import MissingExtraError

app = typer.Typer()

DATABASE = Path("turing.db")

Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model", help=f"{NAMED}; repeat it to test several, of which each person sees one"
    ),
]
Seconds = Annotated[float, typer.Option(help="for which a pair is shown", min=0.01, max=60)]
Practice = Annotated[int, typer.Option(help="pairs with feedback at first, not counted", min=0)]
Port = Annotated[
    int,
    typer.Option(
        help="of the page; 0: any that is free, but then nobody can resume", min=0, max=65535
    ),
]
Db = Annotated[
    Path | None, typer.Option("--db", help=f"file of the study's answers; without it {DATABASE}")
]


@app.callback(invoke_without_command=True)
def turing(
    context: typer.Context,
    model: Models = None,
    photos: Annotated[Path | None, command_line.PHOTOS] = None,
    db: Db = None,
    seconds: Seconds = 1.0,
    practice: Practice = 10,
    pairs: Annotated[int, typer.Option(help="pairs that follow", min=1)] = 40,
    port: Port = 7861,
    host: command_line.Host = LOOPBACK,
    token: command_line.Token = "",
    no_token: command_line.NoToken = False,
    allow_host: command_line.AllowHost = None,
    browser: command_line.Browser = True,
) -> None:
    """Ask people on a page whether they can tell a model's colors from a photograph's own.

    The protocol is that of Zhang, Isola and Efros, "Colorful image colorization" (2016).
    """
    if context.invoked_subcommand:
        context.obj = db
        return
    if not model or photos is None:
        missing = "--photos" if model else "--model"
        raise typer.BadParameter("is required", context, param_hint=missing)
    access = Access.of(host, token=token, no_token=no_token, allowed=allow_host or ())
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        from colorizer.apps.turing.server import run_study
    except ModuleNotFoundError as error:
        raise MissingExtraError("colorizer turing", error.name, "web") from None
    run_study(
        model,
        photos,
        db or DATABASE,
        access,
        seconds=seconds,
        practice=practice,
        pairs=pairs,
        port=port,
        open_browser=browser,
        say=typer.echo,
    )


@app.command()
def report(
    context: typer.Context,
    db: Db = None,
    no_log: Annotated[bool, typer.Option("--no-log", help="do not log to MLflow")] = False,
) -> None:
    """Print how often each model's colors passed for a photograph's, and log it to MLflow."""
    from colorizer.apps.turing.database import Database
    from colorizer.apps.turing.report import describe, publish, read_results

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    database = Database(db or context.obj or DATABASE)
    results = read_results(database)
    typer.echo(describe(results, database.protocol))
    if not no_log:
        publish(results, database.id, database.protocol)
