"""What the blocks of params.yaml share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(gt=0)]


class Block(BaseModel):
    """A block of params.yaml: immutable; an unknown knob is an error.

    No knob may be called `size`, `nfiles` or `isexec`: DVC ignores these names when it identifies a
    run, and would restore the result of another value from its run cache.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
