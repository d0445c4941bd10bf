"""The descriptions of registered models and their versions, in Markdown."""

import inspect
from collections.abc import Mapping
from importlib import import_module

from colorizer.evaluation.scoring.measure import PHOTOGRAPHS
from colorizer.evaluation.tables import rounded
from colorizer.models import list_models
from colorizer.scores import table as scores
from colorizer.tracking.names import CHAMPION
from colorizer.training.run_record import RunRecord

USE = """### How to call it

```python
from colorizer import Colorizer
Colorizer.load("{uri}")("photo.jpg").save("color.jpg")
```

or, where only MLflow is:

```python
model = mlflow.pyfunc.load_model("models:/{uri}")
images = pandas.DataFrame({{"image": [open("photo.jpg", "rb").read()]}})
model.predict(images, params={{"strength": 1.0, "format": "png"}})["image"][0]  # bytes
```

or `mlflow models serve -m models:/{uri} --env-manager local`. `strength` multiplies the colors'
chroma.
"""

LIMITS = (
    "A result is a guess, not a document: the network does not know what was there.",
    "The colors are those of a picture of {size}×{size} pixels, brought to the photograph's size: "
    "small things take the colors of what is around them.",
)
TRIAL_LIMIT = "A smaller run than the study's: it shows how things work, and is not for use."


def describe_model(name: str, network: str = "") -> str:
    """Describe a registered model.

    Args:
        name: of the registered model.
        network: which all its versions are of; "" if they are of several.
    """
    if network:
        what = f"The network `{network}`, trained to color black-and-white photographs."
    else:
        what = "The best of all registered models: a photograph in black and white in, color out."
    use = USE.format(uri=f"{name}@{CHAMPION}")
    return "\n\n".join(filter(None, (what, _network(network), use)))


def describe_version(
    record: RunRecord,
    metrics: Mapping[str, Mapping[str, float]],
    *,
    uri: str,
    trial: bool,
    original: str = "",
) -> str:
    """Describe a version of a registered model.

    Args:
        record: of its training.
        metrics: by subset of the photographs, its scores; that which decides comes first.
        uri: name and number, as in `colorizer/3`.
        trial: whether it is of a small run that shows how things work.
        original: the version that it is a copy of, if it is one.
    """
    head = f"`{record.model}` of the profile `{record.profile}`"
    parts = (
        f"{head}, a copy of `{original}`." if original else f"{head}.",
        _network(record.model),
        f"### Trained on\n\n{_training(record)}",
        *(
            _scores(subset, found, meaning=not place)
            for place, (subset, found) in enumerate(metrics.items())
        ),
        f"### Limits\n\n{_limits(record, next(iter(metrics.values())), trial)}",
        USE.format(uri=uri),
    )
    return "\n\n".join(filter(None, parts))


def _network(name: str) -> str:
    """Return the first line of a network's own documentation."""
    if name not in list_models():
        return ""
    return (inspect.getdoc(import_module(f"colorizer.models.{name}")) or "").partition("\n")[0]


def _training(record: RunRecord) -> str:
    data, train = record.data["train"], record.params.get("train", {})
    lines = [
        f"{data['photographs']:,} photographs at {data['size']}×{data['size']} pixels "
        f"(data set `{record.profile}-train`), to minimize the {record.loss}",
        f"epoch {record.best_epoch} of {train.get('epochs', '?')}, seed {train.get('seed', '?')}",
        f"commit `{record.commit}`" if record.commit else "",
    ]
    return "\n".join(f"- {line}" for line in lines if line)


def _scores(subset: str, metrics: Mapping[str, float], *, meaning: bool) -> str:
    decides = ", by which models are chosen" if subset == "validation" else ""
    head = f"### Scores on {metrics[PHOTOGRAPHS]:,.0f} {subset} photographs{decides}"
    lines = "\n".join(  # a list: MLflow's page shows tables without room between their columns
        f"- `{score.name}` **{rounded(metrics[score.name])}**"
        + (f": {score.meaning}" if meaning else "")
        for group in scores.by_group().values()
        for score in group
        if score.name in metrics
    )
    return f"{head}\n\n{lines}"


def _limits(record: RunRecord, metrics: Mapping[str, float], trial: bool) -> str:
    lines = [line.format(size=record.data["train"]["size"]) for line in LIMITS]
    if "chroma_ratio" in metrics:
        lines.append(f"Its colors have {metrics['chroma_ratio']:.0%} of the originals' chroma.")
    if "false_red" in metrics:
        lines.append(f"It turns {metrics['false_red']:.1%} of other colors' pixels red.")
    return "\n".join(f"- {line}" for line in (*([TRIAL_LIMIT] if trial else []), *lines))
