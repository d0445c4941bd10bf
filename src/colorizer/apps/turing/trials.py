"""What a study consists of: protocol, models, and each person's pairs, planned at random."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Side = Literal["left", "right"]
"""Where the fake is, or is believed to be; shown one after the other, left is the first."""

Kind = Literal["practice", "test", "vigilance"]
Layout = Literal["beside", "in turn"]

SIDES: tuple[Side, Side] = ("left", "right")

VIGILANCE = 0.1
"""The share of the pairs that count in which another photograph's colors are the fake."""


@dataclass(frozen=True)
class Protocol:
    """The settings that all people of a study share.

    Attributes:
        seconds: how long a pair is shown.
        practice: pairs with feedback, not counted.
        pairs: pairs that count.
        photos: a digest of the photographs' names and files.
    """

    seconds: float
    practice: int
    pairs: int
    photos: str


@dataclass(frozen=True)
class Method:
    """A model under test. Other weights under the same name are another model.

    Attributes:
        id: its key in the database.
        name: the model's name.
        weights: SHA-256 of the weights file.
    """

    id: int
    name: str
    weights: str


@dataclass(frozen=True)
class Progress:
    """A person's progress.

    Attributes:
        method: the id of the model whose colors the person sees.
        number: the first pair without an answer; at the end, the number of pairs plus one.
    """

    method: int
    number: int


@dataclass(frozen=True)
class Trial:
    """A pair: a photograph, and the same photograph with other colors.

    Attributes:
        number: 1, 2, ... for each person; practice comes first.
        kind: "practice", which is not counted; "test"; or "vigilance", whose fake is easy to find.
        photo: the photograph's name.
        other: the photograph whose colors the fake has, in a vigilance pair.
        fake: the fake's side.
    """

    number: int
    kind: Kind
    photo: str
    other: str | None
    fake: Side


@dataclass(frozen=True)
class Answer:
    """A person's answer to a pair.

    Attributes:
        person: 1, 2, ... in the order in which those who finished began.
        trial: the pair.
        layout: how the pictures were shown.
        side: the side that the person took for the fake.
        seconds: from the question to the answer.
    """

    person: int
    trial: Trial
    layout: Layout
    side: Side
    seconds: float

    @property
    def fooled(self) -> bool:
        """Whether the person took the original for the fake."""
        return self.side != self.trial.fake


def plan_trials(photos: Sequence[str], *, practice: int, pairs: int, seed: int) -> list[Trial]:
    """Plan a person's pairs: photographs, their order, sides and vigilance pairs.

    Args:
        photos: names of at least practice + pairs photographs; none is shown twice.
        practice: pairs with feedback, which are not counted.
        pairs: pairs that count. A random share of `VIGILANCE` has another photograph's colors.
        seed: the person's own.

    Reference:
        Zhang, Isola and Efros 2016, section 3.1.

    Example:
        >>> [trial.kind for trial in plan_trials("abcd", practice=1, pairs=3, seed=0)]
        ['practice', 'test', 'test', 'test']
    """
    chance = random.Random(seed)
    shown = chance.sample(photos, practice + pairs)
    counted = range(practice, practice + pairs)
    vigilance = set(chance.sample(counted, round(VIGILANCE * pairs)))

    def plan(place: int, photo: str) -> Trial:
        fake = chance.choice(SIDES)
        if place in vigilance:
            other = chance.choice([name for name in photos if name != photo])
            return Trial(place + 1, "vigilance", photo, other, fake)
        return Trial(place + 1, "practice" if place < practice else "test", photo, None, fake)

    return [plan(place, photo) for place, photo in enumerate(shown)]
