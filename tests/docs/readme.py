"""The README taken apart: its fenced blocks, its tables, and what the settings and the command line say themselves."""

import dataclasses
import re
from dataclasses import dataclass
from typing import Any

import click
from pydantic import SecretStr
from typer.main import get_command

from gateway.__main__ import cli
from gateway.settings import Limits, Settings
from tests.house.sources import ROOT

TEXT = (ROOT / "README.md").read_text()


@dataclass(frozen=True)
class Block:
    """A fenced block, and the heading that it stands under."""

    heading: str
    language: str
    text: str


def blocks() -> list[Block]:
    """Every fenced block in its order."""
    found, heading = [], ""
    for match in re.finditer(r"^#+ (?P<heading>[^\n]+)$|^```(?P<language>\w*)\n(?P<text>.*?)^```$", TEXT, re.M | re.S):
        if match["heading"] and not match["text"]:
            heading = match["heading"]
        else:
            found.append(Block(heading, match["language"], match["text"]))
    return found


def under(*headings: str, language: str = "") -> list[Block]:
    """The blocks under these headings, perhaps only those in a language."""
    return [block for block in blocks() if block.heading in headings and language in ("", block.language)]


def settings_table() -> str:
    """The table of settings, as the settings themselves have it."""
    rows = ["| Variable | Default | |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        rows.append(f"| `STOREGRAPH_{name.upper()}` | {_shown(field.default)} | {field.description} |")
    return "\n".join(rows)


def limits_table() -> str:
    """The table of limits."""
    rows = ["| Limit | Default |", "|---|---|"]
    rows += [f"| `{field.name}` | {field.default:,} |" for field in dataclasses.fields(Limits)]
    return "\n".join(rows)


def command_table() -> str:
    """The table of commands, as the command line itself has it."""
    rows = ["| Command | |", "|---|---|"]
    rows += [f"| `{' '.join(usage)}` | {about} |" for usage, about in _commands(["storegraph"], get_command(cli))]
    return "\n".join(rows)


def _shown(default: Any) -> str:
    assert not isinstance(default, SecretStr)
    if isinstance(default, Limits):
        return "below"
    return f"`{default}`" if default not in (None, "") else ""


def _commands(path: list[str], command: Any) -> list[tuple[list[str], str]]:
    """Each command below this one: how it is called, and what it does."""
    if children := getattr(command, "commands", None):
        return [one for name, child in children.items() for one in _commands([*path, name], child)]
    words = sorted((_word(parameter) for parameter in command.params), key=lambda word: word.startswith("["))
    return [([*path, *words], command.help)]


def _word(parameter: click.Parameter) -> str:
    name = (parameter.name or "").upper()
    if parameter.param_type_name == "argument":
        return name
    option = parameter.opts[0] if getattr(parameter, "is_flag", False) else f"{parameter.opts[0]} {name}"
    return option if parameter.required else f"[{option}]"
