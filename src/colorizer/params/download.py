"""The archives of photographs: the block `download`."""

from typing import Annotated

from pydantic import Field, model_validator

from colorizer.params.block import Block, Positive


class Archive(Block):
    """A zip file of photographs, identified by its content."""

    source: str
    bytes: Positive
    md5: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]

    @property
    def name(self) -> str:
        """The file's name: the source after its last slash."""
        return self.source.split("?")[0].rstrip("/").rsplit("/", 1)[-1]


class Download(Block):
    """The archives of photographs."""

    archives: Annotated[tuple[Archive, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_differ(self) -> "Download":
        names = [archive.name for archive in self.archives]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two archives are both called {twice.pop()}: rename one")
        return self
