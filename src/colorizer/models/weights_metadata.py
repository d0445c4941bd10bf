"""What a model's file says of itself."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from colorizer.color.lab import convention
from colorizer.errors import ColorizerError

FORMAT = "colorizer/1"
KEY = "colorizer"
"""Of the file's metadata: one key, since safetensors shuffles several."""


@dataclass(frozen=True)
class WeightsMetadata:
    """What is needed besides the weights to rebuild a model and to use it.

    Attributes:
        model: a name in `list_models()`.
        arguments: what `create_model` was given.
        size: side in pixels of the square pictures that it was trained on.
        resample: the filter that brought them to this size.
    """

    model: str
    arguments: dict[str, Any]
    size: int
    resample: str = "bicubic"

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
        return cls(**{field.name: described[field.name] for field in fields(cls)})
