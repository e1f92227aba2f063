"""Commands that send directories to a site and fetch them, over its public API alone."""

import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.terminal import run_to_end

if TYPE_CHECKING:
    from gateway.transfer.events import OnEvent, TransferReport
    from gateway.transfer.site import Site

transfer_commands = typer.Typer()

Url = Annotated[
    str, typer.Option(envvar="STOREGRAPH_URL", help="URL of the site, without /graphql.")
]
Jobs = Annotated[int, typer.Option("--jobs", "-j", help="Files moved at once.", min=1, max=64)]
AsJson = Annotated[bool, typer.Option("--json", help="Print events as JSON, one in each line.")]
Paths = Annotated[
    list[Path], typer.Argument(metavar="PATH…", exists=True, help="Files and directories.")
]
Destination = Annotated[
    str,
    typer.Option(
        metavar="PATH",
        help=r"Existing folder, such as /Scans/2026 or /communities/Brain. Write \/ for a slash in "
        "a name.",
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        help="Leave out entries whose name or path matches, and directories of such entries alone."
    ),
]
LeafFolders = Annotated[
    bool,
    typer.Option(
        "--leaf-folders-as-items", help="Make one item of each directory without subdirectories."
    ),
]
DicomSeries = Annotated[
    bool,
    typer.Option("--dicom-series", help="Make one DICOM series of each directory of DICOM files."),
]
Metadata = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help="JSON file: an object of metadata for the path of each item, such as Scans/ct.nii. It "
        "replaces that of items that exist.",
    ),
]
Duplicates = Annotated[
    bool,
    typer.Option("--allow-duplicates", help="Make new folders and items where names exist."),
]
HERE = "http://127.0.0.1:8000"


@transfer_commands.command()
def upload(
    paths: Paths,
    to: Destination,
    url: Url = HERE,
    jobs: Jobs = 8,
    exclude: Exclude = None,
    leaf_folders_as_items: LeafFolders = False,
    dicom_series: DicomSeries = False,
    metadata: Metadata = None,
    allow_duplicates: Duplicates = False,
    as_json: AsJson = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; list the files that would be sent.")
    ] = False,
) -> None:
    """Upload files and directories to a folder. Files that are there already are not sent again.

    The environment variable STOREGRAPH_API_KEY has the API key. Directories become folders, and
    files become items. A file that has changed becomes a new revision of its item. Symbolic links
    are skipped. Run the command again after any interruption.
    """
    from gateway.transfer.site import Site
    from gateway.transfer.upload import UploadOptions, read_metadata, upload_tree

    try:
        options = UploadOptions(
            exclude=tuple(exclude or ()),
            leaf_folders_as_items=leaf_folders_as_items,
            dicom_series=dicom_series,
            metadata=read_metadata(metadata) if metadata else {},
            allow_duplicates=allow_duplicates,
            dry_run=dry_run,
        )
    except ValueError as error:
        raise _mistake(str(error), as_json=as_json) from None
    site = Site(url, _api_key(as_json=as_json), jobs)
    _run(site, as_json, lambda tell: upload_tree(site, paths, to, options, tell))


@transfer_commands.command()
def download(
    path: Annotated[str, typer.Argument(help="Folder or item, such as /Scans/2026/ct.nii.")],
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", file_okay=False, help="Local directory.")
    ],
    url: Url = HERE,
    jobs: Jobs = 8,
    revision: Annotated[
        int | None, typer.Option(help="Revision of the item; the newest if omitted.", min=1)
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace local files whose content differs.")
    ] = False,
    as_json: AsJson = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Change nothing; list the files that would be fetched."),
    ] = False,
) -> None:
    """Download a folder, with everything below it, or an item into a directory.

    The environment variable STOREGRAPH_API_KEY has the API key, and STOREGRAPH_URL may have the
    URL of the site. Files that are there already are not fetched again, and those that were
    interrupted are resumed. Each is checked by its SHA-256 before it gets its name. Names that file
    systems do not accept are changed and listed.
    """
    from gateway.transfer.download import DownloadOptions, download_tree
    from gateway.transfer.site import Site

    options = DownloadOptions(revision=revision, overwrite=overwrite, dry_run=dry_run)
    site = Site(url, _api_key(as_json=as_json), jobs)
    _run(site, as_json, lambda tell: download_tree(site, path, directory, options, tell))


def _api_key(*, as_json: bool) -> str:
    """Return the key in the environment: arguments are seen by all users of a machine."""
    if key := os.environ.get("STOREGRAPH_API_KEY", ""):
        return key
    raise _mistake("Set STOREGRAPH_API_KEY to an API key.", as_json=as_json)


def _mistake(message: str, *, as_json: bool) -> typer.Exit:
    """Print what is wrong with how a command was given, and return its end."""
    from gateway.transfer_progress import print_error

    print_error(message, as_json=as_json)
    return typer.Exit(2)


def _run(
    site: "Site",
    as_json: bool,
    transfer: Callable[["OnEvent"], Coroutine[Any, Any, "TransferReport"]],
) -> None:
    """Run a transfer, and exit with status 1 if a file failed."""
    from gateway.transfer.events import Reporter, TransferReport
    from gateway.transfer.site import SiteError
    from gateway.transfer_progress import print_error, print_report, shown_progress

    async def run() -> None:
        seen = TransferReport()
        try:
            async with site:
                with shown_progress(as_json=as_json) as tell:
                    await transfer(Reporter(tell, seen))
        except (SiteError, ValueError) as error:
            print_error(str(error), seen, as_json=as_json)
            raise typer.Exit(1) from None
        print_report(seen, as_json=as_json)
        if seen.failures:
            raise typer.Exit(1)

    run_to_end(run())
