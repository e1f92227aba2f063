"""Stores other than Amazon's that speak S3, such as MinIO, Ceph or SeaweedFS."""

from gateway.clouds.provider import AccountField
from gateway.clouds.s3_protocol import REGION, S3Provider
from gateway.kinds.enums import StorageLocationName


class S3Compatible(S3Provider):
    """An S3 store at the endpoint that the integration names."""

    kind = StorageLocationName.S3_COMPATIBLE
    fields = (
        AccountField("endpoint", is_required=True),
        REGION,
        AccountField("public_endpoint"),
        AccountField("addressing_style"),
    )
    accepts_server_credentials = True
