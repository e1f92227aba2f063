"""The account is complete and true: every id once, each location in the schema, each test exists;
open rows decrease.
"""

import re
from collections import Counter

import pytest

from tests.parity.account import Row, rows

MOST_OPEN = 0
"""How many rows are open. Lower it when you close some; it never rises."""
SECTIONS = """
ENUM 13  ITEM 33  ITEMOP 8  ISUM 5  ISHORT 5  DSHORT 5  GINFO 4  GSET 3  GTREE 3  FOLDER 15  PATH 4  FSUM 15
FOLDEROP 39  CLIENT 26  FGROUP 6  GUSER 1  INTEG 2  TAG 2  COLL 11  INACC 1  UPI 13  UPVID 6  UPIMG 6  UPAUD 6
UPTXT 6  UPPDF 6  UPNII 5  UPTS 5  UPSC 5  UPIG 6  UPIGF 4  UPIGI 7  UPDS 4  UPDF 4  MIMG 4  MVID 6  MAUD 7
MTXT 2  MPDF 2  MDCM 1  DTAG 22  JOBIN 5  SURL 4  UJOB 9  UNAME 2  UERR 4  UCAN 1  REENC 2  DEL 2  DELIN 2
MOVIN 3  MOVF 2  BULK 2  PITEM 6  PFOLD 3  CFOLD 5  CSF 2  SYNC 12  SYNCSEM 9  FCFG 1  MING 2  SIDE 2  DGG 4
DGC 4  DGX 7  TSV 1  TSL 5  TSP 5  SCHEMA 12  PAGE 8  BUNDLE 8  HTTP 14  MAN 12  ERR 17  QITEM 12  QFOLD 9
QMISC 10  QBODY 14  QGRP 12  DSET 8  DSQ 9  DROW 18  DIMG 11  DJOB 8  DINFO 3  DOP 11
"""
"""How many rows each section of Encord's part of the inventory has; ids count from 1 without gaps."""
DICOM_SECTIONS = "STUDY 34  IMG 7  TAG 15  HTTP 18  ERR 43"
"""The same of Ambra's part."""
SPACE_SECTIONS = "CORE 35  MOD 11  BASE 9  API 15  OBJ 11  ENUM 7  SRV 26  ERR 19"
"""The same of Midas's part."""
SUCCESSOR_SECTIONS = "CMP 10"
"""The same of Girder's part."""
PARTS = {"ENC": SECTIONS, "AMB": DICOM_SECTIONS, "MID": SPACE_SECTIONS, "GIR": SUCCESSOR_SECTIONS}
FEATURES = [
    f"{system}-{section}-{number:02}"
    for system, sections in PARTS.items()
    for section, size in re.findall(r"(\w+) (\d+)", sections)
    for number in range(1, int(size) + 1)
]
SUBTLETIES = [f"SUB-{number:03}" for number in range(1, 145)]

GOOD = Row("ENC-ITEM-16", "core", "place", "here", "StorageItem.signedUrl(lifetime)", "", "")
TEST = "tests/parity/test_account.py::test_every_row_of_the_inventory_occurs_once"
OTHER = "tests/parity/test_dicom_tags.py::test_all_missing_tags_are_named"
BROKEN = {
    "StorageItem.sizes is not in the schema": GOOD._replace(location="StorageItem.name; StorageItem.sizes"),
    "StorageItem.children(frame) is not in the schema": GOOD._replace(location="StorageItem.children(frame)"),
    "StorageItem.name(first) is not in the schema": GOOD._replace(location="StorageItem.name(first)"),
    "StorageItemType.FILM is not in the schema": GOOD._replace(location="StorageItemType.FILM"),
    "Item is not in the schema": GOOD._replace(location="Item"),
    "a place is not in the schema": GOOD._replace(location="a place"),
    "there is no tests/none.py::test_none": GOOD._replace(test="tests/none.py::test_none"),
    f"there is no {TEST}_": GOOD._replace(test=f"{TEST}; {TEST}_"),
    "it is here, but no test shows it": GOOD,
    "it is here, but has no location": GOOD._replace(location="", test=TEST),
    "it is here, but not named where it is shown": GOOD._replace(kind="behaviour", test=OTHER),
    "it is waived without a reason": GOOD._replace(status="waived"),
    "it is core, and no location replaces it": GOOD._replace(status="waived", location=""),
    "it is open, but does not say what it lacks": GOOD._replace(status="open"),
    "its class, kind or status is none": GOOD._replace(status="done"),
}


def test_every_row_of_the_inventory_occurs_once() -> None:
    assert (len(FEATURES), len(SUBTLETIES)) == (890, 144)
    assert [row.id for row in rows()] == FEATURES + SUBTLETIES


def test_every_row_is_true() -> None:
    faults = [f"{row.id}: {fault}" for row in rows() for fault in row.faults()]
    assert not faults, "\n".join(faults)


def test_open_rows_decrease() -> None:
    open_rows = Counter(row.section for row in rows() if row.status == "open")
    for section, number in open_rows.most_common():
        print(f"{number:4} open in {section}")
    assert open_rows.total() <= MOST_OPEN
    assert open_rows.total() == MOST_OPEN, f"Fewer are open: lower MOST_OPEN to {open_rows.total()}."


@pytest.mark.parametrize("fault", BROKEN)
def test_a_false_row_is_reported(fault: str) -> None:
    assert fault in list(BROKEN[fault].faults())


def test_a_good_row_has_no_error() -> None:
    good = GOOD._replace(test=TEST)
    assert not [*good.faults(), *good._replace(kind="behaviour", location="").faults()]
    assert not list(good._replace(location="StorageItemType.SCENE; StorageItem.children(frames, first); URL").faults())
