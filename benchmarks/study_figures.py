"""Draw the study's curves anew from the small files of docs/results/study: no arguments."""

from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

FOLDER = Path(__file__).parents[1] / "docs" / "results" / "study"
NETWORKS = {"model1": "tab:gray", "model2": "tab:blue", "model3": "tab:red"}
LEAN = {
    "delta_a": "mean difference of a* from the original\n(CIELAB units; above 0: toward red)",
    "false_red": "share of pixels of another color\nthat turn red",
    "red_share_ratio": "red's share of chroma,\nof the original's",
}


def main() -> None:
    """Write learning_curves.png and red_lean.png."""
    histories = {name: pd.read_csv(FOLDER / name / "history.csv") for name in NETWORKS}
    scores = {name: pd.read_csv(FOLDER / name / "scores.csv") for name in NETWORKS}
    draw_curves(histories)
    draw_lean(histories, scores)


def draw_curves(histories: dict[str, pd.DataFrame]) -> None:
    """Draw training and test loss over the epochs, one panel a network."""
    figure, panels = plt.subplots(1, 3, figsize=(11, 3.4), sharey=True, layout="constrained")
    for axes, (name, history) in zip(panels, histories.items(), strict=True):
        axes.plot(history["epoch"], history["train_loss"], label="training", color="black")
        axes.plot(history["epoch"], history["test_loss"], label="test", color="tab:orange")
        axes.set(title=name, xlabel="epoch", ylim=(0, 0.03))
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("L2 of normalized ab")
    panels[0].legend()
    figure.savefig(FOLDER / "learning_curves.png", dpi=110)


def draw_lean(histories: dict[str, pd.DataFrame], scores: dict[str, pd.DataFrame]) -> None:
    """Draw the measures of red over the epochs, and beside them the gap between the losses."""
    figure, panels = plt.subplots(2, 2, figsize=(10, 6.4), sharex=True, layout="constrained")
    for axes, (score, label) in zip(panels.flat, LEAN.items(), strict=False):
        for name, color in NETWORKS.items():
            _draw_score(axes, scores[name], score, name, color)
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
    gap = panels.flat[3]
    for name, history in histories.items():
        difference = history["test_loss"] - history["train_loss"]
        gap.plot(history["epoch"], difference, color=NETWORKS[name], label=name)
    gap.set_ylabel("test loss less training loss:\nlearned by heart")
    gap.set_ylim(-0.002, 0.02)
    gap.grid(alpha=0.3)
    gap.legend()
    for axes in panels[1]:
        axes.set_xlabel("epoch")
    figure.savefig(FOLDER / "red_lean.png", dpi=110)


def _draw_score(axes: Axes, table: pd.DataFrame, score: str, name: str, color: str) -> None:
    """Draw a score with its 95% interval."""
    axes.plot(table["epoch"], table[score], color=color, marker=".", label=name)
    ends = table[f"{score}_low"], table[f"{score}_high"]
    axes.fill_between(table["epoch"], *ends, color=color, alpha=0.15, linewidth=0)


if __name__ == "__main__":
    main()
