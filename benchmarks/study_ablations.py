"""What each part of the study's networks and recipe brings: small trainings, one after another.

    python benchmarks/study_ablations.py data/local/photos*.zip

Each is a `dvc exp run --temp -S ...`, printed before it starts, so that you can repeat it alone.
The work tree stays as it is. A second call skips what `dvc exp list -A` has and resumes what was
interrupted. A GPU is used where there is one, else one thread. At the end two tables are printed:
of learning rates, and of paired differences with 95% intervals by bootstrap over photographs, both
on the validation photographs. A rehearsal:

    python benchmarks/study_ablations.py sample/sample.zip --short
"""

import hashlib
import io
import os
import shlex
import subprocess
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import dvc.api
import pandas as pd
import torch
import typer

from colorizer.evaluation.evaluate import summable
from colorizer.evaluation.scoring.bootstrap import paired_differences
from colorizer.evaluation.scoring.measure import scores_of

ROOT = Path(__file__).resolve().parents[1]
SHOWN = ("l2", "hue_hit", "chroma_ratio", "delta_a", "false_red", "red_share_ratio")
PAPER = "profiles.paper"
HISTORY = "models/paper/{}/history.csv"
SCORES = "evaluation/paper/{}/scores/validation/{}.csv"
"""What is chosen by: the validation photographs' scores."""


@dataclass(frozen=True)
class Scale:
    """How large the trainings are.

    Attributes:
        photographs: of the smallest training set.
        test: photographs.
        validation: photographs.
        size: side of the square, pixels.
        epochs: of each training.
    """

    photographs: int = 2000
    test: int = 1000
    validation: int = 500
    size: int = 64
    epochs: int = 20


SHORT = Scale(photographs=15, test=10, validation=8, size=32, epochs=1)


@dataclass(frozen=True)
class Variant:
    """A network, and what is changed of the study's recipe.

    Attributes:
        model: its name in params.yaml.
        change: an argument of `-S` below the network's entry, or "".
        lr: Adam's learning rate.
        times: how many times the smallest training set.
    """

    model: str
    change: str = ""
    lr: float = 0.001
    times: int = 1


VARIANTS = {
    "model1": Variant("model1"),
    "model2": Variant("model2"),
    "model3": Variant("model3"),
    "model3-augmented": Variant("model3", "recipe={flip: true, crop: 0.8}"),
    "model3-undilated": Variant("model3", "dilations=[1,1,1,1,1,1]"),
    "model2-wide": Variant("model2", "widths=[40,80,160]"),
    "model3-twice-the-photographs": Variant("model3", times=2),
    "model3-four-times-the-photographs": Variant("model3", times=4),
    **{
        f"{model}-lr-{str(lr).partition('.')[2]}": Variant(model, lr=lr)
        for model in ("model1", "model2", "model3")
        for lr in (0.0003, 0.003)
    },
}
"""By name; model2-wide has 7.4 G multiply-adds at 320 pixels, model3 7.9 G and model2 4.8 G."""

SEEDS = (7, 8)
ONCE = [name for name in VARIANTS if name == "model1" or "-lr-" in name or "photographs" in name]
TRIALS = [(name, seed) for seed in SEEDS for name in VARIANTS if seed == 7 or name not in ONCE]
"""Variant and seed, in the order of running."""

COMPARED = (
    ("model3", "model2"),
    ("model3", "model2-wide"),
    ("model2-wide", "model2"),
    ("model3-augmented", "model3"),
    ("model3-undilated", "model3"),
    ("model3-twice-the-photographs", "model3"),
    ("model3-four-times-the-photographs", "model3"),
)


def command(name: str, seed: int, scale: Scale, archives: str) -> list[str]:
    """Return the `dvc exp run` of a variant, up to its scores."""
    variant = VARIANTS[name]
    skipped = (4 - variant.times) * scale.photographs
    settings = [
        "profile=paper",
        f"models=[{variant.model}]",
        "tracking.enabled=false",
        f"{PAPER}.download.archives={archives}",
        f"{PAPER}.split.train={variant.times * scale.photographs}",
        f"{PAPER}.split.skip={skipped}",
        f"{PAPER}.split.test={scale.test}",
        f"{PAPER}.split.validation={scale.validation}",
        f"{PAPER}.preprocess.image_size={scale.size}",
        f"{PAPER}.train.epochs={scale.epochs}",
        f"{PAPER}.train.batch_size=32",
        f"{PAPER}.train.seed={seed}",
        f"{PAPER}.train.lr={variant.lr}",
    ]
    if variant.change:
        adds = "+" if variant.change.startswith("recipe") else ""
        settings.append(f"{adds}{PAPER}.models.{variant.model}.{variant.change}")
    flags = [word for setting in settings for word in ("-S", setting)]
    stage = f"evaluate@{variant.model}"
    return ["dvc", "exp", "run", "--temp", "-n", experiment(name, seed, scale), *flags, stage]


