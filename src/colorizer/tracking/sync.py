"""Log to MLflow what it does not have yet, such as the runs that DVC restored from its cache."""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from colorizer.errors import ColorizerError, one_line
from colorizer.methods.registry import METHODS
from colorizer.params import Params, Profile
from colorizer.paths import Paths, project_root, read_json, readable
from colorizer.tracking.published import Published
from colorizer.tracking.registration import publish, publish_comparison, publish_method
from colorizer.tracking.store import FAILURES, Store
from colorizer.training.run_record import RECORD

logger = logging.getLogger(__name__)

STUDY = Path("models/pretrained/study")
"""Where the study's networks lie in the repository, a folder each, with `SCORES` in it."""

SCORES = "evaluation"


def sync(params: Params) -> None:
    """Log every scored training and comparison in the work tree that MLflow does not have yet.

    Runs that DVC restored from its cache, or that ended while no server answered, get the times
    and the registered models that live logging would have given them. A second call changes
    nothing.

    Raises:
        ColorizerError: if MLflow does not answer or fails midway; what is logged by then stays.
    """
    with _one_line("make sync"):
        store = Store(params.tracking.experiment)
        for name, profile in params.profiles.items():
            _sync_profile(store, Paths(name), profile, params.models)


def sync_study(params: Params) -> None:
    """Tell MLflow of the study's networks in `STUDY`: no training and no DVC cache is needed.

    They become versions of `colorizer-model1` and so on, with the alias `study`, and the champion
    where there is none but a trial's. Running it twice changes nothing.

    Raises:
        ColorizerError: if the networks are not there, or MLflow does not answer or fails midway.
    """
    folder = project_root() / STUDY
    runs = sorted(record.parent for record in folder.glob(f"*/{RECORD}"))
    if not runs:
        raise ColorizerError(f"{folder} holds no networks: run this at the root of a clone")
    register = params.active.register_.model_copy(update={"champion": False})
    with _one_line("make study-models"):
        store = Store(params.tracking.experiment)
        for run in runs:
            publish(store, Published(run, run / SCORES), register)
            logger.info("%s: %s is in MLflow", STUDY.name, run.name)


@contextmanager
def _one_line(command: str) -> Iterator[None]:
    """Turn MLflow's failures into one line that names the command to repeat."""
    try:
        yield
    except FAILURES as error:
        raise ColorizerError(f"MLflow failed: {one_line(error)}; run `{command}` again") from error


def _sync_profile(store: Store, paths: Paths, profile: Profile, expected: Collection[str]) -> None:
    all_models = {model: Published.of(paths, model) for model in profile.models}
    made = {model: published for model, published in all_models.items() if published.complete}
    for published in made.values():
        publish(store, published, profile.register_)
    for method in (Published.of(paths, name, "fit") for name in METHODS):
        if method.complete:
            publish_method(store, method)
    summary = paths.report / "comparison.json"
    if summary.exists() and paths.timing("compare").exists():
        with readable(summary):
            compared = read_json(summary)["fingerprints"]
        parts = {model: made[model] for model in compared if model in made}
        if compared == {model: part.record.fingerprint for model, part in parts.items()}:
            publish_comparison(store, paths, list(parts.values()), profile.register_)
    for model in all_models:
        if model not in made and model not in expected:
            continue
        state = "is in MLflow" if model in made else "has no scores here: `dvc repro` makes them"
        logger.info("%s: %s %s", paths.profile, model, state)
