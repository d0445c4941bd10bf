"""The study's outcome: a table for the terminal, and the same for MLflow."""

import csv
import hashlib
import io
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from colorizer.turing.database import Database, Method, Protocol
from colorizer.turing.scores import Scores, score
from colorizer.turing.trials import Answer

if TYPE_CHECKING:
    from colorizer.tracking import Store

logger = logging.getLogger(__name__)

HEAD = (
    "| model | people | pairs | fooling rate | 95% interval | vigilance | seconds |",
    "|---|--:|--:|--:|--:|--:|--:|",
)
NOTES = (
    "fooling rate: how often the photograph was taken for the fake; 50%: nobody can tell",
    "vigilance: how often another photograph's colours were found (Zhang et al. 2016: 87%)",
    "seconds: median, from the question to the answer",
)
FEW = "one person's answers have no interval: it needs two people or more"


@dataclass(frozen=True)
class Result:
    """What is known of a model.

    Attributes:
        label: the model's name, with its weights' digest if others have the same name.
        method: the model.
        answers: of the people who finished.
        unfinished: how many began only.
        scores: None if nobody has finished.
    """

    label: str
    method: Method
    answers: Sequence[Answer]
    unfinished: int
    scores: Scores | None


def read_results(database: Database) -> list[Result]:
    """Score all models of a study."""
    methods = database.list_methods()
    names = [method.name for method in methods]
    results = []
    for method in methods:
        answers = database.answers(method.id)
        changed = f" ({method.weights[:8]})" if names.count(method.name) > 1 else ""
        unfinished = database.count_unfinished(method.id)
        results.append(Result(method.name + changed, method, answers, unfinished, score(answers)))
    return results


def describe(results: Sequence[Result], protocol: Protocol) -> str:
    """Return a study's outcome as a Markdown table with notes."""
    lines = [
        f"shown for {protocol.seconds:g} s; {protocol.practice} pairs of practice, then "
        f"{protocol.pairs}",
        "",
        *HEAD,
        *(_row(result) for result in results),
        "",
        *NOTES,
    ]
    if any(result.scores and result.scores.interval is None for result in results):
        lines.append(FEW)
    lines += [
        f"left out of {result.label}: {result.unfinished} who began and did not finish"
        for result in results
        if result.unfinished
    ]
    return "\n".join(lines)


def write_csv(answers: Sequence[Answer]) -> str:
    """Return answers as CSV, a row a pair; people are numbered."""
    rows = [
        {"person": answer.person, **asdict(answer.trial)}
        | {"layout": answer.layout, "answer": answer.side, "seconds": answer.seconds}
        for answer in answers
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def publish(results: Sequence[Result], study: str, protocol: Protocol) -> None:
    """Tell MLflow; where this fails, a warning of one line says so.

    The experiment is the one that params.yaml names, or `colorizer` where there is none. A model
    has one run for each study, whose metrics get a new step when more people have finished.
    """
    try:
        from colorizer.params import Tracking, load_params
        from colorizer.tracking import Store, one_line
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
        files={"answers.csv": write_csv(result.answers)},
    )


def _metrics(scores: Scores) -> dict[str, float]:
    """Return what MLflow is told; what is not known is left out."""
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