def experiment(name: str, seed: int, scale: Scale) -> str:
    """Return the name that DVC knows a trial by."""
    return f"{name}-seed{seed}" + ("-short" if scale == SHORT else "")


def describe(archives: list[Path]) -> str:
    """Return the archives as an argument of `-S`."""
    parts = []
    for path in archives:
        with path.open("rb") as file:
            md5 = hashlib.file_digest(file, "md5").hexdigest()
        parts.append(f'{{source: "{path.resolve()}", bytes: {path.stat().st_size}, md5: "{md5}"}}')
    return f"[{', '.join(parts)}]"


def run_all(scale: Scale, archives: str) -> None:
    """Run what is not finished yet; an error ends it."""
    one_thread = {} if torch.cuda.is_available() else {"OMP_NUM_THREADS": "1"}
    listing = ["dvc", "exp", "list", "-A", "--name-only"]
    known = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for place, (name, seed) in enumerate(TRIALS, 1):
        if experiment(name, seed, scale) in known.split():
            continue
        words = command(name, seed, scale, archives)
        print(f"{place}/{len(TRIALS)}: {shlex.join(words)}", flush=True)
        subprocess.run(words, cwd=ROOT, env=os.environ | one_thread, check=True)


def read(trial: tuple[str, int], scale: Scale, file: str, *names: str) -> pd.DataFrame:
    """Read a table that a trial left in DVC's cache."""
    path = file.format(VARIANTS[trial[0]].model, *names)
    text = dvc.api.read(path, repo=str(ROOT), rev=experiment(*trial, scale))
    return pd.read_csv(io.StringIO(text))


def rate_table(scale: Scale) -> str:
    """Return the losses by network and learning rate, as Markdown."""
    lines = [
        "| network | learning rate | training loss | validation loss | l2 of the weights kept |",
        "|---|--:|--:|--:|--:|",
    ]
    for name in (n for n in VARIANTS if n == VARIANTS[n].model or "-lr-" in n):
        history = read((name, 7), scale, HISTORY)
        scores = read((name, 7), scale, SCORES, "intervals").set_index("score")
        last, l2 = history.iloc[-1], scores.loc["l2"]
        lines.append(
            f"| {VARIANTS[name].model} | {VARIANTS[name].lr} | {last.train_loss:.4f} | "
            f"{last.validation_loss:.4f} | {l2.value:.4f} [{l2.low:.4f}, {l2.high:.4f}] |"
        )
    return "\n".join(lines)


def difference_table(scale: Scale) -> str:
    """Return what each variant differs by from another, by seed, as Markdown; * excludes zero."""
    lines = [
        f"| variant | less | seed | {' | '.join(SHOWN)} |",
        "|---|---|--:|" + "--:|" * len(SHOWN),
    ]
    statistic = partial(scores_of, only=SHOWN)
    trials = [(a, b, s) for a, b in COMPARED for s in SEEDS if {(a, s), (b, s)} <= set(TRIALS)]
    for first, second, seed in trials:
        sums = {n: read((n, seed), scale, SCORES, "sums") for n in (first, second)}
        if not sums[first]["id"].equals(sums[second]["id"]):
            raise SystemExit(f"{first} and {second} were scored on different photographs")
        tables = {name: summable(table) for name, table in sums.items()}
        found = paired_differences(tables, statistic).set_index("score").loc[list(SHOWN)]
        cells = (
            f"{row.value:+.4f} [{row.low:+.4f}, {row.high:+.4f}]{'*' * (row.low * row.high > 0)}"
            for row in found.itertuples()
        )
        lines.append(f"| {first} | {second} | {seed} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(
    archives: Annotated[list[Path], typer.Argument(exists=True, help="zips of photographs")],
    short: Annotated[bool, typer.Option("--short", help="only show that it works")] = False,
) -> None:
    """Run the ablations that are missing and print the tables."""
    scale = SHORT if short else Scale()
    run_all(scale, describe(archives))
    print(rate_table(scale), difference_table(scale), sep="\n\n")


if __name__ == "__main__":
    typer.run(main)
