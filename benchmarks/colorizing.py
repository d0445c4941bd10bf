"""Coloring photographs: the path around the network, the network itself, and a whole folder.

python benchmarks/colorizing.py [--weights MODEL.safetensors] [--short]
"""

import os
from pathlib import Path
from typing import Annotated

import numpy as np
import photographs
import torch
import tutorial
import typer
from numpy.typing import NDArray
from rounds import Way, check, save, table, take_turns
from skimage.color import deltaE_ciede2000, rgb2lab

from colorizer.color.lab import rgb_to_lab
from colorizer.color.recoloring import recolor
from colorizer.inference.colorizer import Colorizer
from colorizer.inference.torch_network import TorchNetwork
from colorizer.models import create_model
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.params import load_params
from colorizer.photo.decode import decode
from colorizer.photo.encode import encode
from colorizer.photo.parallel import one_thread_each
from colorizer.photo.resize import resize

ROOT = Path(__file__).parents[1]
SIZE = 320
ARTIST = "model3"  # the largest


def main(
    photos: Annotated[Path, typer.Option(help="A zip archive.")] = photographs.SAMPLE,
    side: Annotated[int, typer.Option(help="A photograph's longer side.")] = 4000,
    weights: Annotated[Path | None, typer.Option(help="Of a trained model.")] = None,
    count: Annotated[int, typer.Option(help="Photographs in the folder.")] = 12,
    rounds: int = 5,
    short: Annotated[bool, typer.Option(help="Show that it works.")] = False,
) -> None:
    """Measure coloring."""
    if short:
        side, count, rounds = 400, 3, 1
    files = photographs.read(photos, count, side=side)
    height, width = decode(files[0]).rgb.shape[:2]
    print(f"photographs of {width}x{height} pixels, {len(files[0]) / 1e6:.1f} MB")
    if weights is None:
        print(
            f"no --weights: {ARTIST} is untrained, which changes no time but makes no sense of dE"
        )
    results = [
        around_the_network(files[0], rounds),
        network(_artist(weights, "float32"), _artist(weights, "auto"), files, rounds),
        folder(_artist(weights, "auto"), files, rounds),
    ]
    save("colorizing", {"pixels": [width, height], "results": results})


def around_the_network(data: bytes, rounds: int) -> dict[str, object]:
    """A file to a file on one core, the network's answer given: the truth, at its size."""
    ab = rgb_to_lab(resize(decode(data).rgb, size=SIZE, resample="bicubic"))[1:]
    swapped = np.ascontiguousarray(ab.transpose(1, 2, 0))

    def ours() -> bytes:
        rgb = decode(data).rgb
        rgb_to_lab(resize(rgb, size=SIZE, resample="bicubic"))
        return encode(recolor(rgb, ab), format="jpeg")

    print("agreement:")
    rgb = decode(data).rgb
    exact, shown = _by_skimage(rgb, ab)
    level = np.abs(recolor(rgb, ab).astype(int) - exact)[shown].max()
    agreement = check("largest difference from scikit-image's float64, levels", float(level), 1)
    with one_thread_each():
        ways = {
            "Pillow and scikit-image": Way(lambda: tutorial.recolor(data, swapped, SIZE)),
            "colorizer": Way(ours),
            "decode and encode alone": Way(lambda: encode(decode(data).rgb, format="jpeg")),
        }
        rows = table(
            "Around the network, one core",
            take_turns(ways, rounds=rounds),
            unit="photos",
            user="Pillow and scikit-image",
            limit="decode and encode alone",
        )
    return rows | {"agreement": agreement}


def network(
    exact: Colorizer, fast: Colorizer, files: list[bytes], rounds: int
) -> dict[str, object]:
    """The network on a square, as PyTorch runs it by default and as we do."""
    squares = [resize(decode(data).rgb, size=SIZE, resample="bicubic") for data in files]
    labs = torch.from_numpy(np.stack([rgb_to_lab(square) for square in squares]))
    plain = _artist_like(exact)
    one = labs[:1, :1]
    with torch.inference_mode():
        ways = {
            "float32, contiguous": Way(lambda: plain(one / 50 - 1)),
            "float32, channels last": Way(lambda: exact.predict_ab(one)),
            f"{'bfloat16' if fast.network.bf16 else 'float32'}, channels last": Way(
                lambda: fast.predict_ab(one)
            ),
        }
        rows = table(
            f"The network ({ARTIST}) at {SIZE} px, {torch.get_num_threads()} threads",
            take_turns(ways, rounds=4 * rounds),
            unit="photos",
            user="float32, contiguous",
        )
        colors = [
            np.concatenate((labs[:, :1], c.predict_ab(labs[:, :1])), 1) for c in (exact, fast)
        ]
    difference = deltaE_ciede2000(*(c.transpose(0, 2, 3, 1) for c in colors)).mean()
    return rows | {"agreement": check("mean dE2000 to float32", float(difference), 0.5)}


def folder(colorizer: Colorizer, files: list[bytes], rounds: int) -> dict[str, object]:
    """Many files: one at a time, and overlapping on all cores."""
    one = colorizer.colorize_bytes(files[0], format="jpeg")
    many = next(colorizer.colorize_many(files[:1], format="jpeg"))
    level = np.abs(decode(one).rgb.astype(int) - decode(many).rgb).max()
    agreement = check("difference between one and many, levels", float(level), 1)

    def one_at_a_time() -> None:
        for data in files:
            colorizer.colorize_bytes(data, format="jpeg")

    def together() -> None:
        for _ in colorizer.colorize_many(files, format="jpeg"):
            pass

    ways = {
        "one at a time": Way(one_at_a_time, len(files)),
        f"together, {os.cpu_count()} cores": Way(together, len(files)),
    }
    rows = table("A folder", take_turns(ways, rounds=rounds), unit="photos", user="one at a time")
    return rows | {"agreement": agreement}


def _by_skimage(
    rgb: NDArray[np.uint8], ab: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Join exact lightness with ab, brought to size by PyTorch, in scikit-image's float64.

    Returns:
        The levels, and where sRGB has the color: elsewhere scikit-image clips its channels.
    """
    lab = rgb2lab(rgb.astype(np.float64) / 255)
    wide = torch.nn.functional.interpolate(
        torch.from_numpy(ab)[None].double(), size=rgb.shape[:2], mode="bicubic"
    )
    lab[..., 1:] = wide[0].permute(1, 2, 0).numpy()
    color = tutorial.to_rgb(lab)
    shown = ((color > 0) & (color < 1)).all(-1)
    return (color * 255).round().astype(int), shown


def _artist(weights: Path | None, precision: str) -> Colorizer:
    if weights is not None:
        return Colorizer.from_file(weights, precision=precision)  # type: ignore[arg-type]
    arguments = load_params(ROOT / "params.yaml").profiles["paper"].models[ARTIST].arguments
    torch.manual_seed(7)
    metadata = WeightsMetadata(ARTIST, arguments, SIZE, "bicubic")
    model = create_model(ARTIST, **arguments)
    return Colorizer(TorchNetwork(model, metadata, precision=precision))  # type: ignore[arg-type]


def _artist_like(colorizer: Colorizer) -> torch.nn.Module:
    plain = create_model(colorizer.metadata.model, **colorizer.metadata.arguments)
    plain.load_state_dict(colorizer.network.model.state_dict())
    return plain.to(memory_format=torch.contiguous_format).eval()


if __name__ == "__main__":
    typer.run(main)
