"""The walk of `docs/dicom.md` brings a directory of files into a study, and its queries answer."""

import json
from pathlib import Path

from gateway.demo import study
from tests.docs.pages import blocks_of
from tests.docs.test_commands import run_bash
from tests.fixtures.demo import DemoSite

PAGE, WALK = "docs/dicom.md", "From a directory of files to a study"
FILES = 3


def test_a_directory_becomes_a_study(demo_site: DemoSite, tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    for number in range(FILES):
        (tmp_path / "study" / f"slice {number}.dcm").write_bytes(study.axial_slice(number))
    script = "".join(block.text for block in blocks_of(PAGE, WALK))
    for written, real in {"http://127.0.0.1:8000": demo_site.url, "sg_your_key": demo_site.key}.items():
        assert script.count(written) == 1
        script = script.replace(written, real)
    output = run_bash(f'{script}\necho "$FOLDER"', tmp_path)
    listed, folder = output.rstrip().rsplit("\n", 1)
    [formed] = json.loads(listed)
    assert formed["patientName"] == {"alphabetic": "Phantom^Head"}
    assert formed["studyDate"] == "2026-01-05"
    assert formed["counts"]["instances"] == FILES
    [query] = blocks_of(PAGE, "Tags")
    instances = demo_site.ask(query.text, {"folder": folder, "study": formed["studyUid"]})["dicomStudy"]["instances"]
    positions = [node["tags"][0]["values"] for node in instances["nodes"]]
    assert len(positions) == FILES and positions[0] != positions[1]
    [query] = blocks_of(PAGE, "PDFs and videos inside files")
    instances = demo_site.ask(query.text, {"folder": folder, "study": formed["studyUid"]})["dicomStudy"]["instances"]
    assert [node["encapsulatedPdfUrl"] for node in instances["nodes"]] == [None] * FILES
    [query] = blocks_of(PAGE, "Finding studies")
    assert demo_site.ask(query.text, {"folder": folder})["dicomStudies"]["totalCount"] == 1
    # Other tests expect the demo's folders alone.
    gone = (
        "mutation ($u: UUID!) { deleteStorageFolder(input: {folderUuid: $u, recursive: true}) { userErrors { code } } }"
    )
    assert demo_site.ask(gone, {"u": folder})["deleteStorageFolder"]["userErrors"] == []
