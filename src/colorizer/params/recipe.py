"""A model's recipe and its defaults, on which every training depends."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from colorizer.params.block import Block


class Recipe(Block):
    """How one model is trained, besides `train`. The defaults are the study's.

    Attributes:
        loss: "l2" or "huber" on ab, or "bins", the cross-entropy of color as one of them.
        uniform: the share of the uniform distribution in the prior of colors. At 1 all pixels count
            alike; toward 0 rare colors count more, until every color counts alike.
        gradient: weight of the loss on ab's gradient, added to "l2" or "huber".
        schedule: "constant", or "cosine" from `train.lr` to 0 after a short warm-up.
        flip: whether photographs are mirrored at random.
        crop: random crops keep at least this share of a photograph's sides; 1 crops nothing.
        average: decay of the weights' exponential moving average, which is saved; 0 saves the
            weights themselves.
        calibrate: number of training photographs held out to fit the network's chroma curve; 0 fits
            none.
    """

    loss: Literal["l2", "huber", "bins"] = "l2"
    uniform: Annotated[float, Field(gt=0, le=1)] = 1.0
    gradient: Annotated[float, Field(ge=0)] = 0.0
    schedule: Literal["constant", "cosine"] = "constant"
    flip: bool = False
    crop: Annotated[float, Field(gt=0, le=1)] = 1.0
    average: Annotated[float, Field(ge=0, lt=1)] = 0.0
    calibrate: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _gradient_is_of_ab(self) -> "Recipe":
        if self.gradient and self.loss == "bins":
            raise ValueError("gradient is added to l2 or huber; with loss bins, leave it 0")
        return self
