import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from colorizer.data.references import References
from colorizer.evaluation.baselines import make_baselines
from colorizer.evaluation.evaluate import Predict, evaluate, summarize, write_scores
from colorizer.evaluation.figures import learning_curves
from colorizer.evaluation.gallery import rank_by_red, rank_photographs
from colorizer.evaluation.predictions import by_network
from colorizer.evaluation.report import write_report
from colorizer.evaluation.tables import strata_table
from colorizer.inference.torch_network import TorchNetwork
from colorizer.models import create_model
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.scores import table as scores
from colorizer.training.run_record import Epoch
from pictures import random_references, reader

COUNT, SIDE = 7, 32
NAMES = ["model1", "model2", "gray", "mean", "random", "truth"]
HISTORIES = {name: [Epoch(n, 1 / n, 1.2 / n, 5, n) for n in (1, 2)] for name in NAMES[:2]}


class Page(HTMLParser):
    """What a page holds: its tags with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def images(self, alt: str) -> list[str]:
        """Return the addresses of the pictures whose description holds `alt`."""
        return [a["src"] for tag, a in self.tags if tag == "img" and alt in a["alt"]]


@pytest.fixture(scope="module")
def photos() -> References:
    return random_references(COUNT, SIDE)


@pytest.fixture(scope="module")
def networks(photos: References) -> dict[str, Predict]:
    torch.manual_seed(5)  # the better by l2 is the worse by auc_rebalanced
    arguments: dict[str, dict[str, Any]] = {
        "model1": {"widths": [2, 4]},
        "model2": {"widths": [2, 4, 4]},
    }
    return {
        name: by_network(
            TorchNetwork(create_model(name, **given), WeightsMetadata(name, given, SIDE)),
            photos,
            reader(photos),
        )
        for name, given in arguments.items()
    }


@pytest.fixture(scope="module")
def evaluations(
    photos: References,
    networks: dict[str, Predict],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("evaluations")
    seen = WeightsMetadata("", {}, SIDE).shape
    baselines = make_baselines(torch.zeros(2), photos, seen)
    for name, predict in (networks | baselines).items():
        write_scores(evaluate(predict, photos), folder / name)
    return {name: folder / name for name in NAMES}


def write_two(
    path: Path, evaluations: dict[str, Path], networks: dict[str, Predict], photos: References
) -> None:
    test = dict.fromkeys(evaluations, evaluations["truth"])  # as if all were perfect there
    title, curves = "two & more", learning_curves(HISTORIES)
    write_report(
        *(path, title, evaluations, networks, photos),
        metric="l2",
        subset="validation",
        test=test,
        curves=curves,
    )


@pytest.fixture(scope="module")
def html(
    photos: References,
    networks: dict[str, Predict],
    evaluations: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_two(path, evaluations, networks, photos)
    return path.read_text(encoding="utf-8")


def test_the_page_needs_nothing_else(html: str) -> None:
    page = Page(html)
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "iframe"})
    addresses = [a[key] for _, a in page.tags for key in ("src", "href") if key in a]
    assert {re.split("[:;/]", address)[0] for address in addresses} <= {"data"} | {
        a for a in addresses if a.startswith("#")
    }
    assert "url(" not in html
    anchors = {a["href"][1:] for tag, a in page.tags if tag == "a"}
    assert anchors <= {a.get("id") for _, a in page.tags}


def test_the_page_shows_every_score_of_every_model(html: str, evaluations: dict[str, Path]) -> None:
    text = Page(html).text
    assert "two & more" in text
    for group, shown in scores.by_group().items():
        assert group in text
        assert all((score.name in text) != score.optional for score in shown)
    table = pd.read_csv(evaluations["model2"] / "intervals.csv", index_col="score")
    value, low, high = table.loc["delta_e2000", ["value", "low", "high"]]
    assert f"{value:.4g}" in text
    assert f"{low:.3g} … {high:.3g}" in text


def test_test_scores_stand_in_a_table_of_their_own_and_decide_nothing(
    html: str, evaluations: dict[str, Path]
) -> None:
    deciding, test = html.split('<section id="test">')
    assert f"{COUNT} validation photographs" in Page(deciding).text
    assert f"{COUNT} test photographs, by which nothing was chosen" in Page(test).text
    table = pd.read_csv(evaluations["model2"] / "intervals.csv", index_col="score")
    value = f"{table['value']['l2']:.4g}"
    assert value in Page(deciding).text
    assert value not in Page(test.split("</section>")[0]).text


def test_the_best_network_is_compared_with_the_others_in_pairs(
    html: str, evaluations: dict[str, Path]
) -> None:
    tables = {name: pd.read_csv(evaluations[name] / "sums.csv") for name in NAMES[:2]}
    found = {name: summarize(table) for name, table in tables.items()}
    best, other = sorted(found, key=lambda name: found[name]["l2"])
    assert found[best]["auc_rebalanced"] < found[other]["auc_rebalanced"]
    text = Page(html).text
    assert f"{best} has the best l2" in text
    assert f"{best} less" in text
    gain = found[best]["auc_rebalanced"] - found[other]["auc_rebalanced"]
    assert f"{gain:.4g}" in text


def test_a_single_network_is_compared_with_none(
    photos: References,
    networks: dict[str, Predict],
    evaluations: dict[str, Path],
    tmp_path: Path,
) -> None:
    alone = {name: folder for name, folder in evaluations.items() if name != "model2"}
    path, network = tmp_path / "r.html", {"model1": networks["model1"]}
    write_report(path, "one", alone, network, photos, metric="l2")
    text = Page(path.read_text()).text
    assert "less the others" not in text
    assert "Test scores" not in text  # of photographs that are called nothing else


def test_the_same_photographs_are_shown_for_every_model(html: str) -> None:
    page = Page(html)
    galleries = [page.images(f"{name}, ΔE") for name in NAMES[:2]]
    assert len(galleries[0]) == len(galleries[1]) == 2 * 4  # of 7, the best and the worst 4
    assert len(page.images("falsely red")) == 2 * 6
    assert page.text.count("a/<3>.jpg") >= 2
    for address in (*galleries[0], *page.images("falsely red")):
        with Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))) as picture:
            assert picture.size == (SIDE, SIDE)


def test_every_model_has_a_rose_and_the_curves_are_drawn(html: str) -> None:
    page = Page(html)
    assert len(page.images("hues of")) == len(NAMES)
    (curves,) = page.images("losses by epoch")
    assert base64.b64decode(curves.split(",")[1]).lstrip().startswith(b"<?xml")


def test_a_page_without_histories_has_no_learning_curves(
    photos: References,
    networks: dict[str, Predict],
    evaluations: dict[str, Path],
    tmp_path: Path,
) -> None:
    write_report(tmp_path / "r.html", "x", evaluations, networks, photos, metric="l2")
    assert "Learning" not in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_writing_twice_gives_the_same_bytes(
    html: str,
    photos: References,
    networks: dict[str, Predict],
    evaluations: dict[str, Path],
    tmp_path: Path,
) -> None:
    path = tmp_path / "r.html"
    write_two(path, evaluations, networks, photos)
    assert path.read_text(encoding="utf-8") == html


def test_photographs_are_ranked_by_what_color_gains() -> None:
    gray = pd.DataFrame({"delta_e2000": [1.0, 20.0, 30.0]})
    networks = {
        "one": pd.DataFrame({"delta_e2000": [3.0, 10.0, 29.0], "false_red.0": [5.0, 0.0, 40.0]}),
        "two": pd.DataFrame({"delta_e2000": [2.0, 12.0, 28.0], "false_red.0": [5.0, 20.0, 0.0]}),
    }
    assert rank_photographs(networks, gray).tolist() == [1, 2, 0]
    assert rank_by_red(networks).tolist() == [2, 1, 0]


def test_strata_hold_every_photograph_once(evaluations: dict[str, Path]) -> None:
    tables = {name: pd.read_csv(evaluations[name] / "sums.csv") for name in ("model1", "truth")}
    strata = strata_table(tables)
    false_red = strata[strata["score"] == "false_red"]
    assert false_red.groupby("model")["photographs"].sum().to_dict() == dict.fromkeys(tables, COUNT)
    assert set(false_red[false_red["model"] == "truth"]["value"].dropna()) == {0.0}


def test_a_hue_just_below_0_degrees_is_red(evaluations: dict[str, Path]) -> None:
    table = pd.read_csv(evaluations["model1"] / "sums.csv")[:2]
    table["mean_hue"] = np.array([360.0, 359.0])  # a float32 rounds up to the first
    assert set(strata_table({"model1": table})["stratum"]) == {"red", "purple"}
