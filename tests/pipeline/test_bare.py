"""The stages as plain Python, on a machine that has neither DVC nor MLflow."""

import hashlib
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from colorizer.models.weights import load_model

ROOT = Path(__file__).parents[2]
MODELS = ["model1"]
BEFORE = ["download", "drop_grayscale", "split", "preprocess", "references"]

BARE = """
import runpy, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("dvc", "mlflow"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
"""
STAGES = """
folder, *stages = sys.argv[1:]
for stage in stages:
    name, *arguments = stage.split()
    sys.argv = [name, *arguments]
    runpy.run_path(f"{folder}/{name}.py", run_name="__main__")
"""
STUDY = """
sys.path.insert(0, sys.argv.pop(1))
import study_on_gpu
study_on_gpu.SCORING, study_on_gpu.STARTING = 1e9, -2e9  # seconds: the last network has no time
study_on_gpu.app()
"""


def run(script: str, *arguments: str, folder: Path) -> str:
    """Run Python where neither DVC nor MLflow can be imported; return what it logs."""
    done = subprocess.run(
        [sys.executable, "-c", BARE + script, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A folder that holds params.yaml and nothing else."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params |= {"profile": "demo", "models": MODELS, "tracking": {"enabled": False}}
    sample = (ROOT / "sample/sample.zip").read_bytes()
    archive = {"bytes": len(sample), "md5": hashlib.md5(sample).hexdigest()}
    demo = params["profiles"]["demo"]
    demo["download"]["archives"] = [{"source": str(ROOT / "sample/sample.zip"), **archive}]
    demo["split"] |= {"train": 6, "test": 3, "validation": 2}
    demo["preprocess"]["image_size"] = 32
    demo["models"] = {"model1": {"widths": [4, 8]}}
    demo["train"] |= {"epochs": 1, "batch_size": 4, "grid_photos": 1}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    return tmp_path


@pytest.mark.slow
def test_all_stages_run_without_dvc_and_mlflow(tiny: Path) -> None:
    stages = [*BEFORE, *(f"train {model}" for model in MODELS), "baselines"]
    stages += [*(f"evaluate {model}" for model in MODELS), "compare"]
    said = run(STAGES, str(ROOT / "stages"), *stages, folder=tiny)
    assert "warning" not in said.lower()
    report = tiny / "reports/demo"
    assert {"comparison.json", "report.html"} <= {path.name for path in report.iterdir()}
    assert {path.name for path in tiny.iterdir()} <= {
        *("params.yaml", "data", "models", "evaluation", "reports", "timing"),
        *(".checkpoints", ".downloads", ".downloads.lock"),
    }


@pytest.mark.slow
def test_the_study_runs_within_a_budget(tmp_path: Path) -> None:
    options = {
        **{"photos": ROOT / "sample", "out": "out", "models": "model2,model1", "size": 32},
        **{"epochs": 2, "train": 6, "test": 3, "validation": 3, "batch-size": 4},
    }
    asked = [f"--{name}={value}" for name, value in options.items()]
    run(STUDY, str(ROOT / "benchmarks"), "run", *asked, folder=tmp_path)
    facts = json.loads((tmp_path / "out/facts.json").read_text())
    models = "model2", "model1"
    ended = {model: (facts[model]["epochs"], facts[model]["stopped_early"]) for model in models}
    assert ended == {"model2": (2, False), "model1": (1, True)}
    for model in models:
        with tarfile.open(tmp_path / f"out/{model}.tar.gz") as tar:
            names = {name.partition("/")[2] for name in tar.getnames()}
        assert names >= {
            *("history.csv", "validation.csv", "scores.csv", "chosen.csv"),
            "validation.safetensors",
            *("test_train/metrics.json", "test_validation/metrics.json"),
        }
        load_model(tmp_path / f"out/{model}_train.safetensors")
