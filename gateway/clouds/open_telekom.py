"""Open Telekom Cloud's Object Storage Service, which speaks S3."""

from gateway.clouds.provider import AccountField
from gateway.clouds.s3_protocol import REGION, S3Provider
from gateway.kinds.enums import StorageLocationName


class OpenTelekom(S3Provider):
    """An OBS region, such as `https://obs.eu-de.otc.t-systems.com`."""

    kind = StorageLocationName.OPEN_TELEKOM
    fields = (AccountField("endpoint", is_required=True), REGION)
