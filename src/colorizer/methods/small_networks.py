"""Small fully connected networks, trained by PyTorch, computed by NumPy."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

HIDDEN = 3  # layers, each half as wide as the input
EPOCHS, BATCH, LR, DECAY = 10, 1024, 1e-3, 0.1
UNIT = 30.0  # of the output, so that what is learned is about 1

Layers = dict[str, NDArray[np.float32]]
"""`center` and `scale` of the input; of each layer `0.weight` (I, O), `0.bias` (O,), and so on."""


def train(x: NDArray[np.float32], y: NDArray[np.float32], *, seed: int) -> Layers:
    """Learn y, (N, O), from x, (N, I), by least squares."""
    import torch
    from torch import nn

    center, scale = x.mean(0), x.std(0).clip(min=1e-3)
    inputs, target = torch.from_numpy((x - center) / scale), torch.from_numpy(y / UNIT)
    sides = [x.shape[1], *[x.shape[1] // 2] * HIDDEN, y.shape[1]]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        linears = [nn.Linear(*pair) for pair in pairwise(sides)]
        network = nn.Sequential(*[part for layer in linears for part in (layer, nn.ReLU())][:-1])
        optimizer = torch.optim.AdamW(network.parameters(), lr=LR, weight_decay=DECAY)
        for _ in range(EPOCHS):
            for rows in torch.split(torch.randperm(len(inputs)), BATCH):
                optimizer.zero_grad()
                loss = nn.functional.mse_loss(network(inputs[rows]), target[rows])
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
    found: Layers = {"center": center, "scale": scale}
    for place, layer in enumerate(linears):
        found[f"{place}.weight"] = layer.weight.detach().numpy().T.copy()
        found[f"{place}.bias"] = layer.bias.detach().numpy()
    return found


def forward(layers: Layers, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Map x, (N, I), to y, (N, O), by what `train` returned."""
    x = (x - layers["center"]) / layers["scale"]
    last = sum(name.endswith(".weight") for name in layers) - 1
    for place in range(last + 1):
        x = x @ layers[f"{place}.weight"] + layers[f"{place}.bias"]
        x = UNIT * x if place == last else x.clip(min=0)
    return np.asarray(x, np.float32)
