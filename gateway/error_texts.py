"""Sentences that many errors share, so that one fault reads the same wherever it is found."""

from collections.abc import Collection
from difflib import get_close_matches

ADMIN_REQUIRED = "This requires the site role ADMIN."
IS_SYNCED = "The folder is cloud-synced. Add objects to the bucket, then sync the folder."
LIMITED_TO_TREE = "The credential of this request is limited to a folder."
MAX_QUOTED = 100
"""Number of characters of an unknown name that an error repeats."""


def between(name: str, least: float, most: float, actual: float) -> str:
    """Return the message for a number that is out of range."""
    return f"{name} must be between {_number(least)} and {_number(most)}, not {_number(actual)}."


def sized(name: str, least: int, most: int, actual: int, unit: str = "characters") -> str:
    """Return the message for a text or list that is too short or too long."""
    size = f"{least:,} to {most:,}" if least else f"at most {most:,}"
    return f"{name} must have {size} {unit}, not {actual:,}."


def exactly_one_of(*names: str) -> str:
    """Return the message for alternatives of which none or several are set."""
    return f"Set exactly one of {', '.join(names[:-1])} and {names[-1]}."


def not_both(first: str, second: str) -> str:
    """Return the message for two fields that exclude each other."""
    return f"Set {first} or {second}, not both."


def not_null(name: str) -> str:
    """Return the message for a field that may be left out but not be null."""
    return f"{name} cannot be null."


def listed_more_than_once(noun: str, first: int) -> str:
    """Return the message for an entry that is already in the list, at position `first`."""
    return f"The {noun} is listed more than once, first at position {first}."


def unknown(noun: str, name: str, known: Collection[str]) -> str:
    """Return the message for a name that is none of the known ones, with the most similar one."""
    matches = get_close_matches(name, sorted(known), n=1)
    hint = f' Did you mean "{matches[0]}"?' if matches else ""
    return f'Unknown {noun} "{name[:MAX_QUOTED]}".{hint}'


def used_by(noun: str, user: str, switch: str, verb: str) -> str:
    """Return the message for an object in use that can be deleted or moved with a switch."""
    return f"The {noun} is used by {user}. Set {switch} to {verb} it anyway."


def in_use(noun: str, count: int, user: str, remedy: str) -> str:
    """Return the message for an object that cannot be deleted while others use it.

    `{them}` in `remedy` becomes "it" or "them".
    """
    users = f"1 {user} uses" if count == 1 else f"{count:,} {user}s use"
    return f"{users} the {noun}. {remedy.format(them='it' if count == 1 else 'them')}"


def changed_since_read(noun: str) -> str:
    """Return the message for an object that another request changed in the meantime."""
    return f"The {noun} has been changed since it was read. Retry."


def leaves_masked_tree(noun: str) -> str:
    """Return the message for an object that would get out of a masked folder."""
    return (
        f"The {noun} is in a masked folder, out of which it can be taken only with seesPhi there."
    )


def published(noun: str) -> str:
    """Return the message for an object that would become public without anybody having said so."""
    return f"The folder is public, so everyone could see the {noun}. Set allowPublic to publish it."


def role_is_fixed(role: str) -> str:
    """Return the message for a group whose role on a root folder is that of a community."""
    return (
        f"The group has the role {role} in the community of the folder. Change its members instead."
    )


def about_file(name: str, reason: object) -> str:
    """Return the message for a file that could not be processed, as a sentence."""
    return f"{name}: {str(reason).removesuffix('.')}."


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.15g}"
