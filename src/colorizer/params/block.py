"""What the blocks of params.yaml share."""

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[int, Field(gt=0)]


class Block(BaseModel):
    """A block of params.yaml: immutable; an unknown knob is an error.

    No knob may be called `size`, `nfiles` or `isexec`: DVC ignores these names when it identifies a
    run, and would restore the result of another value from its run cache.

    Attributes:
        gone: by the name of a knob of earlier versions, what to say to who still has it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    gone: ClassVar[dict[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _names_are_today_s(cls, given: Any) -> Any:
        if isinstance(given, dict):
            for name in cls.gone.keys() & given:
                raise ValueError(cls.gone[name])
        return given
