"""Root fields and viewers without a credential: each field decides."""

from gateway.auth.anonymous import anonymous_viewer
from gateway.execution.private_apis import core_schema
from schema.anonymous import ANSWERS_ANYONE
from schema.api import api

CORE = core_schema(api)


def test_every_root_field_decides_whether_it_answers_anyone() -> None:
    assert CORE.query_type
    assert set(CORE.query_type.fields) == set(ANSWERS_ANYONE)


def test_an_address_is_one_viewer() -> None:
    """All of a network of IPv6 are, and nobody learns the address from the identity."""
    here, there = anonymous_viewer("192.0.2.1"), anonymous_viewer("192.0.2.2")
    assert here == anonymous_viewer("192.0.2.1") != there
    assert anonymous_viewer("2001:db8::1") == anonymous_viewer("2001:db8::ffff")
