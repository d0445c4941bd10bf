"""What a worker process does: a photograph's bytes to its answer, whatever they are."""

import os
import signal
import threading
import time
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np

from colorizer.errors import ColorizerError, is_out_of_memory
from colorizer.inference.batch import reason
from colorizer.inference.colorizer import Colorizer
from colorizer.inference.options import Options
from colorizer.inference.recolor_file import colorize_data
from colorizer.inference.start import load_beside_loops
from colorizer.photo.decode import count_pixels
from colorizer.photo.encode import encode
from colorizer.photo.identify import HEAD, identify

MEGA = 10**6

MEDIA_TYPES = {
    "JPEG2000": "image/jp2",
    "PDF": "application/pdf",
    "PSD": "image/vnd.adobe.photoshop",
    "RAW": "application/octet-stream",
}
"""Of formats whose type is not image/ and their name."""

DONE, TOO_LARGE, UNREADABLE, FAILED, BUSY = 200, 413, 422, 500, 503
"""HTTP statuses of answers."""


@dataclass(frozen=True)
class Answer:
    """What becomes of a photograph.

    Attributes:
        status: of HTTP.
        message: why there is no result, or what `colorize` says of it; or "".
        data: the result's file.
        media_type: the result's.
        outcome: "colorized", or "copied" if it is in color and stays as it is; "" without a result.
        verdict: whether the photograph is gray, toned or in color; "" without a result.
        seconds: that the work took.
    """

    status: int
    message: str = ""
    data: bytes = b""
    media_type: str = ""
    outcome: str = ""
    verdict: str = ""
    seconds: float = 0.0


class Model:
    """The model of this process."""

    colorizer: Colorizer | None = None


def begin(weights: Path, device: str, threads: int) -> str:
    """Load the model into this process, which ends with its parent and by no other's signal.

    Args:
        weights: the model's file.
        device: where it computes.
        threads: that it computes with.

    Returns:
        Why it cannot be loaded, or "".
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # which reach all processes of a terminal
        signal.signal(number, signal.SIG_IGN)
    if parent := parent_process():
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()
    for name in ("LOKY_MAX_CPU_COUNT", "OMP_NUM_THREADS"):  # ONNX Runtime's here, and PyTorch's
        os.environ[name] = str(threads)
    try:
        Model.colorizer = load_beside_loops(lambda: Colorizer.from_file(weights, device=device))
    except ColorizerError as error:
        return str(error)
    gray = encode(np.full((8, 8, 3), 99, np.uint8), format="jpeg")
    colorize_data(gray, Model.colorizer, Options())  # loops are compiled before the first request
    return ""


def _end_after(parent: BaseProcess) -> None:
    """End this process when its parent has ended, however that was."""
    parent.join()
    os._exit(1)


def color(data: bytes, options: Options, max_megapixels: float) -> Answer:
    """Color a photograph's file as `colorize` does.

    Args:
        data: the file.
        options: how.
        max_megapixels: of the photograph.
    """
    pixels = count_pixels(data) / MEGA
    if pixels > max_megapixels:
        return Answer(
            TOO_LARGE, f"a photograph of {pixels:.0f} megapixels: at most {max_megapixels:g}"
        )
    started = time.perf_counter()
    try:
        new = colorize_data(data, Model.colorizer, options)
    except Exception as error:
        return failed(error)
    return Answer(
        DONE,
        message=new.message,
        data=new.data,
        media_type=media_type(new.data),
        outcome="colorized" if new.anew else "copied",
        verdict=new.verdict.kind,
        seconds=time.perf_counter() - started,
    )


def failed(error: Exception) -> Answer:
    """Return what to say of a photograph whose coloring failed."""
    if is_out_of_memory(error):
        return Answer(BUSY, "the memory does not suffice: send it again later, or make it smaller")
    return Answer(UNREADABLE if isinstance(error, ColorizerError) else FAILED, reason(error))


def media_type(data: bytes) -> str:
    """Return a picture file's media type."""
    format = str(identify(data[:HEAD]).format)
    return MEDIA_TYPES.get(format, f"image/{format.lower()}")
