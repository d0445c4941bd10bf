"""The network at several photographs at once, on one core: what dynamic batching could gain.

Seconds are those of the core, not of the clock: others may use the machine meanwhile.

python benchmarks/batching.py [--rounds 5] [--short]
"""

import os

os.environ["LOKY_MAX_CPU_COUNT"] = "1"  # ONNX Runtime's threads here

from functools import partial
from time import process_time
from typing import Annotated

import numpy as np
import torch
import typer
from rounds import Way, save, table, take_turns

from colorizer.inference.onnx_network import OnnxNetwork, find_graph
from colorizer.inference.torch_network import TorchNetwork
from colorizer.tracking.model_uri import find_weights


def main(
    rounds: int = 5,
    short: Annotated[bool, typer.Option(help="Show that it works.")] = False,
) -> None:
    """Measure batches of 1, 4 and 16 photographs of 3:2 by the weights that ship."""
    torch.set_num_threads(1)
    weights = find_weights("shipped")
    graph = find_graph(weights)
    assert graph
    networks = {
        "ONNX Runtime": OnnxNetwork(graph),
        "PyTorch": TorchNetwork.from_file(weights),
    }
    height, width = networks["ONNX Runtime"].metadata.shape(2000, 3000)
    batches = [
        (np.random.default_rng(7).random((count, 1, height, width)) * 100).astype(np.float32)
        for count in (1, 4, 4 if short else 16)
    ]
    results = []
    for name, network in networks.items():
        ways = {
            f"batches of {len(batch)}": Way(partial(network.predict_ab, batch), len(batch))
            for batch in batches
        }
        seconds = take_turns(ways, rounds=1 if short else rounds, clock=process_time)
        title = f"{name}, one core, {width}x{height}"
        results.append(table(title, seconds, unit="photos", user="batches of 1"))
    save("batching", {"results": results})


if __name__ == "__main__":
    typer.run(main)
