"""Makes a version the champion, if it is better than the champion beyond chance."""

import tempfile
from functools import partial
from pathlib import Path

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from colorizer.data.references import SCORED
from colorizer.errors import ColorizerError, UsageError, one_line
from colorizer.evaluation.evaluate import SUMS, read_sums, summable
from colorizer.evaluation.scoring.bootstrap import paired_differences
from colorizer.evaluation.scoring.measure import scores_of
from colorizer.scores.table import lower_is_better
from colorizer.tracking.champion import SCORED_ON
from colorizer.tracking.names import (
    CHALLENGER,
    CHAMPION,
    DEFAULT,
    PROMOTED,
    TRIAL,
    Version,
    parse,
)
from colorizer.tracking.published import SCORES
from colorizer.tracking.registry import find_version
from colorizer.tracking.store import FAILURES, Store

OTHERWISE = "--force REASON makes it the champion all the same"


def promote(store: Store, model: str, metric: str, *, reason: str = "") -> str:
    """Make a version the champion of its registered model, and say why in its tag `PROMOTED`.

    It has to be better than the champion by the paired bootstrap on the photographs that decide:
    the 95% interval of the difference has to be on its side of 0. From then on no training takes
    the alias by itself.

    Args:
        store: with the registry.
        model: a version, as `names` spells it, such as colorizer@challenger.
        metric: the score that decides.
        reason: promotes it in any case.

    Returns:
        What happened, in one line.

    Raises:
        ColorizerError: if it is not better, there is no such version, or MLflow fails.
    """
    wanted = parse(f"{DEFAULT}@{CHALLENGER}" if model == DEFAULT else model)
    if not isinstance(wanted, Version):
        raise UsageError(f"{model} is no registered version: name one, such as colorizer/3")
    client = store.client
    try:
        version = find_version(client, wanted)
        if version is None:
            raise ColorizerError(f"no model {model!r}: `colorizer models` lists what there is")
        champion = find_version(client, Version(version.name, alias=CHAMPION))
        why = f"by force: {reason}" if reason else _compare(client, version, champion, metric)
        client.set_model_version_tag(version.name, version.version, PROMOTED, why)
        client.set_registered_model_alias(version.name, CHAMPION, version.version)
        if CHALLENGER in version.aliases:
            client.delete_registered_model_alias(version.name, CHALLENGER)
    except FAILURES as error:
        raise ColorizerError(f"MLflow failed: {one_line(error)}; promote it again") from error
    return f"{version.name}/{version.version} is the champion: {why}"


def _compare(
    client: MlflowClient, version: ModelVersion, champion: ModelVersion | None, metric: str
) -> str:
    """Return why a version deserves to be the champion."""
    stays = f"{version.name}/{version.version} does not become the champion: "
    if champion is None:
        return "there was none"
    if champion.version == version.version:
        return "it was already"
    if TRIAL in version.tags and TRIAL not in champion.tags:
        raise ColorizerError(f"{stays}it is a trial's, as the demo's; {OTHERWISE}")
    other = f"version {champion.version}"
    if version.tags.get(SCORED_ON) != champion.tags.get(SCORED_ON):
        if TRIAL in champion.tags and TRIAL not in version.tags:
            return f"{other} was a trial's"
        raise ColorizerError(
            f"{stays}it was not scored on the photographs that {other} was scored on; {OTHERWISE}"
        )
    (ours, subset), (theirs, _) = _read(client, version), _read(client, champion)
    value, low, high = difference(ours, theirs, metric)
    said = (
        f"{metric} {value:+.4g} [{low:+.4g}, {high:+.4g}] against {other} "
        f"on {len(ours)} {subset} photographs"
    )
    if not (high < 0 if lower_is_better(metric) else low > 0):
        raise ColorizerError(f"{stays}{said} is not better beyond chance; {OTHERWISE}")
    return said


def difference(ours: pd.DataFrame, theirs: pd.DataFrame, metric: str) -> tuple[float, float, float]:
    """Return by how much one score differs on the same photographs, with its 95% interval.

    Args:
        ours: `evaluate`'s table of the one model.
        theirs: that of the other, whose score is subtracted.
        metric: the score.

    Raises:
        ColorizerError: if they are not of the same photographs.
    """
    if list(ours["id"]) != list(theirs["id"]):
        raise ColorizerError("the two versions were scored on different photographs")
    tables = {"ours": summable(ours), "theirs": summable(theirs)}
    found = paired_differences(tables, partial(scores_of, only=[metric])).iloc[0]
    return float(found["value"]), float(found["low"]), float(found["high"])


def _read(client: MlflowClient, version: ModelVersion) -> tuple[pd.DataFrame, str]:
    """Return a version's scores by photograph, as its run has them, and of which subset."""
    run_id = str(version.run_id)
    for subset in SCORED:
        folder = f"evaluation/{SCORES}/{subset}"
        if f"{folder}/{SUMS}" in (f.path for f in client.list_artifacts(run_id, folder)):
            break
    else:
        name = f"{version.name}/{version.version}"
        raise ColorizerError(f"{name}: its run {run_id} has no scores; {OTHERWISE}")
    with tempfile.TemporaryDirectory() as place:
        sums = client.download_artifacts(run_id, f"{folder}/{SUMS}", place)
        return read_sums(Path(sums).parent), subset
