"""One page that shows how networks do: scores, hues, photographs; a file that stands alone."""

import math
from collections.abc import Mapping
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from matplotlib.figure import Figure

from colorizer.data.references import LONGEST, References
from colorizer.evaluation.evaluate import Predict, read_sums, summable, summarize
from colorizer.evaluation.figures import hue_rose, to_svg
from colorizer.evaluation.gallery import gallery, red_gallery, svg_uri
from colorizer.evaluation.scoring.bootstrap import paired_differences
from colorizer.evaluation.scoring.color_bias import HUE_BINS
from colorizer.evaluation.scoring.measure import columns_of, scores_of
from colorizer.evaluation.tables import HUE_STRATA, rounded, strata_table
from colorizer.scores import table as scores


def write_report(
    path: Path,
    title: str,
    evaluations: Mapping[str, Path],
    networks: Mapping[str, Predict],
    photos: References,
    *,
    metric: str,
    subset: str = "",
    test: Mapping[str, Path] | None = None,
    curves: Figure | None = None,
) -> None:
    """Write the page.

    Args:
        path: the HTML file, which needs no other and no network.
        title: its title.
        evaluations: by network or baseline, the folder that `write_scores` wrote; "gray" is one.
        networks: by name, what those of `evaluations` that are networks predict for `photos`.
        photos: what they were scored on.
        metric: the score that decides which network is compared with each other one.
        subset: what `photos` are called, if anything.
        test: the same as `evaluations`, of the test photographs, if `photos` are others.
        curves: the networks' learning curves, if there are any.
    """
    tables = {name: read_sums(folder) for name, folder in evaluations.items()}
    learned = {name: tables[name] for name in networks}
    best = _find_best(learned, metric)
    page = _load_template().render(
        title=title,
        photographs=len(photos),
        subset=subset,
        side=LONGEST,
        names=list(evaluations),
        networks=list(networks),
        groups=_score_rows(evaluations),
        test=_score_rows(test) if test else {},
        test_photographs=_count(test) if test else 0,
        best=best,
        metric=metric,
        differences=_difference_rows(learned, best),
        roses=_draw_roses(tables),
        strata=_strata_rows(learned),
        curves=svg_uri(to_svg(curves)) if curves else "",
        gallery=gallery(tables, networks, photos),
        red=red_gallery(learned, networks, photos),
    )
    path.write_text(page, encoding="utf-8")


def _count(evaluations: Mapping[str, Path]) -> int:
    """Return how many photographs were scored."""
    return len(read_sums(next(iter(evaluations.values()))))


def _load_template() -> jinja2.Template:
    source = (resources.files(__package__) / "report.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.from_string(source)


def _score_rows(evaluations: Mapping[str, Path]) -> dict[str, list[dict[str, Any]]]:
    """Return by group a row for each score that any has: name, meaning, cells."""
    tables = {
        name: pd.read_csv(folder / "intervals.csv", index_col="score")
        for name, folder in evaluations.items()
    }
    return {
        group: [
            {
                "name": score.name,
                "meaning": score.meaning,
                "cells": [_cell(table, score.name) for table in tables.values()],
            }
            for score in shown
            if all(score.name in table.index for table in tables.values())
        ]
        for group, shown in scores.by_group().items()
    }


def _cell(table: pd.DataFrame, row: str) -> dict[str, str]:
    value, low, high = (float(table[column][row]) for column in ("value", "low", "high"))
    known = not math.isnan(value) and low < high
    return {"value": rounded(value), "interval": f"{low:.3g} … {high:.3g}" if known else ""}


def _find_best(tables: Mapping[str, pd.DataFrame], metric: str) -> str:
    sign = -1 if scores.lower_is_better(metric) else 1
    return max(tables, key=lambda name: sign * summarize(tables[name])[metric])


def _difference_rows(tables: Mapping[str, pd.DataFrame], best: str) -> list[dict[str, Any]]:
    """Return a row for each score shown in "pairs": the best network's less each other's."""
    others = [name for name in tables if name != best]
    sums = {name: summable(tables[name]) for name in (best, *others)}
    statistic = partial(scores_of, only=scores.shown_in("pairs"))
    differences = paired_differences(sums, statistic)
    if differences.empty:
        return []
    of_best = differences[differences["model"] == best]
    pairs = {name: of_best[of_best["other"] == name].set_index("score") for name in others}
    return [
        {"name": score, "cells": [_cell(pairs[name], score) for name in others]}
        for score in scores.shown_in("pairs")
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
        hues = table[columns_of(scores.by_name()["hue_distance"], table.columns)].sum().to_numpy()
        roses[name] = svg_uri(to_svg(hue_rose(hues[:HUE_BINS], hues[HUE_BINS:])))
    return roses
