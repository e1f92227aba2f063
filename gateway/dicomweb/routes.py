"""The routes of DICOMweb below a folder."""

from functools import partial

from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from gateway.dicomweb.endpoint import PREFIX, DicomWeb, Exchange, Operation, answer
from gateway.dicomweb.metadata import respond_with_metadata
from gateway.dicomweb.retrieval import (
    retrieve_bulk_data,
    retrieve_by_uri,
    retrieve_frames,
    retrieve_objects,
)
from gateway.dicomweb.searching import search_instances, search_series, search_studies
from gateway.dicomweb.storing import report_on_storage, store_instances
from gateway.errors import DomainError, ErrorCode

_STUDY = "/studies/{study_uid}"
_SERIES = f"{_STUDY}/series/{{series_uid}}"
_INSTANCE = f"{_SERIES}/instances/{{instance_uid}}"
_METADATA = Operation("DICOMweb metadata", respond_with_metadata)
_STUDIES = Operation("DICOMweb search of studies", search_studies)
_ALL_SERIES = Operation("DICOMweb search of series", search_series)
_INSTANCES = Operation("DICOMweb search of instances", search_instances)
_OBJECTS = Operation("DICOMweb retrieval", retrieve_objects)
_READS = (
    ("/studies", _STUDIES),
    ("/series", _ALL_SERIES),
    ("/instances", _INSTANCES),
    (f"{_STUDY}/series", _ALL_SERIES),
    (f"{_STUDY}/instances", _INSTANCES),
    (f"{_SERIES}/instances", _INSTANCES),
    (f"{_STUDY}/metadata", _METADATA),
    (f"{_SERIES}/metadata", _METADATA),
    (f"{_INSTANCE}/metadata", _METADATA),
    (_STUDY, _OBJECTS),
    (_SERIES, _OBJECTS),
    (_INSTANCE, _OBJECTS),
    (f"{_INSTANCE}/frames/{{frames}}", Operation("DICOMweb frames", retrieve_frames)),
    (f"{_INSTANCE}/bulkdata/{{path:path}}", Operation("DICOMweb bulk data", retrieve_bulk_data)),
    ("/stored/{job_uuid}", Operation("DICOMweb report on storing", report_on_storage)),
    ("/wado", Operation("DICOMweb redirect", retrieve_by_uri)),
)


def dicomweb_routes(service: DicomWeb) -> list[BaseRoute]:
    """Return the routes."""
    routes = [
        Route(f"/{{folder_uuid}}{path}", partial(answer, service, operation), methods=["GET"])
        for path, operation in _READS
    ]
    store = Operation("DICOMweb storing", store_instances, is_change=True)
    routes += [
        Route(f"/{{folder_uuid}}{path}", partial(answer, service, store), methods=["POST"])
        for path in ("/studies", _STUDY)
    ]
    unknown = Operation("DICOMweb", _not_found)
    last = Route("/{folder_uuid}/{path:path}", partial(answer, service, unknown))
    return [Mount(PREFIX, routes=[*routes, last])]


async def _not_found(exchange: Exchange) -> Response:
    """Refuse a path that stands for nothing."""
    raise DomainError(ErrorCode.NOT_FOUND, "DICOMweb has no such resource here.")
