"""A trained flagship's weights file -> the same weights, decoded as validation prefers."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from colorizer.data.archive import decode_photo
from colorizer.data.references import References
from colorizer.errors import ColorizerError
from colorizer.evaluation.decoding import choose, collect, score
from colorizer.models.flagship import Flagship
from colorizer.models.weights import load_model, save_weights
from colorizer.paths import Paths, atomic_write


def calibrate_weights(weights: Path, target: Path, *, profile: str, look: Mapping[str, Any]) -> str:
    """Write a flagship's weights anew, with other settings of how classes become colors.

    Half of the validation photographs choose; the other half only tells what the choice is worth.

    Args:
        weights: the weights file, as a training or an earlier calibration wrote it.
        target: the file to write.
        profile: whose stages `references` and `download` have run.
        look: how the network sees photographs, where that is not to be as the file says: `size`,
            the short side in pixels; `smooth` and `attention`, as `Flagship` takes them.

    Returns:
        The settings and the scores on both halves, a line each.

    Raises:
        ColorizerError: if the weights are no flagship's, or there are no validation photographs.
    """
    if weights.suffix == ".onnx":
        raise ColorizerError(f"{weights} is ONNX: name the weights file that it was made from")
    network, metadata = load_model(weights)
    if not isinstance(network, Flagship):
        raise ColorizerError(f"{weights} is a {metadata.model}: only a flagship can be calibrated")
    asked = dict(look)
    metadata = replace(metadata, size=asked.pop("size", metadata.size))
    for name, value in asked.items():
        setattr(network, name, value)
    paths = Paths(profile)
    photos = References.open(paths.references, "validation")
    read = partial(decode_photo, paths.archives)
    halves = [
        collect(network, metadata, photos, read, places=range(first, len(photos), 2))
        for first in (0, 1)
    ]
    decoding, scores = choose(network, *halves[0])
    arguments = metadata.arguments | asked | asdict(decoding)
    with atomic_write(target) as unfinished:
        save_weights(unfinished, replace(metadata, arguments=arguments), load_file(weights))
    chosen = ", ".join(f"{name} {value:g}" for name, value in asdict(decoding).items())
    lines = [f"{target}: {chosen}"]
    for half, found in (
        ("chosen by", scores),
        ("the others", score(network, decoding, *halves[1])),
    ):
        lines.append(f"{half}: " + ", ".join(f"{n} {value:.3f}" for n, value in found.items()))
    return "\n".join(lines)
