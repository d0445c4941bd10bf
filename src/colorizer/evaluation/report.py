"""One page that shows how networks do: scores, hues, photographs; a file that stands alone."""

import base64
import math
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorizer.color.lab_torch import lab_to_rgb
from colorizer.data.dataset import LabDataset
from colorizer.evaluation.bootstrap import paired_differences
from colorizer.evaluation.color_bias import HUES, TRUE_HUES, falsely_red
from colorizer.evaluation.comparison import HUE_STRATA, SCORES, rounded, strata_table
from colorizer.evaluation.evaluate import per_image, read_sums, scores_of, summable
from colorizer.evaluation.figures import hue_rose, learning_curves, to_svg
from colorizer.models.predict import Predict, TorchNetwork, by_network
from colorizer.photo.encode import encode
from colorizer.training.run_record import Epoch

SHOWN = 6  # photographs of each kind in the gallery

COMPARED = ("auc_rebalanced", "auc", "chroma_ratio", "delta_a", "red_share_ratio", "false_red")
"""The scores by which the page compares networks in pairs."""

MARK = (230, 0, 60)  # sRGB, what is painted where red is false

ORDERS = {
    "best": "where the networks' colors are nearest to the original, beside gray",
    "worst": "where they are furthest from it, beside gray",
}


def write_report(
    path: Path,
    title: str,
    evaluations: Mapping[str, Path],
    networks: Mapping[str, TorchNetwork],
    photos: LabDataset,
    histories: Mapping[str, Sequence[Epoch]],
    losses: Mapping[str, str] | None = None,
) -> None:
    """Write the page.

    Args:
        path: the HTML file, which needs no other and no network.
        title: its title.
        evaluations: by network or baseline, the folder that `write_scores` wrote; "gray" is one.
        networks: by name, those of `evaluations` that color the gallery.
        photos: what they were scored on.
        histories: by network, its losses; none draws no learning curves.
        losses: by network, what these are, as `learning_curves` takes it.
    """
    tables = {name: read_sums(folder) for name, folder in evaluations.items()}
    learned = {name: tables[name] for name in networks}
    best = max(learned, key=lambda name: float(_total_scores(learned[name])["auc_rebalanced"]))
    predict = {name: by_network(network) for name, network in networks.items()}
    source = (resources.files(__package__) / "report.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    page = environment.from_string(source).render(
        title=title,
        photographs=len(photos),
        side=photos.size,
        names=list(evaluations),
        networks=list(networks),
        groups=_score_rows(evaluations),
        best=best,
        differences=_difference_rows(learned, best),
        roses=_draw_roses(tables),
        strata=_strata_rows(learned),
        curves=_svg_uri(to_svg(learning_curves(histories, losses))) if histories else "",
        gallery=_gallery(tables, predict, photos),
        red=_red_gallery(learned, predict, photos),
    )
    path.write_text(page, encoding="utf-8")


def rank_photographs(tables: Mapping[str, pd.DataFrame], gray: pd.DataFrame) -> NDArray[np.int64]:
    """Return the photographs' places from the one that networks color best to the worst.

    Args:
        tables: by network, `evaluate`'s table.
        gray: the same of no color.

    Returns:
        int64 (N,), by the mean over networks of CIEDE2000 less that of gray: what color gains, not
        how gray the original is.
    """
    gains = [(table["delta_e2000"] - gray["delta_e2000"]).to_numpy() for table in tables.values()]
    return np.argsort(np.mean(gains, axis=0), kind="stable")


def rank_by_red(tables: Mapping[str, pd.DataFrame]) -> NDArray[np.int64]:
    """Return the photographs' places, int64 (N,), from the one with most falsely red pixels."""
    red = [table["false_red"].to_numpy() for table in tables.values()]
    return np.argsort(-np.mean(red, axis=0), kind="stable")


def _score_rows(evaluations: Mapping[str, Path]) -> dict[str, list[dict[str, Any]]]:
    """Return by group a row for each score that any has: name, meaning, cells."""
    scores = {
        name: pd.read_csv(folder / "intervals.csv", index_col="score")
        for name, folder in evaluations.items()
    }
    return {
        group: [
            {
                "name": name,
                "meaning": meaning,
                "cells": [_cell(table, name) for table in scores.values()],
            }
            for name, meaning in meanings.items()
            if all(name in table.index for table in scores.values())
        ]
        for group, meanings in SCORES.items()
    }


def _cell(table: pd.DataFrame, row: str) -> dict[str, str]:
    value, low, high = (float(table[column][row]) for column in ("value", "low", "high"))
    known = not math.isnan(value) and low < high
    return {"value": rounded(value), "interval": f"{low:.3g} … {high:.3g}" if known else ""}


def _total_scores(table: pd.DataFrame) -> dict[str, torch.Tensor]:
    totals = summable(table).sum()
    return scores_of({str(name): torch.tensor(float(value)) for name, value in totals.items()})


