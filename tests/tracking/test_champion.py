"""Which version deserves to be the champion."""

import pytest

from colorizer.params import Register
from colorizer.tracking.champion import best_model, deserves_alias

REGISTER = Register(metric="l2", champion=True)


def tags(kind: str, digest: str, l2: float) -> dict[str, str]:
    trial = {"trial": "true"} if kind == "demo" else {}
    return {"data.scored": digest, "l2": str(l2), "psnr": str(l2), **trial}


@pytest.mark.parametrize(
    ("candidate", "champion", "register", "deserves"),
    [
        (tags("paper", "x", 0.1), tags("paper", "x", 0.2), REGISTER, True),
        (tags("paper", "x", 0.3), tags("paper", "x", 0.2), REGISTER, False),
        (
            tags("paper", "x", 0.3),
            tags("paper", "x", 0.2),
            Register(metric="psnr", champion=True),
            True,
        ),
        (tags("paper", "y", 0.9), tags("demo", "x", 0.2), REGISTER, True),
        (
            tags("demo", "x", 0.1),
            tags("paper", "y", 0.2),
            Register(metric="l2", champion=False),
            False,
        ),
        (
            tags("demo", "z", 0.3),
            tags("demo", "x", 0.2),
            Register(metric="l2", champion=False),
            True,
        ),
    ],
    ids=["better", "worse", "higher is better", "other photographs", "demo", "demo after demo"],
)
def test_who_deserves_the_alias_champion(
    candidate: dict[str, str], champion: dict[str, str], register: Register, deserves: bool
) -> None:
    assert deserves_alias(candidate, champion, register) is deserves


def test_best_model_follows_the_direction_of_the_metric() -> None:
    metrics = {"dull": {"l2": 0.1, "psnr": 20.0}, "vivid": {"l2": 0.2, "psnr": 25.0}}
    assert best_model(metrics, "l2") == "dull"
    assert best_model(metrics, "psnr") == "vivid"
