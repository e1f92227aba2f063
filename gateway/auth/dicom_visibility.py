"""Visibility of DICOM: studies and series by their folders, instances by their series."""

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import Condition, in_visible_folder
from gateway.models.dicom import dicom_instances, dicom_series, dicom_studies, dicom_study_places


def sees_study(viewer: Viewer, study: sa.FromClause = dicom_studies) -> Condition:
    """Return the condition that the viewer may see a DICOM study: a folder with a part of it."""
    place = dicom_study_places.alias()
    return sa.exists().where(
        place.c.study_uuid == study.c.uuid, in_visible_folder(viewer, place.c.folder_uuid)
    )


def sees_series(viewer: Viewer, series: sa.FromClause = dicom_series) -> Condition:
    """Return the condition that the viewer may see a DICOM series, by its folder."""
    return in_visible_folder(viewer, series.c.folder_uuid)


def sees_instance(viewer: Viewer, instance: sa.FromClause = dicom_instances) -> Condition:
    """Return the condition that the viewer may see a DICOM instance, by its series."""
    series = dicom_series.alias()
    return sa.exists().where(series.c.uuid == instance.c.series_uuid, sees_series(viewer, series))
