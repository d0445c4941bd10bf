"""Which model is the best: the rule for the alias `champion`."""

from collections.abc import Mapping

from colorizer.params import Register
from colorizer.scores.table import lower_is_better
from colorizer.tracking.names import TRIAL

SCORED_ON = "data.scored"
"""The tag with the digest of the photographs that a version's deciding score is of."""


def deserves_alias(
    candidate: Mapping[str, str], champion: Mapping[str, str], register: Register
) -> bool:
    """Say whether a model version takes the alias `champion` from the one that has it.

    Scored on the same photographs, the better one has it. Otherwise scores say nothing, and the
    newer one takes it: but a trial (`register.champion: false`, as the demo) takes it only from
    another trial.

    Args:
        candidate: the tags of the one version.
        champion: those of the other.
        register: the metric, and whether this profile's models are more than a trial.
    """
    if candidate[SCORED_ON] == champion.get(SCORED_ON) and register.metric in champion:
        ours, theirs = float(candidate[register.metric]), float(champion[register.metric])
        return ours <= theirs if lower_is_better(register.metric) else ours >= theirs
    return register.champion or TRIAL in champion


def best_model(metrics: Mapping[str, Mapping[str, float]], metric: str) -> str:
    """Return the model with the best score, given each model's deciding scores."""
    sign = 1 if lower_is_better(metric) else -1
    return min(metrics, key=lambda model: sign * metrics[model][metric])
