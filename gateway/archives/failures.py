"""Files that an archive lacks, with the reasons."""

from dataclasses import dataclass, field

MAX_NAMED = 1_000
"""Files that are named."""


@dataclass(slots=True)
class Failures:
    """Files that an archive lacks."""

    count: int = 0
    lines: list[str] = field(default_factory=list)

    def add(self, path: str, reason: str) -> None:
        """Note a file."""
        self.count += 1
        if self.count <= MAX_NAMED:
            self.lines.append(f"{path}: {reason}")

    @property
    def report(self) -> str:
        """The text that lists them."""
        more = self.count - len(self.lines)
        rest = [f"and {more:,} more"] if more else []
        return "".join(f"{line}\n" for line in [*self.lines, *rest])
