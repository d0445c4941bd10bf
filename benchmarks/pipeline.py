"""What DVC costs when there is nothing to do, and when profiles are switched back and forth.

    python benchmarks/pipeline.py [--short]

It runs the real pipeline in a copy of the repository, on a few bundled photographs at 32 px; what
is timed does not depend on how long a stage takes.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rounds import Way, durations, save, take_turns

ROOT = Path(__file__).parents[1]
DVC = Path(sys.executable).parent / "dvc"
WIDTHS = {"model1": [4, 8], "model2": [4, 8, 8], "model3": [4, 8, 8, 8, 8, 8]}


def main(
    rounds: int = 5, short: Annotated[bool, typer.Option(help="Show that it works.")] = False
) -> None:
    """Measure the pipeline without its stages."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "colorizer"
        stages = ["preprocess"] if short else []  # and what it needs, or all
        _copy(folder)
        for profile in ("demo", "paper"):
            print(f"running every stage of {profile} once ...")
            _switch(folder, profile)
            _dvc(folder, "repro", *stages)
        ways = {
            "dvc status": Way(lambda: _dvc(folder, "status")),
            "dvc repro, nothing to do": Way(lambda: _unchanged(folder, stages)),
            "dvc repro, profile switched": Way(_turns(folder, stages)),
            "dvc --version": Way(lambda: _dvc(folder, "--version")),
        }
        seconds = take_turns(ways, rounds=1 if short else rounds)
        links = [path for path in (folder / "data").rglob("*.npy") if path.stat().st_nlink > 1]
        arrays = list((folder / "data").rglob("*.npy"))
        print(f"{len(links)} of {len(arrays)} arrays on disk are links into DVC's cache")
    result = durations("DVC without work", seconds)
    save("pipeline", {"results": [result], "linked": len(links), "arrays": len(arrays)})


def _copy(folder: Path) -> None:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in listed.splitlines():
        if (ROOT / name).is_file() and name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    params = yaml.safe_load((folder / "params.yaml").read_text())
    demo = params["profiles"]["demo"]
    demo["split"] |= {"train": 6, "test": 3}
    demo["preprocess"]["image_size"] = 32
    demo["train"] |= {"epochs": 1, "batch_size": 4}
    for model, widths in WIDTHS.items():
        demo["models"][model]["widths"] = widths
    paper = yaml.safe_load(yaml.safe_dump(demo))
    paper["split"]["seed"] = 8
    params["profiles"] = {"demo": demo, "paper": paper}
    params["tracking"]["enabled"] = False
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def _switch(folder: Path, profile: str) -> None:
    path = folder / "params.yaml"
    params: dict[str, Any] = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(params | {"profile": profile}, sort_keys=False))


def _turns(folder: Path, stages: list[str]) -> Callable[[], None]:
    def turn() -> None:
        now = yaml.safe_load((folder / "params.yaml").read_text())["profile"]
        _switch(folder, "paper" if now == "demo" else "demo")
        _unchanged(folder, stages, but="Running stage 'download'")  # which finds its archives

    return turn


def _unchanged(folder: Path, stages: list[str], *, but: str = "") -> None:
    said = _dvc(folder, "repro", *stages)
    if any("Running stage" in line and (not but or but not in line) for line in said.splitlines()):
        raise SystemExit(f"error: a stage ran again:\n{said}")


def _dvc(folder: Path, *arguments: str) -> str:
    environment = os.environ | {"DVC_NO_ANALYTICS": "1", "VIRTUAL_ENV": sys.prefix}
    done = subprocess.run(
        [str(DVC), *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"error: dvc {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


if __name__ == "__main__":
    typer.run(main)
