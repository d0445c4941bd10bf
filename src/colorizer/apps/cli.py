"""The command `colorizer`."""

from pathlib import Path
from typing import Annotated

import typer

from colorizer.apps import command_line
from colorizer.apps.access import LOOPBACK, Access
from colorizer.apps.calibrate import calibrate
from colorizer.apps.command_line import NAMED
from colorizer.apps.promote import promote
from colorizer.apps.serve.commands import serve
from colorizer.apps.turing import commands as turing
from colorizer.errors import ColorizerError, MissingExtraError, UsageError
from colorizer.paths import atomic_write
from colorizer.scores.table import shown_in

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog=command_line.EXIT_CODES,
)
app.add_typer(turing.app, name="turing")
for command in (calibrate, promote, serve):
    app.command()(command)

EXPORTS = ("onnx", "safetensors")


@app.callback()
def describe() -> None:
    """Train, evaluate and use networks that color black-and-white photographs."""


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
            raise UsageError(f"no profile is called {profile!r}: choose {', '.join(profiles)}")
        arguments = {name: model.arguments for name, model in profiles[profile].models.items()}
    typer.echo(complexity_table(size, arguments))


@app.command()
def sync() -> None:
    """Log the trainings, scores and models that are missing in MLflow."""
    import logging

    from colorizer.params import load_params
    from colorizer.tracking.sync import sync as sync_all

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    sync_all(load_params())


@app.command()
def study_models() -> None:
    """Register the study's three networks, which lie in the repository, in MLflow."""
    import logging

    from colorizer.params import load_params
    from colorizer.tracking.sync import sync_study

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    sync_study(load_params())


@app.command()
def demo() -> None:
    """Run the whole pipeline on the bundled photographs, in minutes."""
    from colorizer.apps.demo import run_demo

    run_demo()


@app.command()
def unlock() -> None:
    """Remove the locks that killed `dvc` commands left behind; those of living ones stay."""
    from colorizer.apps.dvc_locks import release_dead_locks

    release_dead_locks(Path.cwd())


@app.command()
def models() -> None:
    """List the models and their names."""
    from colorizer.tracking.model_uri import HOW, list_known

    known = list_known()
    if not known:
        raise ColorizerError(f"no model yet: {HOW}")
    for model in known:
        version = f"version {model.version}" if model.version else "ships with colorizer"
        shown = [name for name in shown_in("list") if name in model.scores]
        scores = (f"{name} {model.scores[name]:.4g}" for name in shown)
        line = f"{model.name:18s} {version:20s} {', '.join(model.aliases):18s} {', '.join(scores)}"
        typer.echo(line.rstrip())


@app.command()
def evaluate(
    photos: Annotated[Path, command_line.PHOTOS],
    model: Annotated[
        list[str] | None, typer.Option(help=f"{NAMED}; repeat it to compare several")
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(help="a method that came before networks, such as gupta2012; repeat it"),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="folder for the report and the tables")
    ] = Path("evaluation_report"),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="replace an earlier report")
    ] = False,
    perceptual: Annotated[
        bool,
        typer.Option("--perceptual", help="also LPIPS and FID, if their weights are available"),
    ] = False,
) -> None:
    """Score models and methods on photographs of your own, with the pipeline's table and report."""
    import logging

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        from colorizer.evaluation.evaluate_folder import evaluate_folder
        from colorizer.tracking.model_uri import find_named, find_weights
        from colorizer.tracking.names import SHIPPED
    except ModuleNotFoundError as error:
        raise MissingExtraError("colorizer evaluate", error.name, "pipeline") from None
    evaluate_folder(
        photos,
        find_named(model or ()),
        out,
        methods=method or (),
        encoder=find_weights(SHIPPED) if method else Path(),
        overwrite=overwrite,
        perceptual=perceptual,
    )
    typer.echo(f"{out / 'report.html'}")


@app.command()
def web(
    model: Annotated[
        list[str] | None,
        typer.Option(
            help=f"{NAMED}, or none; repeat it for more; all that are registered follow "
            "(default: colorizer)"
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free")] = 7860,
    host: command_line.Host = LOOPBACK,
    token: command_line.Token = "",
    no_token: command_line.NoToken = False,
    allow_host: command_line.AllowHost = None,
    browser: command_line.Browser = True,
) -> None:
    """Open a page to color, compare and correct photographs."""
    access = Access.of(host, token=token, no_token=no_token, allowed=allow_host or ())
    try:
        from colorizer.apps.web.app import run
    except ModuleNotFoundError as error:
        raise MissingExtraError("colorizer web", error.name, "web") from None
    run(model or (), access, port=port, open_browser=browser, say=typer.echo)


@app.command()
def export(
    model: Annotated[str, typer.Option(help=NAMED)] = "colorizer",
    format: Annotated[
        str, typer.Option(help="onnx, or safetensors: the weights in half precision")
    ] = "onnx",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="file to write (default: MODEL.FORMAT)")
    ] = None,
    beside: Annotated[
        bool,
        typer.Option(
            "--beside",
            help="write a small ONNX file beside the weights file, where its numbers stay",
        ),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace a file")] = False,
) -> None:
    """Write a model as one file: ONNX, which needs no PyTorch, or its weights at half the size."""
    from colorizer.tracking.model_uri import find_weights
    from colorizer.tracking.names import plain_name

    if format not in EXPORTS:
        raise UsageError(f"--format is {format!r}: choose {' or '.join(EXPORTS)}")
    if beside and (out or format != "onnx"):
        raise UsageError("--beside writes ONNX beside the weights file: no --out and --format")
    weights = find_weights(model) if beside else None
    target = (
        weights.with_suffix(".onnx") if weights else out or Path(f"{plain_name(model)}.{format}")
    )
    if target.suffix != f".{format}":
        raise UsageError(f"--out is {target}: name a file that ends in .{format}")
    if target.exists() and not overwrite:
        raise UsageError(f"{target} exists: --overwrite replaces it")
    weights = weights or find_weights(model)
    if weights.suffix == ".onnx":
        raise UsageError(f"{weights} is ONNX already: name a weights file or a model")
    if format == "onnx":
        said = _export_onnx(weights, target, beside=beside)
    else:
        said = _export_half(weights, target)
    typer.echo(f"{target}: {said}")


def _export_onnx(weights: Path, target: Path, *, beside: bool) -> str:
    from colorizer.inference.export import export_onnx

    difference = export_onnx(weights, target, beside=beside)
    return f"ONNX Runtime and PyTorch agree within {difference:.1e}"


def _export_half(weights: Path, target: Path) -> str:
    from colorizer.models.weights import write_half

    with atomic_write(target) as unfinished:
        difference = write_half(weights, unfinished)
    return (
        f"half precision changes colors by at most {difference:.2g} CIELAB units "
        "(measured on noise)"
    )


def main() -> None:
    """Run the command."""
    command_line.run(app)


if __name__ == "__main__":
    main()
