"""Draw the study's figures 2 to 8, and where red comes from, into docs/results/study: no arguments.

Each network's history.csv there is written too. The networks are those of models/pretrained/study,
the photographs bundled ones that no network saw.
"""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from photographs import SAMPLE

from colorizer.color.lab import rgb_to_lab
from colorizer.data.dataset import LabDataset
from colorizer.evaluation.figures import architecture, save_figure
from colorizer.evaluation.grids import Picture, photo_grid
from colorizer.evaluation.samples import show_versions
from colorizer.inference.torch_network import TorchNetwork
from colorizer.photo.decode import decode
from colorizer.photo.resize import resize
from colorizer.training.run_record import HISTORY, WEIGHTS, RunRecord

ROOT = Path(__file__).parents[1]
RUNS = ROOT / "models" / "pretrained" / "study"
FOLDER = ROOT / "docs" / "results" / "study"
NETWORKS = ("model1", "model2", "model3")
PHOTOGRAPHS = (3, 28, 32, 34, 73, 72, 86, 95)
"""Sky, mountain, meadow, building, animal, person, table, flower: chosen before any was colored."""

STUDY_SIZE = 320  # pixels, in figure 2
SHOWN = 160  # pixels
LEAN = {
    "delta_a": "lean to red (delta_a),\nCIELAB units",
    "false_red": "other colors' pixels\nthat turn red",
    "red_share_ratio": "red's share of chroma,\nof the originals'",
}
CHOSEN = {"train": ("o", "lowest training loss"), "validation": ("D", "lowest validation loss")}


def main() -> None:
    """Write the figures and the histories."""
    networks = {
        n: TorchNetwork.from_file(RUNS / n / WEIGHTS, precision="float32") for n in NETWORKS
    }
    models = {name: network.model for name, network in networks.items()}
    save_figure(architecture(models, size=STUDY_SIZE), FOLDER / "figure2_architectures.png")
    write_histories()
    draw_losses()
    draw_photographs(networks)
    draw_red()


def write_histories() -> None:
    """Write the losses by epoch, with the learning rate and the seconds since the start."""
    for name in NETWORKS:
        record, history = RunRecord.read(RUNS / name), pd.read_csv(RUNS / name / HISTORY)
        history["lr"] = record.params["train"]["lr"]
        history["seconds"] = (history.pop("finished_at") - record.started_at) / 1000
        history.to_csv(FOLDER / name / HISTORY, index=False, float_format="%.6g")


def draw_losses() -> None:
    """Draw figure 4, the training losses, with the test losses beside them."""
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    for axes, name in zip(figure.subplots(1, 3, sharey=True), NETWORKS, strict=True):
        _draw_losses(axes, name)
        axes.set(title=name, xlabel="epoch")
        axes.legend()
    save_figure(figure, FOLDER / "figure4_losses.png")


def draw_photographs(networks: dict[str, TorchNetwork]) -> None:
    """Draw figures 3 and 5 to 8: the same photographs in all, as the networks see them."""
    size = networks[NETWORKS[0]].metadata.size
    photos = read_photographs(size)
    versions = {n: show_versions(m.model, photos, len(photos.ids)) for n, m in networks.items()}
    gray, original = (versions[NETWORKS[0]][kind] for kind in ("gray", "original"))
    predicted = {name: version["predicted"] for name, version in versions.items()}
    _save({"gray": gray, "original": original}, "figure3_pairs")
    for number, (name, colors) in enumerate(predicted.items(), 5):
        _save({"gray": gray, name: colors, "original": original}, f"figure{number}_{name}")
    _save({"gray": gray, **predicted, "original": original}, "figure8_comparison")


def read_photographs(size: int) -> LabDataset:
    """Return the bundled photographs `PHOTOGRAPHS`, squeezed to squares as in the study."""
    with zipfile.ZipFile(SAMPLE) as archive:
        files = [archive.read(f"mirflickr/im{number}.jpg") for number in PHOTOGRAPHS]
    squares = [resize(decode(file).rgb, size=size, resample="bicubic") for file in files]
    lab = torch.from_numpy(np.stack([rgb_to_lab(rgb) for rgb in squares])).half()
    return LabDataset(lab[:, :1], lab[:, 1:], list(map(str, PHOTOGRAPHS)), digest="")


def draw_red() -> None:
    """Draw, a column a network, the losses and three measures of red over the epochs."""
    figure = Figure(figsize=(11, 10), layout="constrained")
    panels = figure.subplots(1 + len(LEAN), 3, sharex=True, sharey="row")
    for column, name in zip(panels.T, NETWORKS, strict=True):
        column[0].set_title(name)
        _draw_losses(column[0], name)
        for axes, (score, label) in zip(column[1:], LEAN.items(), strict=True):
            _draw_score(axes, name, score)
            if name == NETWORKS[0]:
                axes.set_ylabel(label)
        column[-1].set_xlabel("epoch")
    for axes, right in ((panels[1], 0.0), (panels[3], 1.0)):  # where nothing leans
        for panel in axes:
            panel.axhline(right, color="black", linewidth=0.8)
    panels[0, 0].legend()
    panels[1, 0].legend(fontsize=8)
    save_figure(figure, FOLDER / "red.png")


def _draw_losses(axes: Axes, name: str) -> None:
    """Draw training and test loss over the epochs."""
    history = pd.read_csv(RUNS / name / HISTORY)
    axes.plot(history["epoch"], history["train_loss"], label="training", color="black")
    axes.plot(history["epoch"], history["test_loss"], label="test", color="tab:orange")
    axes.set_ylim(0, 0.03)
    axes.grid(alpha=0.3)
    if name == NETWORKS[0]:
        axes.set_ylabel("L2 of normalized ab")


def _draw_score(axes: Axes, name: str, score: str) -> None:
    """Draw a validation score with its 95% interval, and that of the two weights one may keep."""
    table = pd.read_csv(FOLDER / name / "scores.csv")
    axes.plot(table["epoch"], table[score], color="tab:red", marker=".")
    ends = table[f"{score}_low"], table[f"{score}_high"]
    axes.fill_between(table["epoch"], *ends, color="tab:red", alpha=0.15, linewidth=0)
    for row in pd.read_csv(FOLDER / name / "chosen.csv").to_dict("records"):
        marker, label = CHOSEN[row["weights"]]
        value = row[score]
        spread = [[value - row[f"{score}_low"]], [row[f"{score}_high"] - value]]
        axes.errorbar(
            row["epoch"], value, spread, color="black", marker=marker, capsize=3, mfc="white",
            linestyle="none", label=label,
        )  # fmt: skip
    axes.grid(alpha=0.3)


def _save(columns: dict[str, list[Picture]], name: str) -> None:
    photo_grid(columns, side=SHOWN).save(FOLDER / f"{name}.jpg", quality=90)


if __name__ == "__main__":
    main()
