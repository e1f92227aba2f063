"""Create the demo data on a running site, and print how to explore it."""

from rich.console import Console

from gateway.demo.collection import fill
from gateway.demo.contents import USERS

QUERIES = (
    """\
# Folders, with totals of everything below them.
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
# Images and videos with their properties, and URLs that open in a browser.
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
    """\
# A study with its series, and the tags that place an image in the patient.
query Study {
  dicomStudies(first: 5) {
    nodes {
      patientName { alphabetic }
      studyDate
      description
      counts { series instances bytes }
      series {
        nodes {
          description
          modality
          instances(first: 2) {
            nodes {
              sopInstanceUid
              tags(filter: {keywords: ["ImagePositionPatient"]}, allValues: true) { keyword values }
            }
          }
        }
      }
    }
  }
}
""",
)


async def run_demo(url: str, key: str, public_url: str = "") -> None:
    """Create the demo data if it does not exist, and print its users, keys and some queries.

    The site is reached at `url`; its clients reach it at `public_url`, which is printed.

    Raises:
        SiteError: the site cannot be reached, or it refuses a request.
    """
    console = Console(highlight=False, soft_wrap=True)
    with console.status("Creating the demo data …"):
        keys = (await fill(url, key, public_url)).keys
    state = "is ready" if keys else "exists already"
    console.print(f"\nThe demo data {state}. Its users and their API keys:\n")
    for user in USERS:
        shown = keys.get(user.email, "(already created)")
        console.print(f"  {user.email:<26}{user.group:<14}{shown}")
    if len(keys) < len(USERS):
        console.print(
            "\nA key is shown only once. To create another one, run:\n"
            "storegraph key create --user EMAIL"
        )
    console.print(
        f"\nOpen {public_url or url}/graphql, enter a key, and paste one of these queries:\n"
    )
    for query in QUERIES:
        console.print(query, markup=False)
