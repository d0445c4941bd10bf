"""The declaration of a score, and the words that describe it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

Better = Literal["lower", "higher", "zero", "one", "original"]
Over = Literal["images", "pixels", "faces", "set"]
Place = Literal["pairs", "strata", "list"]

READ: Mapping[Better, str] = MappingProxyType(
    {
        "lower": "lower is better",
        "higher": "higher is better",
        "zero": "0 is right",
        "one": "1 is right",
        "original": "right is what the originals have",
    }
)
POOLED: Mapping[Over, str] = MappingProxyType(
    {
        "images": "mean over images",
        "pixels": "pooled over pixels",
        "faces": "pooled over faces",
        "set": "of the whole set",
    }
)


@dataclass(frozen=True)
class Score:
    """A score, declared once.

    Attributes:
        name: its key in metrics.json, column in the CSV files and metric in MLflow.
        label: what it says, for people.
        better: how it is read.
        over: a mean over images, pooled over pixels, of which every image has the same share, or
            over faces, or defined for a whole set of photographs.
        function: module and function in `colorizer.evaluation` that measure a batch. It takes a
            `Pair` and returns one number a photograph, whose mean is the score, or a tuple of sums
            a photograph, which `finish` turns into the score; "" if it has no such sums.
        unit: of the value.
        group: the report's heading above it; "" keeps it out of the report.
        places: where else it is shown: the report's differences of "pairs", its "strata" of hue,
            the "list" of registered models.
        chooses: whether `register.metric` may be this.
        dark: whether only pixels in the dark count.
        options: keyword arguments of `function`.
        finish: module and function that turn sums over photographs into the score; by default the
            first sum over the second.
        optional: measured on request only.
        reference: where it is defined, if not here.
    """

    name: str
    label: str
    better: Better
    over: Over
    function: str
    unit: str = ""
    group: str = ""
    places: tuple[Place, ...] = ()
    chooses: bool = False
    dark: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    finish: str = "sums.ratio"
    optional: bool = False
    reference: str = ""

    @property
    def meaning(self) -> str:
        """What it says and how it is read, in one line."""
        unit = f", {self.unit}" if self.unit else ""
        return f"{self.label}{unit}; {READ[self.better]}"
