"""Log to MLflow what it does not have yet, such as the runs that DVC restored from its cache."""

import json
import logging
from collections.abc import Collection

from colorizer.errors import ColorizerError, one_line
from colorizer.params import Params, Profile
from colorizer.paths import Paths
from colorizer.tracking.published import Published
from colorizer.tracking.registration import publish, publish_comparison
from colorizer.tracking.store import FAILURES, Store

logger = logging.getLogger(__name__)


def sync(params: Params) -> None:
    """Log every scored training and comparison in the work tree that MLflow does not have yet.

    Runs that DVC restored from its cache, or that ended while no server answered, get the times
    and the registered models that live logging would have given them. A second call changes
    nothing.

    Raises:
        ColorizerError: if MLflow does not answer or fails midway; what is logged by then stays.
    """
    try:
        store = Store(params.tracking.experiment)
        for name, profile in params.profiles.items():
            _sync_profile(store, Paths(name), profile, params.models)
    except FAILURES as error:
        raise ColorizerError(f"MLflow failed: {one_line(error)}; run `make sync` again") from error


def _sync_profile(store: Store, paths: Paths, profile: Profile, expected: Collection[str]) -> None:
    all_models = {m: Published(paths.run(m), paths.evaluation(m)) for m in profile.models}
    made = {model: published for model, published in all_models.items() if published.complete}
    for published in made.values():
        publish(store, published, profile.register_)
    summary = paths.report / "comparison.json"
    if summary.exists():
        compared = json.loads(summary.read_text(encoding="utf-8"))["fingerprints"]
        parts = {model: made[model] for model in compared if model in made}
        if compared == {model: part.record.fingerprint for model, part in parts.items()}:
            publish_comparison(store, paths.report, list(parts.values()), profile.register_)
    for model in all_models:
        if model not in made and model not in expected:
            continue
        state = "is in MLflow" if model in made else "has no scores here: `dvc repro` makes them"
        logger.info("%s: %s %s", paths.profile, model, state)
