"""How everything here is timed: ways to do one thing take turns, round after round."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Way:
    """One way to do it.

    Attributes:
        run: does it once.
        units: how many units of work (photographs, images) that is.
    """

    run: Callable[[], object]
    units: int = 1


def take_turns(
    ways: Mapping[str, Way], *, rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Return seconds a unit, by way and round; each round begins with another way.

    Whatever slows the machine for a while so slows all ways alike. What the first call costs (a
    compilation, a cold cache) is not counted: each way runs once before.
    """
    names = list(ways)
    for name in names:
        ways[name].run()
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for first in range(rounds):
        for name in names[first % len(names) :] + names[: first % len(names)]:
            started = clock()
            ways[name].run()
            seconds[name].append((clock() - started) / ways[name].units)
    return seconds


def table(
    title: str,
    seconds: Mapping[str, list[float]],
    *,
    unit: str,
    user: str,
    limit: str | None = None,
) -> dict[str, Any]:
    """Print what `take_turns` measured and return it for JSON.

    Args:
        title: what was done.
        seconds: by way, a unit's seconds in each round.
        unit: what is counted, in the plural.
        user: the way a user would write it; the others' speeds are shown as multiples of it.
        limit: the way that nothing can beat; the others' speeds are shown as shares of it.

    Returns:
        By way: median, lowest and highest units a second, and both ratios. A ratio is the median of
        the rounds' ratios, since the two of a round saw the same machine.
    """
    print(f"\n{title}")
    print(f"  {'':34s}{unit + '/s':>12s}{'range':>18s}{'x user':>9s}{'of limit':>10s}")
    rows = {}
    for name, times in seconds.items():
        speeds = sorted(1 / t for t in times)
        times_user = _ratio(seconds[user], times)
        of_limit = _ratio(seconds[limit], times) if limit else None
        spread = f"{_digits(speeds[0])}-{_digits(speeds[-1])}"
        share = f"{of_limit:>9.0%}" if of_limit else ""
        median = statistics.median(speeds)
        print(f"  {name:34s}{_digits(median):>12s}{spread:>18s}{times_user:>9.2f}{share:>10s}")
        rows[name] = {
            "median": median,
            "lowest": speeds[0],
            "highest": speeds[-1],
            "times_user": times_user,
            "of_limit": of_limit,
        }
    return {"title": title, "unit": f"{unit}/s", "rounds": len(times), "ways": rows}


def durations(title: str, seconds: Mapping[str, list[float]]) -> dict[str, Any]:
    """Print seconds by way, for what people wait for, and return them for JSON."""
    print(f"\n{title}\n  {'':34s}{'s':>12s}{'range':>18s}")
    for name, times in seconds.items():
        spread = f"{min(times):.2f}-{max(times):.2f}"
        print(f"  {name:34s}{statistics.median(times):>12.2f}{spread:>18s}")
    return {"title": title, "unit": "s", "ways": dict(seconds)}


def check(what: str, value: float, at_most: float) -> dict[str, float]:
    """Print how far two ways are apart and return it; stop if that is too far."""
    print(f"  {what}: {value:.4g} (at most {at_most:g})")
    if not value <= at_most:
        raise SystemExit(f"error: the two ways do not agree: {what} is {value:g}, over {at_most:g}")
    return {"value": float(value), "at_most": at_most}


def save(name: str, results: Mapping[str, Any]) -> None:
    """Write results/<name>.json, the machine included."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine(), **results}, indent=1) + "\n")
    print(f"\n-> {path}")


def machine() -> dict[str, str]:
    """Say what this was measured on."""
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((li.split(":")[1].strip() for li in lines if li.startswith("model name")), cpu)
    found = {
        "cpu": f"{cpu}, {os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}",
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    return found


def _ratio(slow: list[float], fast: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
