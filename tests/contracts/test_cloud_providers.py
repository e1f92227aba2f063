"""Cloud providers are complete: each kind has one, and inputs have the fields it needs."""

import dataclasses

import pytest

from gateway.clouds.base import CloudAccount, ObjectLocation
from gateway.clouds.provider import CloudProvider
from gateway.clouds.providers import PROVIDERS
from gateway.kinds.enums import StorageLocationName as Kind
from resolvers.inputs.integrations import CloudCredentialsInput, CreateCloudIntegrationInput
from resolvers.mutations.cloud_accounts import ACCOUNT_FIELDS
from tests.house.sources import ROOT, modules

NO_CLOUDS = {Kind.STOREGRAPH, Kind.DIRECT_ACCESS}
SHARED = {
    "aws_signatures",
    "base",
    "cloud",
    "open",
    "provider",
    "providers",
    "s3_protocol",
    "s3_signer",
    "urls",
    "vault",
    "xml",
    "",
}
"""Modules of gateway/clouds/ that all clouds share."""


def test_every_location_kind_has_a_provider_or_needs_none() -> None:
    assert PROVIDERS.keys() | NO_CLOUDS == set(Kind)
    assert not PROVIDERS.keys() & NO_CLOUDS


def test_every_provider_is_one_file_that_only_the_registry_imports() -> None:
    files = {path.stem for path in (ROOT / "gateway" / "clouds").glob("*.py")} - SHARED - {"__init__"}
    assert {type(provider).__module__ for provider in PROVIDERS.values()} == {
        f"gateway.clouds.{name}" for name in files
    }
    for name, tree in modules().items():
        if name != "gateway.clouds.providers":
            imported = {getattr(node, "module", None) for node in tree.body}
            assert not imported & {f"gateway.clouds.{each}" for each in files}, name


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
def test_inputs_have_the_fields_of_each_provider(provider: CloudProvider) -> None:
    given = {field.name for field in dataclasses.fields(CreateCloudIntegrationInput)}
    assert {field.name for field in provider.fields} <= set(ACCOUNT_FIELDS) <= given
    assert all(field.expected for field in provider.fields if field.pattern)
    credentials = {field.name for field in dataclasses.fields(CloudCredentialsInput)}
    assert provider.required_credentials
    assert provider.required_credentials | provider.optional_credentials <= credentials


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
@pytest.mark.parametrize("key", ["", "a", "a/b c", "a%20b", "a?b#c", "ünï/日本", "a+b&c=d", "a\\b"])
def test_a_provider_reads_the_urls_that_it_writes(provider: CloudProvider, key: str) -> None:
    account = CloudAccount(provider.kind, "https://cloud.example", account="acme")
    location = ObjectLocation("bucket", key)
    url = provider.object_url(account, location)
    assert provider.parse_url(account, url) == location
    assert url.startswith(provider.url_prefix(account))
