"""The networks' arguments in params.yaml: what each may be, whichever networks take it."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from colorizer.params.block import Block, Count, Positive

Numbers = Annotated[tuple[Positive, ...], Field(min_length=1)]


class Arguments(Block):
    """Arguments of `models.create_model`; each network takes some, and has its own defaults."""

    widths: Numbers | None = None
    dilations: Numbers | None = None
    width: Positive | None = None
    norm: Literal["none", "batch", "group"] | None = None
    init: Literal["kaiming", "xavier", "pytorch"] | None = None
    head: Literal["ab", "bins"] | None = None
    stride: Positive | None = None
    temperature: Annotated[float, Field(gt=0)] | None = None
    curve: bool | None = None
    encoder: Literal["lite0", "lite1", "lite2"] | None = None
    correction: Annotated[float, Field(ge=0, le=1)] | None = None
    dropout: Annotated[float, Field(ge=0, le=1)] | None = None
    quantile: Annotated[float, Field(ge=0, le=1)] | None = None
    smooth: Count | None = None
    attention: Annotated[float, Field(ge=0)] | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _is_said(cls, given: Any) -> Any:
        if given is None:
            raise ValueError("null is no value: leave it out for the network's own default")
        return given
