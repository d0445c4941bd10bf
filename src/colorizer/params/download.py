"""The archives of photographs: the block `download`."""

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from colorizer.params.block import Block, Positive


class Archive(Block):
    """A zip file of photographs, identified by its content.

    Attributes:
        source: a URL or a local path.
        bytes: the file's length; 0, or null in params.yaml, if nobody has said it.
        md5: its checksum; "", or null in params.yaml, if nobody has verified one.
    """

    source: str
    bytes: Positive = 0
    md5: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] = ""

    @field_validator("bytes", "md5", mode="wrap")
    @classmethod
    def _null_is_unknown(cls, given: Any, check: Any, info: Any) -> Any:
        return cls.model_fields[info.field_name].default if given is None else check(given)

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
        sums = [archive.md5 for archive in self.archives if archive.md5]
        if twice := {md5 for md5 in sums if sums.count(md5) > 1}:
            raise ValueError(f"two archives have the same md5, {twice.pop()}: remove one")
        return self
