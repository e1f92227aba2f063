"""`storegraph check` says by its exit code whether something is wrong, and repairs it on request."""

from pathlib import Path

from gateway.settings import Settings
from tests.commands.test_command_line import run
from tests.fixtures.damage import key_of, leave_object, new_item
from tests.fixtures.sites import Site


def given(settings: Settings) -> dict[str, str]:
    """Return the settings of a site as variables."""
    names = ("data_dir", "database_url", "objects_url")
    variables = {f"STOREGRAPH_{name.upper()}": str(getattr(settings, name)) for name in names}
    if settings.secret_key:
        variables["STOREGRAPH_SECRET_KEY"] = settings.secret_key.get_secret_value()
    return variables


async def test_findings_are_printed_counted_and_repaired(site: Site, tmp_path: Path) -> None:
    variables = given(site.services.settings)
    await new_item(site)
    code, output, _ = await run(tmp_path, "check", **variables)
    assert (code, output.splitlines()) == (0, ["Found: 0 (objects in the store: 2)"])
    item = await new_item(site)
    lost = await key_of(site, item)
    await site.services.store.delete([lost])
    left = [await leave_object(site) for _ in range(3)]
    code, output, errors = await run(tmp_path, "check", "--show", "1", **variables)
    assert (code, output.splitlines()) == (
        1,
        [
            "Found: 4 (objects in the store: 6)",
            "lost_object: 1. Files of items that are missing from the store.",
            f"  {lost} {item}",
            "unnamed_object: 3. Objects in the store that the database does not name.",
            f"  {min(left)} 8 bytes",
        ],
    ), errors
    code, output, _ = await run(tmp_path, "check", "--repair", **variables)
    assert code == 0
    assert "Repaired: 4 (objects in the store: 6)" in output
    assert (await run(tmp_path, "check", **variables))[0] == 0
