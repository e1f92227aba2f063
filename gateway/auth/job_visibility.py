"""Visibility of jobs and their units, as conditions on rows.

Most jobs are seen by their folder. Those whose items may be in any folders belong to the users who
started them.
"""

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import (
    Condition,
    in_given_folder,
    in_tree_of,
    in_visible_folder,
    is_staying,
)
from gateway.kinds.enums import JobKind
from gateway.models.dicom_jobs import dicom_job_units
from gateway.models.folders import folders
from gateway.models.jobs import jobs
from gateway.models.reencoding import reencode_units
from gateway.models.uploads import upload_units

_TELLING = (JobKind.CLOUD_SYNC, JobKind.DELETION, JobKind.FOLDER_COPY)
"""Kinds of jobs that tell of what is below their folder."""


def sees_job(viewer: Viewer) -> Condition:
    """Return the condition that the viewer may see a job of any kind.

    Jobs are seen by their folders; those without one belong to the users who started them, who
    also see their deletions: they may see nothing of what is around a deleted folder.
    """
    belongs_to_user = jobs.c.folder_uuid.is_(None)
    if viewer.administers_site:
        return sa.or_(belongs_to_user, is_staying(jobs.c.folder_uuid))
    is_own = sa.and_(sa.or_(belongs_to_user, jobs.c.kind == JobKind.DELETION), is_own_job(viewer))
    in_folder = in_visible_folder(viewer, jobs.c.folder_uuid)
    return sa.or_(sa.and_(in_folder, *sees_job_in_folder(viewer)), is_own)


def sees_job_in_folder(viewer: Viewer) -> list[Condition]:
    """Return the conditions that the viewer, who sees the folder of a job, sees the job, too.

    Syncs, deletions and copies tell of what is below the folder. Where it is public, they are for
    those who were given it: there can be private folders below.
    """
    if viewer.is_site_admin:
        return []
    is_within = sa.and_(
        jobs.c.kind.not_in(_TELLING),
        jobs.c.cloud_sync_job_uuid.is_(None),
    )
    return [sa.or_(is_within, in_given_folder(viewer, jobs.c.folder_uuid))]


def is_own_job(viewer: Viewer) -> Condition:
    """Return the condition that the viewer started a job; site admins see everybody's.

    A credential that is limited to a tree shows jobs that were started with one limited to the same
    tree or one below it: they have worked on nothing else.
    """
    if viewer.administers_site:
        return sa.true()
    in_tree: list[Condition] = []
    if viewer.tree_uuid:
        tree = folders.alias()
        within_limit = in_tree_of(viewer, tree.c.path)
        in_tree = [sa.exists().where(tree.c.uuid == jobs.c.tree_uuid, *within_limit)]
    return sa.and_(jobs.c.user_uuid == viewer.user_uuid, *in_tree)


def sees_deletion(viewer: Viewer) -> Condition:
    """Return the condition that a job is a deletion that the viewer may see."""
    return sa.and_(jobs.c.kind == JobKind.DELETION, sees_job(viewer))


def sees_linking(viewer: Viewer) -> Condition:
    """Return the condition that a job links items to a dataset, and that the viewer may see it."""
    return sa.and_(jobs.c.kind == JobKind.LINKING, sees_job(viewer))


def sees_indexing(viewer: Viewer) -> Condition:
    """Return the condition that a job indexes a tag, and that the viewer may see it."""
    return sa.and_(jobs.c.kind == JobKind.INDEXING, sees_job(viewer))


def sees_collecting(viewer: Viewer) -> Condition:
    """Return the condition that a job changes a collection, and that the viewer may see it."""
    return sa.and_(jobs.c.kind == JobKind.COLLECTING, in_visible_folder(viewer, jobs.c.folder_uuid))


def sees_folder_copy(viewer: Viewer) -> Condition:
    """Return the condition that a job copies a folder, and that the viewer may see it."""
    return sa.and_(jobs.c.kind == JobKind.FOLDER_COPY, sees_job(viewer))


def sees_upload_job(viewer: Viewer) -> Condition:
    """Return the condition that a job is an upload job that the viewer may see, by its folder."""
    in_folder = in_visible_folder(viewer, jobs.c.folder_uuid)
    return sa.and_(jobs.c.kind == JobKind.UPLOAD, in_folder, *sees_job_in_folder(viewer))


def sees_unit(viewer: Viewer) -> Condition:
    """Return the condition that the viewer may see a unit of an upload job, by its job."""
    return sa.exists().where(jobs.c.uuid == upload_units.c.job_uuid, sees_upload_job(viewer))


def sees_sync(viewer: Viewer) -> Condition:
    """Return the condition that a job is a sync that the viewer may see, by its folder."""
    return sa.and_(jobs.c.kind == JobKind.CLOUD_SYNC, in_given_folder(viewer, jobs.c.folder_uuid))


def sees_reencode_job(viewer: Viewer) -> Condition:
    """Return the condition that a job is a re-encoding job that the viewer may see.

    It belongs to the user who started it, because its videos may be in any folders.
    """
    return sa.and_(jobs.c.kind == JobKind.REENCODE, is_own_job(viewer))


def sees_reencode_unit(viewer: Viewer) -> Condition:
    """Return the condition that the viewer may see a unit of a re-encoding job, by its job."""
    return sa.exists().where(jobs.c.uuid == reencode_units.c.job_uuid, sees_reencode_job(viewer))


def sees_dicom_job(viewer: Viewer) -> Condition:
    """Return the condition that a job is about DICOM studies, and that the viewer may see it.

    It belongs to the user who started it, because the instances may be in any folders.
    """
    return sa.and_(jobs.c.dicom_phase.is_not(None), is_own_job(viewer))


def sees_dicom_deletion(viewer: Viewer) -> Condition:
    """Return the condition that a job deletes a DICOM study, and that the viewer may see it."""
    return sa.and_(jobs.c.kind == JobKind.DICOM_DELETION, sees_dicom_job(viewer))


def sees_dicom_copies(viewer: Viewer) -> Condition:
    """Return the condition that a job copies DICOM studies, and that the viewer may see it."""
    return sa.and_(jobs.c.kind == JobKind.DICOM_COPY, sees_dicom_job(viewer))


def sees_dicom_job_unit(viewer: Viewer) -> Condition:
    """Return the condition that the viewer may see a unit of such a job, by its job."""
    return sa.exists().where(jobs.c.uuid == dicom_job_units.c.job_uuid, sees_dicom_job(viewer))
