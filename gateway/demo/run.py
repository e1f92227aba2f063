"""Makes the demo collection on a running site, once, and tells how to look at it."""

from rich.console import Console

from gateway.demo.collection import DemoResult, fill
from gateway.demo.contents import USERS

QUERIES = (
    """\
# What lies where, with everything below it counted.
query Folders {
  storageFolders(first: 10) {
    nodes {
      name
      description
      summary(recursive: true) { files images videos totalSize }
      subfolders(first: 10) { nodes { name summary { files totalSize } } }
    }
  }
}
""",
    """\
# Pictures and films with their facts, and URLs that open in a browser.
query Media {
  searchStorageItems(filter: {itemTypes: [IMAGE, VIDEO]}, first: 5) {
    totalCount
    nodes {
      name
      mimeType
      width
      height
      duration
      folder { name }
      signedUrl { url expiresAt }
    }
  }
}
""",
    """\
# Series and groups with their first members, and the datasets that use them.
query Groups {
  searchStorageItems(filter: {itemTypes: [DICOM_SERIES, IMAGE_GROUP]}, first: 5) {
    nodes {
      name
      itemType
      children(first: 3) { totalCount edges { frameNumber node { name fileSize } } }
      summary { accessibleDatasets { title } }
    }
  }
}
""",
)


async def run_demo(url: str, key: str) -> None:
    """Make the collection, or find it there, and print where to go; raises `DemoFailed` if the site refuses."""
    console = Console(highlight=False, soft_wrap=True)
    with console.status("Making the demo collection …"):
        collection = await fill(url, key)
    _tell(console, url, collection)


def _tell(console: Console, url: str, collection: DemoResult) -> None:
    console.print(
        f"\nThe demo collection {'is' if collection.keys else 'was'} there. Its users and their API keys:\n"
    )
    for person in USERS:
        console.print(
            f"  {person.email:<26}{person.group:<14}{collection.keys.get(person.email, '(shown before)')}"
        )
    if len(collection.keys) < len(USERS):
        console.print(
            "\nA key is shown only once. Another one: storegraph key create --user E-MAIL"
        )
    console.print(f"\nOpen {url}/graphql, enter a key, and paste one of these:\n")
    for query in QUERIES:
        console.print(query, markup=False)
