"""How the study's predecessors are fitted and scored: the block `methods`."""

from typing import Literal

from colorizer.params.block import Block, Positive, Seed

Method = Literal[
    "reinhard2001",
    "welsh2002",
    "gupta2012",
    "charpiat2008",
    "cheng2015",
    "levin2004",
    "similar",
]
"""Those of `methods.registry`."""


class Methods(Block):
    """How the study's predecessors are fitted and scored beside the models.

    Attributes:
        references: the training photographs most like a photograph, whose colors it gets.
        hints: true colors at random pixels, which levin2004 gets of a photograph.
        photos: of each scored subset, drawn by `seed`, since methods are slow.
        seed: of the photographs and of the hints' places.
    """

    references: Positive = 3
    hints: Positive = 20
    photos: Positive = 100
    seed: Seed = 7
