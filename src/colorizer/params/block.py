"""What the blocks of params.yaml share."""

from typing import Annotated, Any, ClassVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

Positive = Annotated[int, Field(gt=0, lt=2**63, strict=True)]
Count = Annotated[int, Field(ge=0, lt=2**63, strict=True)]
Seed = Annotated[int, Field(ge=0, lt=2**32, strict=True)]


class Block(BaseModel):
    """A block of params.yaml: immutable; an unknown knob is an error.

    No knob may be called `size`, `nfiles` or `isexec`: DVC ignores these names when it identifies a
    run, and would restore the result of another value from its run cache.

    Attributes:
        gone: by the name of a knob of earlier versions, what to say to who still has it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    gone: ClassVar[dict[str, str]] = {}

    @field_validator("*", mode="before")
    @classmethod
    def _switch_is_no_number(cls, given: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields[str(info.field_name)]
        if isinstance(given, bool) and "bool" not in str(field.annotation):
            raise ValueError("true and false are of switches, and this is none")
        return given

    @model_validator(mode="before")
    @classmethod
    def _names_are_today_s(cls, given: Any) -> Any:
        if isinstance(given, dict):
            for name in cls.gone.keys() & given:
                raise ValueError(cls.gone[name])
        return given
