"""The report's photographs: the best, the worst, and those that turn red, as pages show them."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorizer.color.lab_torch import lab_to_rgb
from colorizer.data.dataset import LabDataset
from colorizer.evaluation.evaluate import Predict
from colorizer.evaluation.scoring.color_bias import falsely_red
from colorizer.evaluation.scoring.pair import Pair
from colorizer.photo.encode import encode

SHOWN = 6  # photographs of each kind in the gallery

MARK = (230, 0, 60)  # sRGB, what is painted where red is false

ORDERS = {
    "best": "where the networks' colors are nearest to the original, beside gray",
    "worst": "where they are furthest from it, beside gray",
}


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
    red = [table["false_red.0"].to_numpy() for table in tables.values()]
    return np.argsort(-np.mean(red, axis=0), kind="stable")


def gallery(
    tables: Mapping[str, pd.DataFrame], networks: Mapping[str, Predict], photos: LabDataset
) -> list[dict[str, Any]]:
    """Return the best and the worst photographs, each as it is in gray, colored and originally."""
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
                caption = f"{name}, ΔE {tables[name]['delta_e2000'][place]:.1f}"
                pictures.append(_picture(caption, colored[name][row]))
            pictures.append(_picture("original", colored["original"][row]))
            rows.append({"id": photos.ids[place], "pictures": pictures})
        sections.append({"title": title, "meaning": meaning, "rows": rows})
    return sections


def red_gallery(
    tables: Mapping[str, pd.DataFrame], networks: Mapping[str, Predict], photos: LabDataset
) -> list[dict[str, Any]]:
    """Return the most red-biased photographs, with what turned red marked."""
    places = rank_by_red(tables)[: min(SHOWN, len(photos))]
    colored = _color(networks, photos, places)
    truth = colored["original"]
    gray = lab_to_rgb(colored["gray"])
    pairs = {name: Pair(truth[:, :1], colored[name][:, 1:], truth[:, 1:]) for name in networks}
    reds = {name: falsely_red(pair) for name, pair in pairs.items()}
    mark = torch.tensor(MARK, dtype=torch.uint8)[:, None]
    rows = []
    for row, place in enumerate(places):
        pictures = [_picture("original", truth[row])]
        for name in networks:
            red = reds[name][row]
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


def svg_uri(svg: str) -> str:
    """Return an SVG document as an address that holds it."""
    return _uri("image/svg+xml", svg.encode())


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
