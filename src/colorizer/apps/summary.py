"""What a run of `colorize` came to: a table of every file, and the exit code."""

import sys
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import TYPE_CHECKING

import typer

from colorizer.apps.command_line import FAILED, NOTHING
from colorizer.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from colorizer.inference.batch import Outcome, Status

SAID = {
    "colorized": ("colored", ""),
    "copied": ("copied", "in color already, or toned and kept"),
    "exists": ("left alone", "the result exists"),
    "differs": ("left alone", "the result is of another file, model or options: see above"),
    "skipped": ("skipped", ""),
    "failed": ("failed", ""),
}
"""How each status is called, and why it is so."""

NAMED = 3
"""Files that the table names of each kind, at most."""


@dataclass
class Group:
    """Files that the same became of: how many, and the first of them."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """Count a file."""
        self.count += 1
        if self.count <= NAMED:
            self.first.append(name)

    @property
    def named(self) -> list[str]:
        """The first files, and how many more there are."""
        return [*self.first, *([f"{self.count - NAMED:,} more"] if self.count > NAMED else [])]


class Summary:
    """Counts what became of the files.

    Args:
        named: also say which results have another suffix than their originals.
    """

    def __init__(self, *, named: bool = True) -> None:
        self._named = named
        self._groups: defaultdict[tuple[str, str], Group] = defaultdict(Group)
        self._renamed = Group()

    def add(self, outcome: "Outcome") -> None:
        """Count a file."""
        task, status = outcome.task, outcome.status
        name = outcome.message if status == "failed" else str(task.source)
        self._groups[status, task.kind if status == "skipped" else ""].add(printable(name))
        written = status in ("colorized", "copied") and self._named and task.target
        if written and written.suffix.lower() != task.source.suffix.lower():
            self._renamed.add(printable(f"{task.source.name} as {written.name}"))

    def count(self, *statuses: "Status") -> int:
        """Return how many files these became of."""
        return sum(group.count for (status, _), group in self._groups.items() if status in statuses)

    @property
    def total(self) -> int:
        """The number of files."""
        return sum(group.count for group in self._groups.values())

    @property
    def exit_code(self) -> int:
        """0 if all is well, skipped files included; else `FAILED` or `NOTHING`."""
        if not self.count("colorized", "copied", "exists", "differs"):
            return NOTHING
        return FAILED if self.count("failed") else 0

    def print(self) -> None:
        """Print a table to standard error, plain where that is no terminal."""
        if not sys.stderr.isatty():
            for said, count, reason in self._rows():
                typer.echo(f"{said:10}  {count:>7}  {reason}".rstrip(), err=True)
            return
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold")
        table.add_column(justify="right")
        for row in self._rows():
            table.add_row(*map(Text, row))
        Console(stderr=True).print(table)

    def _rows(self) -> "Iterator[tuple[str, str, str]]":
        for (status, kind), group in sorted(self._groups.items(), key=_place):
            said, reason = SAID[status]
            if status == "skipped":
                reason = f"{kind}: {', '.join(group.named)}"
            if status != "failed":
                yield said, f"{group.count:,}", reason
                continue
            counts = chain([(said, f"{group.count:,}")], repeat(("", "")))
            yield from ((*left, reason) for left, reason in zip(counts, group.named, strict=False))
        if self._renamed.count:
            named = ", ".join(self._renamed.named)
            yield "named", f"{self._renamed.count:,}", f"after their format: {named}"


def _place(item: tuple[tuple[str, str], Group]) -> tuple[int, int]:
    """Order rows by what became of the files, then by how many there are."""
    (status, _), group = item
    return list(SAID).index(status), -group.count
