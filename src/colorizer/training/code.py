"""The code that a training's weights depend on: the one list for DVC and for checkpoints."""

from pathlib import Path

PACKAGE = Path(__file__).parents[1]

CODE = (
    "color/ab_quantization.py",
    "color/kernels.py",
    "color/lab.py",
    "color/lab_torch.py",
    "color/statistics.py",
    "data/dataset.py",
    "data/prefetch.py",
    "models/heads.py",
    "models/layers.py",
    "models/predict.py",
    "models/{model}.py",
    "params/recipe.py",
    "training/loop",
)
"""Files and folders of the package; the stage `train` in dvc.yaml has the same as dependencies.

A network's file has the network's name, so editing one makes that network's training stale alone.
"""


def training_code(model: str) -> list[Path]:
    """Return the source files that a network's weights depend on, sorted.

    Example:
        >>> any(path.name == "model2.py" for path in training_code("model1"))
        False
    """
    paths = [PACKAGE / entry.format(model=model) for entry in CODE]
    files = [file for path in paths for file in (path.rglob("*.py") if path.is_dir() else [path])]
    return sorted(file for file in files if file.exists())
