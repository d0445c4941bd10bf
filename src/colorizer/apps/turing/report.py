"""The study's results: a table for the terminal, metrics for MLflow."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from colorizer.apps.turing.database import Database
from colorizer.apps.turing.scores import Scores, score
from colorizer.apps.turing.trials import Method, Protocol
from colorizer.errors import one_line

if TYPE_CHECKING:
    from colorizer.tracking.store import Store

logger = logging.getLogger(__name__)

HEAD = (
    "| model | people | pairs | fooling rate | 95% interval | vigilance | seconds |",
    "|---|--:|--:|--:|--:|--:|--:|",
)
NOTES = (
    "fooling rate: how often the photograph was taken for the fake; 50%: nobody can tell",
    "vigilance: how often another photograph's colors were found (Zhang et al. 2016: 87%)",
    "seconds: median, from the question to the answer",
)
FEW = 10  # people
NONE = "no interval: it needs two people or more, and answers of both kinds"
NARROW = f"of fewer than {FEW} people who differ, the interval is too narrow"


@dataclass(frozen=True)
class Result:
    """A model's results.

    Attributes:
        label: the model's name, with the digest of its weights if another has the same name.
        method: the model.
        unfinished: the number of people who began and did not finish.
        scores: None if nobody has finished.
    """

    label: str
    method: Method
    unfinished: int
    scores: Scores | None


def read_results(database: Database) -> list[Result]:
    """Score all models of a study."""
    methods = database.list_methods()
    names = [method.name for method in methods]
    results = []
    for method in methods:
        scores = score(database.answers(method.id))
        changed = f" ({method.weights[:8]})" if names.count(method.name) > 1 else ""
        unfinished = database.count_unfinished(method.id)
        results.append(Result(method.name + changed, method, unfinished, scores))
    return results


def describe(results: Sequence[Result], protocol: Protocol) -> str:
    """Return a study's results as a Markdown table with notes."""
    lines = [
        f"shown for {protocol.seconds:g} s; {protocol.practice} pairs of practice, then "
        f"{protocol.pairs}",
        "",
        *HEAD,
        *(_row(result) for result in results),
        "",
        *NOTES,
    ]
    known = [result.scores for result in results if result.scores]
    if any(scores.interval is None for scores in known):
        lines.append(NONE)
    if any(scores.interval and scores.people < FEW for scores in known):
        lines.append(NARROW)
    lines += [
        f"{result.label}: {result.scores.in_turn} pairs were shown in turn, in narrow windows"
        for result in results
        if result.scores and result.scores.in_turn
    ]
    lines += [
        f"left out of {result.label}: {result.unfinished} who began and did not finish"
        for result in results
        if result.unfinished
    ]
    return "\n".join(lines)


def publish(results: Sequence[Result], study: str, protocol: Protocol) -> None:
    """Log the results to MLflow; a failure is a warning of one line.

    The experiment is that of params.yaml, or `colorizer` without this file. A model has one run for
    each study. Its metrics get a new step when more people have finished.
    """
    try:
        from colorizer.params import Tracking, load_params
        from colorizer.tracking.store import Store
    except ModuleNotFoundError as error:
        logger.warning("warning: not logged to MLflow: %s is not installed", error.name)
        return
    try:
        tracking = load_params().tracking if Path("params.yaml").exists() else Tracking()
        if not tracking.enabled:
            logger.info("not logged to MLflow: tracking.enabled is false in params.yaml")
            return
        store = Store(tracking.experiment)
        for result in results:
            if result.scores is not None:
                _publish(store, result, result.scores, study, protocol)
    except Exception as error:  # whatever fails there, the answers are in the database
        logger.warning("warning: not logged to MLflow: %s", one_line(error))


def _publish(
    store: "Store", result: Result, scores: Scores, study: str, protocol: Protocol
) -> None:
    method = result.method
    identity = f"{study} {method.name} {method.weights}"
    store.publish_scores(
        f"turing {method.name}",
        hashlib.sha256(identity.encode()).hexdigest(),
        step=scores.people,
        metrics=_metrics(scores),
        params={key: str(value) for key, value in asdict(protocol).items()},
        tags={"model": method.name, "weights": method.weights, "study": study},
    )


def _metrics(scores: Scores) -> dict[str, float]:
    """Return the metrics for MLflow, without unknown values."""
    low, high = scores.interval or (None, None)
    values = {
        "people": scores.people,
        "pairs": scores.pairs,
        "fooling_rate": scores.fooling_rate,
        "fooling_rate_low": low,
        "fooling_rate_high": high,
        "vigilance": scores.vigilance,
        "seconds": scores.seconds,
    }
    return {f"turing/{key}": float(value) for key, value in values.items() if value is not None}


def _row(result: Result) -> str:
    scores = result.scores
    if scores is None:
        return f"| {result.label} | 0 | 0 | | | | |"
    low, high = scores.interval or (None, None)
    interval = "" if low is None else f"{low:.1%} to {high:.1%}"
    vigilance = "" if scores.vigilance is None else f"{scores.vigilance:.1%}"
    return (
        f"| {result.label} | {scores.people} | {scores.pairs} | {scores.fooling_rate:.1%} | "
        f"{interval} | {vigilance} | {scores.seconds:.2f} |"
    )
