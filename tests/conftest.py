"""Fixtures that every test can use."""

from hypothesis import settings

from gateway.gc_tuning import collect_rarely, relax_gc

collect_rarely()  # while tests are collected, too
settings.register_profile("any machine", deadline=None)  # a slow one breaks no law
settings.load_profile("any machine")

pytest_plugins = [
    "tests.fixtures.databases",
    "tests.fixtures.former_databases",
    "tests.fixtures.demo",
    "tests.fixtures.servers",
    "tests.fixtures.sites",
    "tests.fixtures.dicom_web",
    "tests.fixtures.elsewhere",
    "tests.fixtures.sieges",
    "tests.fixtures.fragile",
]


def pytest_collection_finish() -> None:
    """Freeze what collection left behind, so that garbage collection costs as little as in a server."""
    relax_gc()
