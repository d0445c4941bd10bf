import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

import colorizer
from colorizer.apps.cli import app, main
from colorizer.errors import ColorizerError
from colorizer.models import create_model, list_models
from colorizer.models.complexity import count_parameters
from colorizer.params import load_params
from colorizer.tracking import model_uri
from colorizer.tracking.registry import KnownModel

COMMANDS = ("architectures", "calibrate", "sync", "demo", "models", "evaluate", "web", "export")
COMMANDS += ("turing",)
HEAVY = ("torch", "numpy", "mlflow", "dvc", "pandas", "matplotlib")


def run(*command: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python as a person would, with the package that is tested."""
    environment = os.environ | {"PYTHONPATH": str(Path(colorizer.__file__).parents[1])}
    return subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment,
    )


def parameters(models: Mapping[str, Any]) -> dict[str, str]:
    """Return every network's count of parameters, with a profile's arguments."""
    with torch.device("meta"):  # counted without being drawn
        networks = {name: create_model(name, **models.get(name, {})) for name in list_models()}
    return {name: f"{count_parameters(network):,}" for name, network in networks.items()}


def rows(output: str) -> dict[str, list[str]]:
    """Return a Markdown table's rows by their first cell."""
    _head, _rule, *lines = output.strip().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {name: rest for name, *rest in cells}


def test_architectures_lists_every_model_with_its_parameters_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["architectures", "--size", "32"])
    assert result.exit_code == 0
    assert "per 32x32 image" in result.output
    assert {name: cells[0] for name, cells in rows(result.output).items()} == parameters({})


@pytest.mark.parametrize("profile", ["demo", "paper"])
def test_architectures_takes_the_widths_of_a_profile(
    profile: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    result = CliRunner().invoke(app, ["architectures", "--size", "32", "--profile", profile])
    assert result.exit_code == 0
    entries = load_params().profiles[profile].models
    models = {name: entry.arguments for name, entry in entries.items()}
    assert {name: cells[0] for name, cells in rows(result.output).items()} == parameters(models)


@pytest.mark.parametrize("size", ["0", "-1", "many", "1.5"])
def test_a_size_that_is_none_is_refused(size: str) -> None:
    result = CliRunner().invoke(app, ["architectures", "--size", size])
    assert result.exit_code == 2
    assert "--size" in result.output
    assert "Traceback" not in result.output


def test_an_unknown_profile_ends_in_one_line(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setattr(sys, "argv", ["colorizer", "architectures", "--profile", "papre"])
    with pytest.raises(SystemExit, match="2"):
        main()
    said = capsys.readouterr().err
    assert re.fullmatch(r"error: no profile is called 'papre': .*\bpaper\b.*\n", said)


def test_a_profile_away_from_the_project_ends_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["colorizer", "architectures", "--profile", "demo"])
    with pytest.raises(SystemExit, match="3"):
        main()
    said = capsys.readouterr().err
    assert re.fullmatch(r"error: params\.yaml not found in .*project's root\n", said)


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    assert all(command in result.output for command in COMMANDS)


def test_without_a_command_help_is_shown() -> None:
    assert "architectures" in CliRunner().invoke(app, []).output


def test_help_loads_nothing_heavy() -> None:
    asked = [[], *([command] for command in COMMANDS), ["turing", "report"]]
    script = f"""
import re
import sys
from colorizer.apps.cli import app
for arguments in {asked}:
    app([*arguments, "--help"], standalone_mode=False)
    print(arguments, "loaded:", *sorted({set(HEAVY)} & set(sys.modules)))
"""
    result = run("-c", script)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("Usage") == len(asked)
    loaded = [line.strip() for line in result.stdout.splitlines() if "loaded:" in line]
    assert loaded == [f"{arguments} loaded:" for arguments in asked]


def test_the_module_is_the_command() -> None:
    result = run("-m", "colorizer.apps.cli", "--help")
    assert result.returncode == 0
    assert "architectures" in result.stdout


def test_models_are_listed_a_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    known = [
        KnownModel("shipped", 0, ()),
        KnownModel("colorizer-model2", 3, ("champion", "paper"), {"auc": 0.87654, "psnr": 21.5}),
    ]
    monkeypatch.setattr(model_uri, "list_known", lambda: known)
    result = CliRunner().invoke(app, ["models"])
    assert [line.split() for line in result.output.splitlines()] == [
        ["shipped", "ships", "with", "colorizer"],
        ["colorizer-model2", "version", "3", "champion,", "paper", "auc", "0.8765"],
    ]


def test_no_models_end_in_one_line_that_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(model_uri, "list_known", lambda: [])
    with pytest.raises(ColorizerError, match="no model yet: train one"):
        CliRunner().invoke(app, ["models"], catch_exceptions=False)


def test_a_page_without_what_it_needs_ends_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    for module in ("colorizer.apps.page_server", "colorizer.apps.web.app"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(
        ColorizerError, match=r"web needs fastapi: pip install 'colorizer-unet\[web\]'"
    ):
        CliRunner().invoke(app, ["web"], catch_exceptions=False)


def test_a_page_by_a_model_that_is_missing_ends_in_one_line(tmp_path: Path) -> None:
    result = run(
        "-m", "colorizer.apps.cli", "web", "--model", "no.onnx", "--port", "0", folder=tmp_path
    )
    assert result.returncode == 3
    assert (result.stdout, result.stderr) == ("", "error: no.onnx: no such weights file\n")
