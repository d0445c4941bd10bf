"""The gate to the alias `champion`: better beyond chance, or for a person's own reason."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from colorizer.errors import ColorizerError
from colorizer.evaluation.evaluate import Prediction, evaluate, write_scores
from colorizer.params import Register
from colorizer.tracking.names import PROMOTED
from colorizer.tracking.promotion import difference, promote
from colorizer.tracking.published import Published
from colorizer.tracking.registration import publish
from colorizer.tracking.store import Store
from pictures import random_references

PHOTOS = random_references(24, 8)
ERRORS = np.random.default_rng(1).uniform(5, 15, len(PHOTOS))  # of ab, by photograph
NAME = "colorizer-gate"
SCORED = {"data.scored": "x"}

Add = Callable[..., str]


@pytest.fixture
def add(store: Store, tmp_path: Path) -> Add:
    """Return a function that registers a version with scores by photograph, and gives its name."""
    client = store.client

    def add_version(errors: NDArray[np.float64] | None, **tags: str) -> str:
        if not client.search_registered_models(f"name = '{NAME}'"):
            client.create_registered_model(NAME)
        run_id = client.create_run(store.experiment_id).info.run_id
        if errors is not None:
            none = np.zeros((2, 4, 4), np.float32)
            table = evaluate(lambda n: Prediction(none + np.float32(errors[n]), none), PHOTOS)
            write_scores(table, tmp_path / run_id)
            client.log_artifacts(run_id, str(tmp_path / run_id), "evaluation/scores/validation")
        version = client.create_model_version(
            NAME, f"runs:/{run_id}/model", run_id, {**SCORED, **tags}
        )
        return f"{NAME}/{version.version}"

    return add_version


def champion(store: Store) -> str:
    return f"{NAME}/{store.client.get_model_version_by_alias(NAME, 'champion').version}"


def test_only_what_is_better_beyond_chance_becomes_the_champion(store: Store, add: Add) -> None:
    first, lucky, better = add(ERRORS), add(ERRORS[::-1] * 0.99), add(ERRORS * 0.8)
    assert promote(store, first, "l2") == f"{first} is the champion: there was none"
    assert promote(store, f"{NAME}@champion", "l2").endswith("it was already")

    for metric in ("l2", "psnr"):  # the less and the more the better
        said = rf"gate/2 .* {metric} .* on 24 validation .* beyond chance"
        with pytest.raises(ColorizerError, match=said):
            promote(store, lucky, metric)
    assert champion(store) == first

    store.client.set_registered_model_alias(NAME, "challenger", better.partition("/")[2])
    assert "l2 -" in promote(store, f"{NAME}@challenger", "l2")
    assert champion(store) == better
    assert "challenger" not in store.client.get_registered_model(NAME).aliases

    with pytest.raises(ColorizerError, match="not better beyond chance"):
        promote(store, lucky, "l2")
    promote(store, lucky, "l2", reason="its skin is right")
    assert champion(store) == lucky
    tags = store.client.get_model_version(*lucky.split("/")).tags
    assert tags[PROMOTED] == "by force: its skin is right"


def test_versions_that_cannot_be_compared_are_not_promoted(store: Store, add: Add) -> None:
    first = add(ERRORS)
    promote(store, first, "l2", reason="so that there is one")
    refused = {
        add(ERRORS * 0.5, **{"data.scored": "y"}): "not scored on the photographs",
        add(None): "has no scores",
        add(ERRORS * 0.5, trial="true"): "a trial's",
        f"{NAME}/999": "`colorizer models` lists",
        "weights.safetensors": "no registered version",
        "colorizer": "no model 'colorizer'",  # whose challenger is meant
    }
    for version, said in refused.items():
        with pytest.raises(ColorizerError, match=said):
            promote(store, version, "l2")
    assert champion(store) == first


def test_a_trial_s_champion_gives_way_to_what_is_none(store: Store, add: Add) -> None:
    trial = add(ERRORS, trial="true", **{"data.scored": "a demo's"})
    promote(store, trial, "l2", reason="so that there is one")
    model = add(ERRORS * 2)
    assert promote(store, model, "l2").endswith(f"version {trial.partition('/')[2]} was a trial's")
    assert champion(store) == model


def test_scores_of_different_photographs_are_not_compared() -> None:
    none = np.zeros((2, 4, 4), np.float32)
    table = evaluate(lambda _: Prediction(none + 1, none), PHOTOS)
    with pytest.raises(ColorizerError, match="different photographs"):
        difference(table, table.iloc[::-1], "l2")


def test_a_promoted_champion_gives_way_to_no_training(
    store: Store, publishable: Callable[..., Published]
) -> None:
    name, register = "colorizer-kept", Register(metric="l2", champion=True)
    publish(store, publishable("kept", "kept", l2=0.5), register)
    promote(store, f"{name}@champion", "l2")
    publish(store, publishable("newer", "kept", l2=0.4), register)
    found = store.client.get_registered_model(name).aliases
    assert {alias: int(number) for alias, number in found.items()} == {
        "champion": 1,
        "challenger": 2,
        "paper": 2,
    }
