"""How MLflow learns afterwards of what it did not follow, such as what DVC restored."""

import logging

from colorizer.params import Params
from colorizer.paths import Paths
from colorizer.runs import RECORD
from colorizer.tracking import Published, Store

logger = logging.getLogger(__name__)


def sync(params: Params) -> None:
    """Tell MLflow of every training, score and comparison in the work tree that it does not know.

    What DVC restores from its cache, or what was made while no server answered, then looks in
    MLflow as if it had been followed: same times, same registered models. Running it twice changes
    nothing.

    Raises:
        ColorizerError: if MLflow does not answer.
    """
    store = Store(params.tracking.experiment)
    for name, profile in params.profiles.items():
        paths = Paths(name)
        made = [m for m in profile.models if (paths.evaluation(m) / "metrics.json").exists()]
        made = [model for model in made if (paths.run(model) / RECORD).exists()]
        for model in made:
            store.publish(Published(paths.run(model), paths.evaluation(model)), profile.register_)
        if (paths.report / "comparison.json").exists():
            trained = [Published(paths.run(model), paths.evaluation(model)) for model in made]
            store.publish_comparison(paths.report, trained, profile.register_)
        if made:
            logger.info("%s: %s are in MLflow", name, ", ".join(made))
