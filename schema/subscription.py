"""The subscription root, one line per subscription."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import strawberry

from resolvers.change_subscriptions import watch_folder
from resolvers.job_updates import watch_jobs
from resolvers.ready_studies import watch_ready_studies
from resolvers.reencoding import watch_reencode
from resolvers.syncs import watch_sync
from resolvers.uploads import watch_upload_job
from schema.changes import StorageChanges
from schema.dicom_jobs import DicomStudyReady
from schema.fields import subscription
from schema.jobs import JobUpdates
from schema.reencoding import ReencodeJob
from schema.syncs import CloudSyncJob
from schema.uploads import UploadJob


@strawberry.type(
    description="Operations that follow changes as they happen. Subscriptions to jobs start with the "
    "current state; `storageChanged` and `dicomStudyReady` start with an event that confirms the "
    "subscription."
)
class Subscription:
    jobs_updated: AsyncGenerator[JobUpdates, None] = subscription(watch_jobs)
    upload_job_updated: AsyncGenerator[UploadJob, None] = subscription(watch_upload_job)
    cloud_sync_job_updated: AsyncGenerator[CloudSyncJob, None] = subscription(watch_sync)
    storage_changed: AsyncGenerator[StorageChanges, None] = subscription(watch_folder)
    dicom_study_ready: AsyncGenerator[DicomStudyReady, None] = subscription(watch_ready_studies)
    reencode_job_updated: AsyncGenerator[ReencodeJob, None] = subscription(watch_reencode)
