"""The README and the pages of `docs/` taken apart: fenced blocks, generated tables, links and names of code."""

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click
from pydantic import SecretStr
from typer.main import get_command

from gateway.__main__ import cli
from gateway.limits import Limits
from gateway.settings import Settings
from tests.house.sources import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / ".github").rglob("*.md")])
TABLES_PAGE = ROOT / "docs" / "settings.md"


@dataclass(frozen=True)
class Block:
    """A fenced block with the page and the heading that it stands under."""

    page: str
    heading: str
    language: str
    text: str


def text_of(page: str) -> str:
    """Return the text of a page, given its path from the root."""
    return (ROOT / page).read_text()


def blocks() -> Iterator[Block]:
    """Yield every fenced block of every page, in order."""
    pattern = r"^#+ (?P<heading>[^\n]+)$|^```(?P<language>\w*)\n(?P<text>.*?)^```$"
    for path in PAGES:
        page, heading = path.relative_to(ROOT).as_posix(), ""
        for match in re.finditer(pattern, path.read_text(), re.M | re.S):
            if match["heading"]:
                heading = match["heading"]
            else:
                yield Block(page, heading, match["language"], match["text"])


def blocks_of(page: str, *headings: str, language: str = "") -> list[Block]:
    """Return the blocks of a page, or only those under some headings or in one language."""
    return [
        block
        for block in blocks()
        if block.page == page and (not headings or block.heading in headings) and language in ("", block.language)
    ]


def prose_of(page: str) -> str:
    """Return the text of a page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text_of(page), flags=re.M | re.S)


def with_tables(text: str) -> str:
    """Return a page with its generated tables as the code has them now."""
    tables = {"commands": command_table(), "settings": settings_table(), "limits": limits_table()}

    def fill(match: re.Match[str]) -> str:
        return f"<!-- {match[1]} -->\n{tables[match[1]]}\n<!-- end -->"

    return re.sub(r"<!-- (\w+) -->\n(?s:.*?)<!-- end -->", fill, text)


def settings_table() -> str:
    """Return the table of settings, from the settings' own descriptions."""
    rows = ["| Variable | Default | Meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        rows.append(f"| `STOREGRAPH_{name.upper()}` | {_default(field.default)} | {field.description} |")
    return "\n".join(rows)


def limits_table() -> str:
    """Return the table of limits."""
    rows = ["| Limit | Default | Applies to |", "|---|---|---|"]
    for field in dataclasses.fields(Limits):
        rows.append(f"| `{field.name}` | {field.default:,} | {field.metadata['description']} |")
    return "\n".join(rows)


def command_table() -> str:
    """Return the table of commands, from the command line's own help."""
    rows = ["| Command | Does |", "|---|---|"]
    rows += [f"| `{' '.join(usage)}` | {about} |" for usage, about in _commands(["storegraph"], get_command(cli))]
    return "\n".join(rows)


def _default(default: Any) -> str:
    assert not isinstance(default, SecretStr)
    if isinstance(default, Limits):
        return "below"
    return f"`{default}`" if default not in (None, "") else ""


def _commands(path: list[str], command: Any) -> list[tuple[list[str], str]]:
    """Return each command below this one: its usage and its help."""
    if children := getattr(command, "commands", None):
        return [usage for name, child in children.items() for usage in _commands([*path, name], child)]
    words = sorted((_word(parameter) for parameter in command.params), key=lambda word: word.startswith("["))
    return [([*path, *words], " ".join((command.help or "").split()))]


def _word(parameter: click.Parameter) -> str:
    name = (parameter.name or "").upper()
    if parameter.param_type_name == "argument":
        return name
    option = parameter.opts[0] if getattr(parameter, "is_flag", False) else f"{parameter.opts[0]} {name}"
    return option if parameter.required and not parameter.envvar else f"[{option}]"
