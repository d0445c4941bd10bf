"""The metadata of a weights file."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from colorizer.color.lab import convention
from colorizer.errors import ColorizerError

FORMAT = "colorizer/1"
KEY = "colorizer"
"""Of the file's metadata: one key, since safetensors shuffles several."""

LONGEST = 20
"""A panorama longer than this many times its height is squeezed to it: memory is finite."""

Geometry = Literal["square", "keep"]


@dataclass(frozen=True)
class WeightsMetadata:
    """What is needed besides the weights to rebuild a model and to use it.

    Attributes:
        model: a name in `list_models()`.
        arguments: what `create_model` was given.
        size: side in pixels of the square pictures that it was trained on; the short side where
            photographs keep their proportions.
        resample: the filter that brings photographs to this size.
        geometry: "square" squeezes a photograph to a square, "keep" keeps its proportions.
    """

    model: str
    arguments: dict[str, Any]
    size: int
    resample: str = "bicubic"
    geometry: Geometry = "square"

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """Return the height and width at which the network sees a photograph of this size.

        Example:
            >>> WeightsMetadata("flagship", {}, 256, geometry="keep").shape(1000, 1500)
            (256, 384)
        """
        if self.geometry == "square":
            return self.size, self.size
        scale = self.size / min(height, width)
        rows, columns = (min(round(scale * side), LONGEST * self.size) for side in (height, width))
        return rows, columns

    def to_metadata(self) -> dict[str, str]:
        """Return what goes into a file's metadata, the same for the same model."""
        described = {"format": FORMAT, "color": convention(), **asdict(self)}
        return {KEY: json.dumps(described, sort_keys=True)}

    @classmethod
    def from_metadata(cls, path: Path, stored: dict[str, str]) -> "WeightsMetadata":
        """Read them from what a file has stored.

        Raises:
            ColorizerError: naming `path`, if there are none of this format, or the model was
                made under another color convention.
        """
        described = json.loads(stored.get(KEY, "{}"))
        if described.get("format") != FORMAT:
            raise ColorizerError(
                f"{path}: format is {described.get('format')!r}; expected {FORMAT!r}: "
                "it was not written by this version of colorizer"
            )
        if described["color"] != convention():
            raise ColorizerError(
                f"{path}: trained with color as {described['color']}, but this version uses "
                f"{convention()}"
            )
        if described["model"] == "flagship" and "geometry" not in described:
            described["model"] = "model3_tuned"  # as it was called then
        return cls(**{f.name: described[f.name] for f in fields(cls) if f.name in described})
