"""Every setting and every limit is used somewhere."""

import ast
from dataclasses import fields

from gateway.limits import Limits
from gateway.settings import Settings
from tests.house.sources import modules


def test_every_setting_is_read() -> None:
    """A setting that nothing reads would be accepted without taking effect."""
    read = {
        node.attr
        for name, tree in modules("gateway", "resolvers", "schema").items()
        if name != "gateway.settings"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    names = {*Settings.model_fields, *(limit.name for limit in fields(Limits))}
    assert names - read == set()


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
    assert [limit.name for limit in fields(Limits) if not limit.metadata.get("description")] == []
