"""What a device computes natively, and how many threads PyTorch takes."""

import contextlib
from collections.abc import Iterator

import torch


def computes_bf16(device: torch.device) -> bool:
    """Whether a device multiplies bfloat16 natively; emulated, it is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
        return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return False


@contextlib.contextmanager
def one_thread_each() -> Iterator[None]:
    """Let PyTorch compute with one thread a call, while calls come from as many as there are cores.

    It holds for the whole process until the context ends.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
