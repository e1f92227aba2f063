"""What every test may ask for."""

pytest_plugins = [
    "tests.fixtures.databases",
    "tests.fixtures.demo",
    "tests.fixtures.servers",
    "tests.fixtures.sites",
    "tests.fixtures.elsewhere",
    "tests.fixtures.sieges",
]
