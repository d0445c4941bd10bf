"""Models and methods scored on a folder of photographs: the pipeline's table and page."""

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from colorizer.color.tone import is_black_and_white
from colorizer.data.make_references import to_reference
from colorizer.data.references import Reference, References, write_references
from colorizer.errors import ColorizerError, UsageError
from colorizer.evaluation.baselines import Shape, make_baselines, mean_of_references
from colorizer.evaluation.by_method import cross_fitted
from colorizer.evaluation.encoder import Encoder
from colorizer.evaluation.evaluate import Predict, evaluate, write_scores
from colorizer.evaluation.predictions import by_network
from colorizer.evaluation.report import write_report
from colorizer.evaluation.scoring.perceptual import Perceptual
from colorizer.evaluation.tables import write_tables
from colorizer.inference.folder import find_photos
from colorizer.inference.torch_network import TorchNetwork
from colorizer.methods.registry import METHODS, load_module
from colorizer.paths import SHIPPED, atomic_write
from colorizer.photo.decode import ImageError, decode
from colorizer.photo.parallel import map_photos, one_thread_each

logger = logging.getLogger(__name__)

REPORT = "report.html"
METRIC = "auc_rebalanced"  # decides which model the page compares with the others


def evaluate_folder(
    folder: Path,
    models: Mapping[str, Path],
    out: Path,
    *,
    methods: Sequence[str] = (),
    encoder: Path = SHIPPED,
    overwrite: bool = False,
    perceptual: bool = False,
) -> None:
    """Score models, methods and baselines on a folder, as the pipeline scores its own photographs.

    Grayscale photographs, sepia prints among them, have no true colors and are left out; what
    cannot be read is named and left out too. The baseline `mean` is these photographs' own mean
    color.

    Args:
        folder: of photographs in color, searched to its depths.
        models: by name, their weights files, PyTorch's.
        out: a folder, which appears only when all is done, with report.html, the tables and a
            folder of scores for each model and baseline.
        methods: names in `colorizer.methods.registry`, each fitted on one half of the photographs
            and scored on the other, and the other way about.
        encoder: the weights file whose encoder methods find similar photographs by.
        overwrite: replace `out`, if it is an earlier report.
        perceptual: also LPIPS and FID, as `Perceptual` has them.

    Raises:
        ColorizerError: if there is no such folder or model, `out` exists or holds the photographs,
            or fewer than two photographs are in color.
    """
    if not folder.is_dir():
        raise UsageError(f"--photos is {folder}: no such folder")
    if not models and not methods:
        raise UsageError("nothing to score: name a --model or a --method")
    out = out.resolve()
    _require_replaceable(out, folder, overwrite=overwrite)
    files = find_photos(folder, but=out)
    networks = _load(models)
    for name in methods:
        load_module(name)
    seen = Perceptual.load(torch.device("cpu")) if perceptual else None
    with atomic_write(out) as unfinished:
        unfinished.mkdir()
        with tempfile.TemporaryDirectory(dir=unfinished) as pixels:
            photos = read_photos(files, folder, Path(pixels))

            def read(photo_id: str) -> NDArray[np.uint8]:
                return decode((folder / photo_id).read_bytes()).rgb

            colored = {
                name: by_network(network, photos, read) for name, network in networks.items()
            }
            load = cache(partial(Encoder.from_file, encoder))
            for name in methods:
                colored[name] = cross_fitted(name, photos, read, load, Path(pixels))
            baselines = make_baselines(mean_of_references(photos), photos, _sharpest(networks))
            _score(colored, baselines, photos, folder, unfinished, seen)


def _sharpest(networks: Mapping[str, TorchNetwork]) -> Shape:
    """Return the size at which the network sees photographs that sees most of them."""
    known = [network.metadata for network in networks.values()]
    if not known:
        return lambda height, width: (height, width)
    return max(known, key=lambda metadata: metadata.size).shape


def _score(
    colored: Mapping[str, Predict],
    baselines: Mapping[str, Predict],
    photos: References,
    folder: Path,
    out: Path,
    perceptual: Perceptual | None,
) -> None:
    """Score models, methods and baselines; write their scores, the tables and the page."""
    evaluations = {name: out / "scores" / name for name in (*colored, *baselines)}
    for name, predict in (*colored.items(), *baselines.items()):
        logger.info("%s", name)
        scores = evaluate(predict, photos, perceptual=perceptual)
        write_scores(scores, evaluations[name], perceptual)
    write_tables(evaluations, out)
    title = f"{folder.resolve().name}: {', '.join(colored)}"
    write_report(out / REPORT, title, evaluations, colored, photos, metric=METRIC)


def _require_replaceable(out: Path, folder: Path, *, overwrite: bool) -> None:
    if folder.resolve().is_relative_to(out):
        raise UsageError(f"--out is {out}, where the photographs are: name another folder")
    if out.exists() and not overwrite:
        raise UsageError(f"{out} exists: --overwrite replaces it")
    if out.exists() and not (out / REPORT).is_file():
        raise UsageError(f"{out} is no earlier report (it has no {REPORT}): name another folder")


def _load(models: Mapping[str, Path]) -> dict[str, TorchNetwork]:
    networks: dict[str, TorchNetwork] = {}
    for name, weights in models.items():
        if weights.suffix == ".onnx":
            raise UsageError(f"{weights} is ONNX: name the weights file that it was made from")
        if name in ("gray", "mean", "random", "truth", *METHODS):
            raise UsageError(f"--model {name}: a baseline or method is called so: rename it")
        networks[name] = TorchNetwork.from_file(weights, precision="float32")
    return networks


def read_photos(files: Sequence[Path], folder: Path, pixels: Path) -> References:
    """Return the photographs that are in color, on disk, so that any number fits.

    Args:
        files: the photographs.
        folder: where they are; their ids are their paths in it.
        pixels: a folder for the references.

    Raises:
        ColorizerError: if fewer than two are in color.
    """
    gray = 0

    def references() -> Iterator[tuple[str, Reference]]:
        nonlocal gray
        bar = tqdm(map_photos(_read, files), total=len(files), desc="read", disable=None)
        for path, found in zip(files, bar, strict=True):
            if isinstance(found, ImageError):
                logger.warning("left out: %s: %s", path, found)
            elif found is None:
                gray += 1
            else:
                yield path.relative_to(folder).as_posix(), found

    with one_thread_each():
        count = write_references(pixels, "photographs", references())
    if gray:
        logger.info("left out, being black and white and so without true colors: %d", gray)
    if count < 2:
        raise ColorizerError(
            f"{folder}: {count} readable photographs in color; expected at least 2"
        )
    return References.open(pixels, "photographs")


def _read(path: Path) -> Reference | ImageError | None:
    """Return a photograph; None if it is black and white; the error, if any."""
    try:
        rgb = decode(path.read_bytes()).rgb
    except ImageError as error:
        return error
    except OSError as error:
        return ImageError(error.strerror or str(error))
    return None if is_black_and_white(rgb) else to_reference(rgb)
