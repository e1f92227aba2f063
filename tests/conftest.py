"""What every test may ask for."""

from gateway.gc_tuning import relax_gc

pytest_plugins = [
    "tests.fixtures.databases",
    "tests.fixtures.demo",
    "tests.fixtures.servers",
    "tests.fixtures.sites",
    "tests.fixtures.elsewhere",
    "tests.fixtures.sieges",
]


def pytest_collection_finish() -> None:
    """The tests themselves are as much as a server holds, and as little garbage."""
    relax_gc()
