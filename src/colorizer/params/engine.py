"""What is no part of the experiment: the blocks `engine` and `tracking`."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from colorizer.params.block import Block


class Engine(Block):
    """The machine: not part of the experiment."""

    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: Literal[1, 2, 4, 8] = 1
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    resident: Literal["auto", "always", "never"] = "auto"
    compile: Literal["auto", "always", "never"] = "auto"
    backend: Literal["local", "dask"] = "local"
    scheduler: str = ""
    workers: Annotated[int, Field(le=4096)] = -1

    @field_validator("workers")
    @classmethod
    def _is_a_number_of_workers(cls, workers: int) -> int:
        if workers != -1 and workers < 1:
            raise ValueError("one or more, or -1 for one a core")
        return workers


class Tracking(Block):
    """Where MLflow records the runs."""

    experiment: str = "colorizer"
    enabled: bool = True
