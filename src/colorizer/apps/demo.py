"""The pipeline's first run: the demo profile from start to end, then what to do next."""

import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from colorizer.apps.dvc_locks import release_dead_locks
from colorizer.errors import ColorizerError
from colorizer.params import load_params
from colorizer.paths import Paths

PROFILE = "demo"

MADE = """
Made in {minutes:.1f} minutes, from the photographs in sample/:

{table}
  {report}/report.html                scores, hues, learning curves and photographs on a page
  {report}/figure8_comparison.png     the same photographs by every model
  models/{profile}/*/grids/                    the models while they learned
  registered in MLflow                    {names}

params.yaml is as it was before; set `profile: demo` there to go on with the demo.

Next, after `. {activate}`:

  make ui                             compare the runs and models in a browser
  dvc exp run -S profile={profile} -S 'profiles.{profile}.train.lr=0.0005'
                                      vary the experiment; `dvc exp show` compares
  mlflow models serve -m models:/colorizer@champion --env-manager local --port 5001
                                      serve the best model by its name
"""


def run_demo() -> None:
    """Run `dvc repro` with the demo profile and print what was made and what to type next.

    params.yaml is restored afterward.

    Raises:
        ColorizerError: if a stage failed; its own lines say why.
    """
    started = time.monotonic()
    programs = Path(sys.executable).parent
    release_dead_locks(Path.cwd())
    with active_profile(PROFILE):
        if subprocess.run([programs / "dvc", "repro"], check=False).returncode:
            raise ColorizerError("the pipeline stopped; the lines above say where and why")
        params = load_params()
    report = Paths(PROFILE).report
    subset = "validation" if params.active.split.validation else "test"
    message = MADE.format(
        minutes=(time.monotonic() - started) / 60,
        table=(report / subset / "metrics.md").read_text(encoding="utf-8"),
        report=report,
        profile=PROFILE,
        names=", ".join(["colorizer", *(f"colorizer-{model}" for model in params.models)]),
        activate=_relative(programs / "activate"),
    )
    sys.stdout.write(message)


def _relative(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


@contextlib.contextmanager
def active_profile(profile: str, path: Path = Path("params.yaml")) -> Iterator[None]:
    """Activate another profile in params.yaml for a while; comments and layout stay.

    Raises:
        ColorizerError: if params.yaml is wrong or has no such profile.
    """
    load_params(path)
    text = path.read_text(encoding="utf-8")
    changed = re.sub(r"^profile:.*$", f"profile: {profile}", text, count=1, flags=re.MULTILINE)
    path.write_text(changed, encoding="utf-8")
    try:
        load_params(path)
        yield
    finally:
        path.write_text(text, encoding="utf-8")
