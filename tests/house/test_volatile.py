"""What answers depend on besides the database is noted, so that the response cache does not keep them."""

import ast
from dataclasses import fields

from gateway.context import Services
from tests.house.sources import modules

NOTED = {
    "settings": "they never change",
    "database": "its state is compared",
    "store": "each call is noted",
    "fetcher": "each call is noted",
    "clouds": "their calls are noted, and signing reads the clock",
    "vault": "it only computes",
    "url_secrets": "signing reads the clock",
    "queue": "it is used within transactions, which are noted",
}
"""Services that fields of queries may use, and why."""
ALLOWED = {
    "resolvers.change_subscriptions": {"events", "streams"},
    "resolvers.job_subscriptions": {"events", "streams"},
    "resolvers.job_updates": {"events", "streams"},
    "resolvers.ready_studies": {"events", "streams"},
    # They only say whether a transaction follows.
    "resolvers.dicom_encapsulated": {"requested_extractions"},
    "resolvers.thumbnails": {"requested_thumbnails"},
}
"""Further services by module: the answers of subscriptions are not kept."""


def services_used(tree: ast.Module) -> set[str]:
    """Return the names of the services that a module takes from a context."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute | ast.Name)
        and (node.value.attr if isinstance(node.value, ast.Attribute) else node.value.id) == "services"
    }


def test_queries_use_services_whose_use_is_noted() -> None:
    """A field that depends on another calls `note_volatile`, and its service is added here."""
    others = {field.name for field in fields(Services)} - NOTED.keys()
    used = {
        name: services_used(tree) & others
        for name, tree in modules("resolvers").items()
        if not name.startswith("resolvers.mutations")
    }
    assert {name: names for name, names in used.items() if names} == ALLOWED
