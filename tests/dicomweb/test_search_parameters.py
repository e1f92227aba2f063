"""What query parameters of searches mean, and which are refused."""

import pytest

from gateway.dicomweb.attributes import SearchLevel
from gateway.dicomweb.search_parameters import Search, Span, read_search
from gateway.errors import DomainError


def wanted(query: str, level: SearchLevel = SearchLevel.INSTANCE) -> dict[str, object]:
    """Return the wanted values by keyword."""
    return {attribute.keyword: value for attribute, value in read_search(query, level).matches.items()}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {}),
        ("PatientName=Doe*", {"PatientName": ["Doe*"]}),
        ("00100010=D%3Fe", {"PatientName": ["D?e"]}),
        ("0010,0010=x", {"PatientName": ["x"]}),
        ("PatientID=a,b", {"PatientID": ["a,b"]}),
        ("PatientID=", {}),
        ("PatientID=*", {"PatientID": ("*",)}),
        ("PatientName=**", {"PatientName": ("*",)}),
        ("ModalitiesInStudy=CT,*", {"ModalitiesInStudy": ("*",)}),
        ("StudyInstanceUID=1.2,1.3", {"StudyInstanceUID": ["1.2", "1.3"]}),
        ("StudyInstanceUID=1.2%5C1.3", {"StudyInstanceUID": ["1.2", "1.3"]}),
        ("ModalitiesInStudy=CT,MR", {"ModalitiesInStudy": ["CT", "MR"]}),
        ("Modality=CT%5CMR", {"Modality": ["CT", "MR"]}),
        ("StudyDate=20260131", {"StudyDate": Span("2026-01-31", "2026-01-31")}),
        ("StudyDate=20260101-20260131", {"StudyDate": Span("2026-01-01", "2026-01-31")}),
        ("StudyDate=20260101-", {"StudyDate": Span("2026-01-01", None)}),
        ("StudyDate=-20260131", {"StudyDate": Span(None, "2026-01-31")}),
        ("StudyTime=13", {"StudyTime": Span("13:00:00", "13:59:59.999999")}),
        ("StudyTime=130559.250", {"StudyTime": Span("13:05:59.25", "13:05:59.25")}),
        ("StudyTime=-1305", {"StudyTime": Span(None, "13:05:59.999999")}),
        ("SeriesNumber=-3", {"SeriesNumber": -3}),
    ],
)
def test_values(query: str, expected: dict[str, object]) -> None:
    """Searches are by keyword or tag, with ranges and lists."""
    assert wanted(query) == expected


def test_options() -> None:
    search = read_search("limit=5000&offset=20&includefield=Rows,00280011&includefield=all", SearchLevel.STUDY)
    assert search == Search(includes={"00280010", "00280011"}, includes_all=True, limit=1000, offset=20)


def test_options_that_change_nothing_are_told() -> None:
    search = read_search("fuzzymatching=true&emptyvaluematching=false&MultipleValueMatching=TRUE", SearchLevel.STUDY)
    assert [text.split()[1] for text in search.warnings] == ["fuzzymatching", "multiplevaluematching"]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("PatientNme=x", "PatientNme"),
        ("patientName=x", "patientName"),
        ("0010001=x", "0010001"),
        ("00100010=a&PatientName=b", "PatientName"),
        ("limit=1&limit=2", "limit"),
        ("PatientAge=040Y", "PatientAge"),
        ("00091001=x", "00091001"),
        ("RetrieveURL=x", "RetrieveURL"),
        ("RequestAttributesSequence.ScheduledProcedureStepID=1", "RequestAttributesSequence.ScheduledProcedureStepID"),
        ("Modality=CT", "Modality"),
        ("SOPInstanceUID=1.2", "SOPInstanceUID"),
        ("StudyInstanceUID=1.2.x", "StudyInstanceUID"),
        ("StudyInstanceUID=1.2,,1.3", "StudyInstanceUID"),
        ("StudyInstanceUID=" + "1" * 65, "StudyInstanceUID"),
        ("StudyDate=2026-01-31", "StudyDate"),
        ("StudyDate=20260230", "StudyDate"),
        ("StudyDate=-", "StudyDate"),
        ("StudyDate=20260101-20260131-", "StudyDate"),
        ("StudyTime=2400", "StudyTime"),
        ("StudyTime=1", "StudyTime"),
        ("PatientID=" + "x" * 1025, "PatientID"),
        ("PatientID=a%00", "PatientID"),
        ("limit=x", "limit"),
        ("limit=-1", "limit"),
        ("limit=%D9%A1", "limit"),
        ("offset=1e3", "offset"),
        ("offset=99999999", "offset"),
        ("fuzzymatching=yes", "fuzzymatching"),
        ("includefield=Foo", "includefield"),
        ("includefield=", "includefield"),
    ],
)
def test_what_cannot_be_matched_is_named(query: str, named: str) -> None:
    with pytest.raises(DomainError) as refused:
        read_search(query, SearchLevel.STUDY)
    assert refused.value.path == (named,)


def test_numbers_are_integers() -> None:
    with pytest.raises(DomainError, match="integer"):
        read_search("InstanceNumber=1.5", SearchLevel.INSTANCE)


@pytest.mark.parametrize("query", ["PatientID=%ff", "&".join(f"a{i}=1" for i in range(300))])
def test_malformed_queries(query: str) -> None:
    with pytest.raises(DomainError, match="not UTF-8, or has more than"):
        read_search(query, SearchLevel.STUDY)
