"""How the study's predecessors are fitted and scored: the block `methods`."""

from colorizer.params.block import Block, Positive


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
    seed: int = 7
