"""The stages as plain Python, on a machine that has neither DVC nor MLflow."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MODELS = ["model1"]
BEFORE = ["download", "drop_grayscale", "split", "preprocess"]

STAGES = """
import runpy, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("dvc", "mlflow"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
folder, *stages = sys.argv[1:]
for stage in stages:
    name, *arguments = stage.split()
    sys.argv = [name, *arguments]
    runpy.run_path(f"{folder}/{name}.py", run_name="__main__")
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A folder that holds params.yaml and nothing else."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params |= {"profile": "demo", "models": MODELS, "tracking": {"enabled": False}}
    sample = (ROOT / "sample/sample.zip").read_bytes()
    archive = {"bytes": len(sample), "md5": hashlib.md5(sample).hexdigest()}
    demo = params["profiles"]["demo"]
    demo["download"]["archives"] = [{"source": str(ROOT / "sample/sample.zip"), **archive}]
    demo["split"] |= {"train": 6, "test": 3}
    demo["preprocess"]["image_size"] = 32
    demo["models"] = {"model1": {"widths": [4, 8]}}
    demo["train"] |= {"epochs": 1, "batch_size": 4, "grid_photos": 1}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    return tmp_path


def test_all_stages_run_without_dvc_and_mlflow(tiny: Path) -> None:
    stages = [*BEFORE, *(f"train {model}" for model in MODELS), "baselines"]
    stages += [*(f"evaluate {model}" for model in MODELS), "compare"]
    done = subprocess.run(
        [sys.executable, "-c", STAGES, str(ROOT / "stages"), *stages],
        cwd=tiny,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr.lower()
    report = tiny / "reports/demo"
    assert {"comparison.json", "report.html"} <= {path.name for path in report.iterdir()}
    assert {path.name for path in tiny.iterdir()} <= {
        *("params.yaml", "data", "models", "evaluation", "reports"),
        *(".checkpoints", ".downloads", ".downloads.lock"),
    }
