"""params.yaml as immutable, checked objects: one field for each knob."""

import reprlib
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from colorizer.errors import ColorizerError, one_line
from colorizer.params.agreement import refuse_recipe, refuse_shares
from colorizer.params.arguments import Arguments
from colorizer.params.block import Block, Count, Positive, Seed
from colorizer.params.download import Archive as Archive
from colorizer.params.download import Download
from colorizer.params.engine import Engine as Engine
from colorizer.params.engine import Tracking as Tracking
from colorizer.params.methods import Method
from colorizer.params.methods import Methods as Methods
from colorizer.params.recipe import Recipe
from colorizer.scores import table as scores

Resample = Literal["bilinear", "bicubic"]
Side = Annotated[int, Field(gt=0, le=8192, strict=True)]


class DropGrayscale(Block):
    """When a photograph counts as gray, toned or too small."""

    max_gray_chroma: Annotated[float, Field(ge=0)]
    max_tone_residual: Annotated[float, Field(ge=0)]
    drop_toned: bool
    min_side: Positive

    gone: ClassVar = {"max_grey_chroma": "max_grey_chroma is now max_gray_chroma"}


class Split(Block):
    """How many photographs to train and to test on, and how many to choose by.

    Attributes:
        seed: of the choice.
        train: photographs; those of `train_only` come to them.
        skip: photographs that are left out, so that fewer to train on leave the others the same.
        test: photographs.
        validation: photographs.
        train_only: names of archives, all of whose photographs are trained on.
    """

    seed: Seed
    train: Positive
    skip: Count = 0
    test: Positive
    validation: Count = 0
    train_only: tuple[str, ...] = ()


class Preprocess(Block):
    """How a photograph becomes a pair of arrays.

    Attributes:
        geometry: "square" squeezes the whole photograph to a square of `image_size`, "keep" brings
            it to `short_side` in its own proportions.
        image_size: pixels.
        short_side: pixels.
        resample: the filter.
    """

    geometry: Literal["square", "keep"] = "square"
    image_size: Side | None = None
    short_side: Side | None = None
    resample: Resample

    @model_validator(mode="after")
    def _has_a_side(self) -> "Preprocess":
        needed = "image_size" if self.geometry == "square" else "short_side"
        if getattr(self, needed) is None:
            raise ValueError(f"geometry {self.geometry} needs {needed}, in pixels")
        return self

    @property
    def side(self) -> int:
        """Pixels of the square's sides, or of the short side."""
        side = self.image_size if self.geometry == "square" else self.short_side
        assert side is not None  # the validator has seen to it
        return side


class Train(Block):
    """Training with Adam, the same for all models."""

    seed: Seed
    epochs: Positive
    batch_size: Positive
    lr: Annotated[float, Field(gt=0)]
    grid_every: Positive
    grid_photos: Positive


class Model(Arguments):
    """A model's entry: its recipe and the arguments of `create_model`."""

    recipe: Recipe = Recipe()

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of `create_model`, as YAML gives them."""
        return self.model_dump(mode="json", include=self.model_fields_set - {"recipe"})


class Evaluate(Block):
    """How the validation and test photographs are scored."""

    grid_photos: Positive
    perceptual: bool

    gone: ClassVar = {"batch_size": "photographs are scored one by one: remove batch_size"}


class Register(Block):
    """Which model becomes the champion."""

    metric: str
    champion: bool

    @field_validator("metric")
    @classmethod
    def _can_choose(cls, metric: str) -> str:
        if metric not in scores.choices():
            raise ValueError(f"choose one of {', '.join(scores.choices())}")
        return metric


class Profile(Block):
    """One whole experiment."""

    download: Download
    drop_grayscale: DropGrayscale
    split: Split
    preprocess: Preprocess
    models: dict[str, Model]
    train: Train
    evaluate: Evaluate
    methods: Methods = Methods()
    register_: Annotated[Register, Field(alias="register")]

    @model_validator(mode="after")
    def _archives_to_train_on_exist(self) -> "Profile":
        known = [archive.name for archive in self.download.archives]
        if unknown := [name for name in self.split.train_only if name not in known]:
            raise ValueError(
                f"split.train_only has {unknown[0]!r}, but download.archives only {known}"
            )
        return self

    @field_validator("models")
    @classmethod
    def _names_are_new(cls, models: dict[str, Model]) -> dict[str, Model]:
        if "flagship" in models and "dilations" in models["flagship"].arguments:
            raise ValueError("the flagship with dilations is now model3_tuned: rename the entry")
        return models


class Params(Block):
    """The whole of params.yaml."""

    profile: str
    models: Annotated[tuple[str, ...], Field(min_length=1)]
    methods: tuple[Method, ...] = ()
    engine: Engine = Engine()
    tracking: Tracking = Tracking()
    profiles: dict[str, Profile]

    @model_validator(mode="after")
    def _profile_exists(self) -> "Params":
        if self.profile not in self.profiles:
            raise ValueError(f"profile is {self.profile!r}, but only {list(self.profiles)} exist")
        return self

    @field_validator("models", "methods")
    @classmethod
    def _names_are_named_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"{twice[0]!r} stands there twice: remove one")
        return names

    @model_validator(mode="after")
    def _models_exist(self) -> "Params":
        known = self.active.models
        if unknown := [model for model in self.models if model not in known]:
            raise ValueError(
                f"models has {unknown[0]!r}, but profiles.{self.profile}.models only {list(known)}"
            )
        return self

    @model_validator(mode="after")
    def _chosen_can_be_trained(self) -> "Params":
        for name in self.models:
            refuse_recipe(name, self)
            refuse_shares(name, self.active, self.engine.devices)
        return self

    @property
    def active(self) -> Profile:
        """The block that `profile` names."""
        return self.profiles[self.profile]


def load_params(path: Path = Path("params.yaml")) -> Params:
    """Read and check params.yaml.

    Raises:
        ColorizerError: if the file is missing or no YAML, or a value is missing, unknown or out of
            range; the message names the knob.
    """
    try:
        return Params.model_validate(_read(path))
    except ValidationError as error:
        raise ColorizerError(f"{path}: {_first(error)}") from None


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ColorizerError(
            f"{path} not found in {Path.cwd()}: run this from the project's root"
        ) from None
    except OSError as error:
        raise ColorizerError(f"{path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # also of dates, of deep nesting
        raise ColorizerError(f"{path} is no valid YAML: {one_line(error)}") from None


SHORT = reprlib.Repr()
SHORT.maxstring = SHORT.maxother = 100


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    knob = ".".join(str(part) for part in first["loc"])
    found = "" if isinstance(first["input"], dict) else f" (found {SHORT.repr(first['input'])})"
    said = first["msg"].removeprefix("Value error, ")
    return f"{knob}: {said}{found}" if knob else said
