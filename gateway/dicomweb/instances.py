"""The instances that the path of a request names."""

from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.context import Context
from gateway.dicomweb.scope import Scope, Target
from gateway.errors import not_found
from gateway.execution.limits import LimitExceeded
from gateway.models.dicom import dicom_instances, dicom_series, dicom_studies


class Instance(NamedTuple):
    """A current instance.

    Attributes:
        is_shown: whether the viewer sees what identifies patients in it, and so gets its bytes.
        corrections: attributes of the study that were set by hand, by their columns; None if
            there are none.
    """

    item_uuid: UUID
    study_uid: str
    series_uid: str
    sop_instance_uid: str
    sop_class_uid: str | None
    transfer_syntax_uid: str | None
    is_shown: bool
    corrections: dict[str, Any] | None
    frames: int | None

    def url(self, base: str) -> str:
        """Return the URL of the instance below that of the folder."""
        # Not by `Target`, since this is called for each document.
        return (
            f"{base}/studies/{self.study_uid}/series/{self.series_uid}/instances/"
            f"{self.sop_instance_uid}"
        )


async def find_instances(context: Context, scope: Scope, target: Target) -> list[Instance]:
    """Return the instances that a path names, in the order of their series and numbers.

    Raises:
        DomainError: `NOT_FOUND`, the viewer sees none.
        LimitExceeded: there are more than the points that an operation may cost.
    """
    most = context.services.settings.limits.cost
    chosen = (
        sa.select(
            dicom_instances.c.item_uuid,
            dicom_studies.c.study_uid,
            dicom_series.c.series_uid,
            dicom_instances.c.sop_instance_uid,
            dicom_instances.c.sop_class_uid,
            dicom_instances.c.transfer_syntax_uid,
            scope.shows_series().label("is_shown"),
            sa.case((dicom_studies.c.phi_version > 0, dicom_studies.c.corrections)),
            dicom_instances.c.frames,
        )
        .select_from(dicom_studies)
        .join(dicom_series, dicom_series.c.study_uuid == dicom_studies.c.uuid)
        .join(dicom_instances, dicom_instances.c.series_uuid == dicom_series.c.uuid)
        .where(
            dicom_instances.c.is_current,
            scope.holds(dicom_series.c.folder_uuid),
            *target.conditions(),
        )
        .order_by(
            dicom_series.c.number,
            dicom_series.c.series_uid,
            dicom_instances.c.series_uuid,
            dicom_instances.c.number,
            dicom_instances.c.sop_instance_uid,
            dicom_instances.c.item_uuid,
        )
        .limit(most + 1)
    )
    rows = await context.database.rows(chosen, Instance)
    instances = [Instance(*row) for row in rows]
    if not instances:
        raise not_found("DICOM object", str(target).strip("/"))
    if len(instances) > most:
        message = (
            f"More than {most:,} instances cannot be sent at once (limit: cost). "
            "Request them series by series."
        )
        raise LimitExceeded(message, "cost", most, len(instances))
    return instances
