"""The report's photographs: the best, the worst, and those that turn red, as pages show them."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from colorizer.data.references import References
from colorizer.evaluation.evaluate import Predict, pair_of
from colorizer.evaluation.predictions import Picture, show
from colorizer.evaluation.scoring.color_bias import falsely_red
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
    tables: Mapping[str, pd.DataFrame], networks: Mapping[str, Predict], photos: References
) -> list[dict[str, Any]]:
    """Return the best and the worst photographs, each as it is in gray, colored and originally."""
    order = rank_photographs({name: tables[name] for name in networks}, tables["gray"])
    count = min(SHOWN, (len(order) + 1) // 2)
    sections = []
    for (title, meaning), places in zip(
        ORDERS.items(), (order[:count], order[::-1][:count]), strict=True
    ):
        colored = show(networks, photos, places.tolist())
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
    tables: Mapping[str, pd.DataFrame], networks: Mapping[str, Predict], photos: References
) -> list[dict[str, Any]]:
    """Return the most red-biased photographs, with what turned red marked."""
    places = rank_by_red(tables)[: min(SHOWN, len(photos))].tolist()
    grays = show({}, photos, places)["gray"]
    rows = []
    for place, gray in zip(places, grays, strict=True):
        pictures = [_picture("original", photos[place].rgb)]
        for name, predict in networks.items():
            pair = pair_of(photos[place], predict(place))
            red = falsely_red(pair)[0].numpy()
            marked = np.where(red[..., None], np.array(MARK, np.uint8), gray)
            pictures.append(_picture(name, pair.rgb[0][0].movedim(0, -1).numpy()))
            pictures.append(_picture(f"{red.mean():.0%} falsely red", marked))
        rows.append({"id": photos.ids[place], "pictures": pictures})
    return rows


def _picture(caption: str, rgb: Picture) -> dict[str, str]:
    data = encode(np.ascontiguousarray(rgb), format="jpeg")
    return {"caption": caption, "uri": _uri("image/jpeg", data)}


def svg_uri(svg: str) -> str:
    """Return an SVG document as an address that holds it."""
    return _uri("image/svg+xml", svg.encode())


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
