"""A model's recipe and its defaults, on which every training depends."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from colorizer.params.block import Block, Count, Positive

Share = Annotated[float, Field(gt=0, le=1)]


class Recipe(Block):
    """How one model is trained, besides `train`. The defaults are the study's.

    Attributes:
        loss: "l2" or "huber" on ab, or "bins", the cross-entropy of color as one of them.
        uniform: the share of the uniform distribution in the prior of colors. At 1 all pixels count
            alike; toward 0 rare colors count more, until every color counts alike.
        gradient: weight of the loss on ab's gradient, added to "l2" or "huber".
        optimizer: "adam", or "adamw" with `weight_decay` on all but norms and biases.
        weight_decay: AdamW's, a step's at the learning rate 1.
        encoder_lr: the share of `train.lr` at which an encoder that starts from weights made
            elsewhere learns.
        schedule: "constant", or "cosine" from `train.lr` to 0 after a warm-up.
        warmup: the share of the training in which the learning rate of "cosine" rises.
        clip: the largest norm of a step's gradients, to which longer ones are cut; 0 cuts none.
        flip: whether photographs are mirrored at random.
        crop: random crops keep at least this share of a photograph's sides; 1 crops nothing.
        aspect: the longest side of a random crop, in its other side; 1 keeps squares.
        sizes: pixels of the squares that are learned from, each with the share of the training that
            it is for, one after the other; by default the photographs' own side.
        degrade: whether lightness is aged as that of old prints and their scans is.
        average: decay of the weights' exponential moving average, which is saved; 0 saves the
            weights themselves.
        calibrate: number of training photographs held out to fit the network's chroma curve; 0 fits
            none.
        start: a weights file, a registered model or "shipped": the weights of the same network that
            training starts from. By default they are random, but for an encoder from elsewhere.
        start_sha256: of that file, so that a training depends on what is in it.
        select: the loss, on "train" or "validation" photographs, whose lowest epoch is kept.
    """

    loss: Literal["l2", "huber", "bins"] = "l2"
    uniform: Share = 1.0
    gradient: Annotated[float, Field(ge=0)] = 0.0
    optimizer: Literal["adam", "adamw"] = "adam"
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    encoder_lr: Share = 1.0
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: Annotated[float, Field(gt=0, lt=1)] = 0.05
    clip: Annotated[float, Field(ge=0)] = 0.0
    flip: bool = False
    crop: Share = 1.0
    aspect: Annotated[float, Field(ge=1)] = 1.0
    sizes: tuple[tuple[Positive, Share], ...] = ()
    degrade: bool = False
    average: Annotated[float, Field(ge=0, lt=1)] = 0.0
    calibrate: Count = 0
    select: Literal["train", "validation"] = "train"
    start: str = ""
    start_sha256: str = ""

    @model_validator(mode="after")
    def _gradient_is_of_ab(self) -> "Recipe":
        if self.gradient and self.loss == "bins":
            raise ValueError("gradient is added to l2 or huber; with loss bins, leave it 0")
        return self

    @model_validator(mode="after")
    def _weights_decay_in_adamw(self) -> "Recipe":
        if self.weight_decay and self.optimizer == "adam":
            raise ValueError("weight_decay is AdamW's: set optimizer to adamw, or leave it 0")
        return self

    @field_validator("sizes")
    @classmethod
    def _sizes_fill_the_training(
        cls, sizes: tuple[tuple[int, float], ...]
    ) -> tuple[tuple[int, float], ...]:
        whole = sum(share for _, share in sizes)
        if sizes and abs(whole - 1) > 1e-6:
            raise ValueError(f"the sizes' shares of the training add up to {whole:g}, not to 1")
        return sizes
