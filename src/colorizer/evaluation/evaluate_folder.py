"""Models scored on anyone's photographs: a folder in, the pipeline's table and page out."""

import logging
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from colorizer.color.lab import rgb_to_lab
from colorizer.color.statistics import is_black_and_white
from colorizer.data.dataset import LabDataset
from colorizer.errors import ColorizerError
from colorizer.evaluation.baselines import make_baselines
from colorizer.evaluation.comparison import write_tables
from colorizer.evaluation.evaluate import CPU, evaluate, write_scores
from colorizer.evaluation.predictions import by_network
from colorizer.evaluation.report import write_report
from colorizer.evaluation.scoring.perceptual import Perceptual
from colorizer.inference.plan import find_photos
from colorizer.inference.torch_network import TorchNetwork
from colorizer.paths import atomic_write
from colorizer.photo.decode import ImageError, decode
from colorizer.photo.parallel import map_photos, one_thread_each
from colorizer.photo.resize import resize

logger = logging.getLogger(__name__)

REPORT = "report.html"
METRIC = "auc_rebalanced"  # decides which model the page compares with the others

Lab = NDArray[np.float16]


def evaluate_folder(
    folder: Path,
    models: Mapping[str, Path],
    out: Path,
    *,
    overwrite: bool = False,
    batch_size: int = 32,
    perceptual: bool = False,
) -> None:
    """Score models and the baselines on a folder's photographs.

    Grayscale photographs, sepia prints among them, have no true colors and are left out; what
    cannot be read is named and left out too. The baseline `mean` is these photographs' own mean
    color.

    Args:
        folder: of photographs in color, searched to its depths.
        models: by name, their weights files, PyTorch's; each sees the photographs, squeezed to
            squares, at the size that it was trained on; all are scored at the largest of these.
        out: a folder, which appears only when all is done, with report.html, the tables and a
            folder of scores for each model and baseline.
        overwrite: replace `out`, if it is an earlier report.
        batch_size: photographs at once.
        perceptual: also LPIPS and FID, as `Perceptual` has them.

    Raises:
        ColorizerError: if there is no such folder or model, `out` exists or holds the photographs,
            or fewer than two photographs are in color.
    """
    if not folder.is_dir():
        raise ColorizerError(f"--photos is {folder}: no such folder")
    out = out.resolve()
    _require_replaceable(out, folder, overwrite=overwrite)
    files = find_photos(folder, but=out)
    networks = _load(models)
    seen = Perceptual.load(CPU) if perceptual else None
    sharpest = max((n.metadata for n in networks.values()), key=lambda metadata: metadata.size)
    with atomic_write(out) as unfinished:
        unfinished.mkdir()
        with tempfile.TemporaryDirectory(dir=unfinished) as arrays:
            photos = read_photos(files, folder, Path(arrays), sharpest.size, sharpest.resample)
            evaluations = _score(networks, photos, unfinished / "scores", batch_size, seen)
            write_tables(evaluations, unfinished)
            title = f"{folder.resolve().name}: {', '.join(networks)}"
            page = unfinished / REPORT
            write_report(page, title, evaluations, networks, photos, {}, metric=METRIC)


def _score(
    networks: Mapping[str, TorchNetwork],
    photos: LabDataset,
    folder: Path,
    batch_size: int,
    perceptual: Perceptual | None,
) -> dict[str, Path]:
    """Write the scores of networks and baselines; return the folder of each."""
    predict = {name: by_network(network) for name, network in networks.items()}
    predict |= make_baselines(photos, photos)
    for name in tqdm(predict, desc="evaluate", unit="model", disable=None):
        scores = evaluate(predict[name], photos, batch_size=batch_size, perceptual=perceptual)
        write_scores(scores, folder / name, perceptual)
    return {name: folder / name for name in predict}


def _require_replaceable(out: Path, folder: Path, *, overwrite: bool) -> None:
    if folder.resolve().is_relative_to(out):
        raise ColorizerError(f"--out is {out}, where the photographs are: name another folder")
    if out.exists() and not overwrite:
        raise ColorizerError(f"{out} exists: --overwrite replaces it")
    if out.exists() and not (out / REPORT).is_file():
        raise ColorizerError(
            f"{out} is no earlier report (it has no {REPORT}): name another folder"
        )


def _load(models: Mapping[str, Path]) -> dict[str, TorchNetwork]:
    networks: dict[str, TorchNetwork] = {}
    for name, weights in models.items():
        if weights.suffix == ".onnx":
            raise ColorizerError(f"{weights} is ONNX: name the weights file that it was made from")
        if name in ("gray", "mean", "random", "truth"):
            raise ColorizerError(f"--model {name}: a baseline is called so already: rename it")
        networks[name] = TorchNetwork.from_file(weights, precision="float32")
    return networks


def read_photos(
    files: Sequence[Path], folder: Path, arrays: Path, size: int, resample: str
) -> LabDataset:
    """Return the photographs that are in color, as arrays on disk, so that any number fits.

    Args:
        files: the photographs.
        folder: where they are; their ids are their paths in it.
        arrays: a folder for the arrays.
        size: of the arrays' squares, pixels.
        resample: as of `resize`.

    Raises:
        ColorizerError: if fewer than two are in color.
    """
    shape = (len(files), 3, size, size)
    lab = np.lib.format.open_memmap(arrays / "lab.npy", mode="w+", dtype=np.float16, shape=shape)
    ids: list[str] = []
    gray = 0

    def read(path: Path) -> Lab | ImageError | None:
        return _to_lab(path, size, resample)

    with one_thread_each():
        bar = tqdm(map_photos(read, files), total=len(files), desc="read", disable=None)
        for path, found in zip(files, bar, strict=True):
            if isinstance(found, ImageError):
                logger.warning("left out: %s: %s", path, found)
            elif found is None:
                gray += 1
            else:
                lab[len(ids)] = found
                ids.append(path.relative_to(folder).as_posix())
    if gray:
        logger.info("left out, being black and white and so without true colors: %d", gray)
    if len(ids) < 2:
        raise ColorizerError(
            f"{folder}: {len(ids)} readable photographs in color; expected at least 2"
        )
    tensor = torch.from_numpy(lab[: len(ids)])
    return LabDataset(tensor[:, :1], tensor[:, 1:], ids, digest="")


def _to_lab(path: Path, size: int, resample: str) -> Lab | ImageError | None:
    """Return float16 (3, size, size), CIELAB; None of a grayscale photograph; the error, if any."""
    try:
        rgb = decode(path.read_bytes()).rgb
    except ImageError as error:
        return error
    except OSError as error:
        return ImageError(error.strerror or str(error))
    if is_black_and_white(rgb):
        return None
    lab = rgb_to_lab(resize(rgb, size=size, resample=resample))
    return torch.from_numpy(lab).half().numpy()