def _difference_rows(tables: Mapping[str, pd.DataFrame], best: str) -> list[dict[str, Any]]:
    """Return a row for each of `COMPARED`: how the best network differs from each other one."""
    others = [name for name in tables if name != best]
    sums = {name: summable(tables[name]) for name in (best, *others)}
    differences = paired_differences(sums, scores_of)
    if differences.empty:
        return []
    of_best = differences[differences["model"] == best]
    pairs = {name: of_best[of_best["other"] == name].set_index("score") for name in others}
    return [
        {"name": score, "cells": [_cell(pairs[name], score) for name in others]}
        for score in COMPARED
    ]


def _strata_rows(tables: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """Return a row for each stratum of photographs: what, how many, false red of each network."""
    strata = strata_table(tables)
    rows = []
    for stratum, part in strata[strata["score"] == "false_red"].groupby("stratum", sort=False):
        by_model = part.set_index("model")
        first, last = HUE_STRATA[str(stratum)]
        rows.append(
            {
                "name": f"{stratum}, {first:.0f}° to {last:.0f}°",
                "photographs": int(part["photographs"].iloc[0]),
                "cells": [_cell(by_model, name) for name in tables],
            }
        )
    return rows


def _draw_roses(tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    roses = {}
    for name, table in tables.items():
        predicted, original = (table[list(hues)].sum().to_numpy() for hues in (HUES, TRUE_HUES))
        roses[name] = _svg_uri(to_svg(hue_rose(predicted, original)))
    return roses


def _gallery(
    tables: Mapping[str, pd.DataFrame], networks: Mapping[str, Predict], photos: LabDataset
) -> list[dict[str, Any]]:
    """Return the best and the worst photographs, each as it is in gray, colored and originally."""
    scores = {name: per_image(table) for name, table in tables.items()}
    order = rank_photographs({name: tables[name] for name in networks}, tables["gray"])
    count = min(SHOWN, (len(order) + 1) // 2)
    sections = []
    for (title, meaning), places in zip(
        ORDERS.items(), (order[:count], order[::-1][:count]), strict=True
    ):
        colored = _color(networks, photos, places)
        rows = []
        for row, place in enumerate(places):
            pictures = [_picture("gray", colored["gray"][row])]
            for name in networks:
                caption = f"{name}, ΔE {scores[name]['delta_e2000'][place]:.1f}"
                pictures.append(_picture(caption, colored[name][row]))
            pictures.append(_picture("original", colored["original"][row]))
            rows.append({"id": photos.ids[place], "pictures": pictures})
        sections.append({"title": title, "meaning": meaning, "rows": rows})
    return sections


def _red_gallery(
    tables: Mapping[str, pd.DataFrame], networks: Mapping[str, Predict], photos: LabDataset
) -> list[dict[str, Any]]:
    """Return the most red-biased photographs, with what turned red marked."""
    places = rank_by_red(tables)[: min(SHOWN, len(photos))]
    colored = _color(networks, photos, places)
    truth = colored["original"]
    gray = lab_to_rgb(colored["gray"])
    mark = torch.tensor(MARK, dtype=torch.uint8)[:, None]
    rows = []
    for row, place in enumerate(places):
        pictures = [_picture("original", truth[row])]
        for name in networks:
            red = falsely_red(colored[name][row : row + 1], truth[row : row + 1])[0]
            marked = gray[row].clone()
            marked[:, red] = mark
            pictures.append(_picture(name, colored[name][row]))
            share = f"{red.float().mean():.0%}"
            pictures.append({"caption": f"{share} falsely red", "uri": _jpeg_uri(marked)})
        rows.append({"id": photos.ids[place], "pictures": pictures})
    return rows


def _color(
    networks: Mapping[str, Predict], photos: LabDataset, places: NDArray[np.int64]
) -> dict[str, Tensor]:
    """Return photographs in gray, by each network and as they were: each (N, 3, H, W), CIELAB."""
    rows = torch.from_numpy(places.copy())
    lightness = photos.lightness[rows].float()
    truth = photos.ab[rows].float()
    versions = {"gray": torch.zeros_like(truth)}
    for name, predict in networks.items():
        versions[name] = predict(lightness, slice(0)).cpu()
    versions["original"] = truth
    return {name: torch.cat((lightness, ab), dim=1) for name, ab in versions.items()}


def _picture(caption: str, lab: Tensor) -> dict[str, str]:
    return {"caption": caption, "uri": _jpeg_uri(lab_to_rgb(lab[None])[0])}


def _jpeg_uri(rgb: Tensor) -> str:
    return _uri("image/jpeg", encode(rgb.permute(1, 2, 0).contiguous().numpy(), format="jpeg"))


def _svg_uri(svg: str) -> str:
    return _uri("image/svg+xml", svg.encode())


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
