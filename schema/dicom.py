"""DICOM studies, series and instances."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.kinds.downloads import DownloadUnavailableReason
from gateway.kinds.enums import DicomAvailability, StorageUserRole
from gateway.scalars import JSON, BigInt
from resolvers import (
    archives,
    dicom,
    dicom_conflicts,
    dicom_counts,
    dicom_encapsulated,
    dicom_instances,
    dicom_series,
    dicom_tags,
)
from schema.common import CAPPED, Connection, Node, PageInfo, capped_page, counted_page, page_itself
from schema.dicom_tags import DicomTag
from schema.fields import column, resolved, row_type
from schema.folders import StorageFolder
from schema.signed_urls import SignedUrl
from schema.thumbnails import Thumbnail

if TYPE_CHECKING:
    from schema.item_types import DicomFileItem
    from schema.items import StorageItem

Item = Annotated["StorageItem", strawberry.lazy("schema.items")]


@row_type()
@strawberry.type(
    description="A name of a person as DICOM stores it: components divided by `^`, which are the "
    "family name, given name, middle name, prefix and suffix."
)
class PersonName:
    alphabetic: str | None = column("The name in Latin letters; null if there is none.")
    ideographic: str | None = column("The name in ideograms, such as kanji; null if there is none.")
    phonetic: str | None = column(
        "The name in phonetic script, such as kana; null if there is none."
    )


@row_type()
@strawberry.type(
    description="Numbers of the parts of a DICOM study that the viewer sees. Tombstones are not "
    "counted."
)
class DicomStudyCounts:
    series: BigInt = column("Number of series. A series in several folders counts in each.")
    instances: BigInt = column("Number of instances, without earlier versions.")
    superseded: BigInt = column("Number of earlier versions of instances, and of equal copies.")
    frames: BigInt = column("Number of frames of the instances.")
    attachments: BigInt = column("Number of attachments.")
    bytes: BigInt = resolved(
        dicom_counts.bytes_of, "Total size of the files of the instances in bytes."
    )
    files: BigInt | None = column(
        "Number of files of the instances that the stores have now. Null unless `countFiles` is set."
    )


@row_type()
@strawberry.type(
    description="Numbers of the instances of a DICOM series; tombstones are not counted."
)
class DicomSeriesCounts:
    instances: BigInt = column("Number of instances, without earlier versions.")
    superseded: BigInt = column("Number of earlier versions of instances, and of equal copies.")
    frames: BigInt = column("Number of frames of the instances.")
    bytes: BigInt = resolved(
        dicom_counts.bytes_of_series, "Total size of the files of the instances in bytes."
    )


@row_type()
@strawberry.type(
    description="Values that differ within a DICOM study although they should be the same. The study "
    "shows those of the earliest instance that has one."
)
class DicomStudyConflicts:
    tags: list[str] = resolved(
        dicom_conflicts.tags_of_study,
        "Tags of the study's attributes of which its files have several values, such as "
        "`00100010`; at most 20. Empty in a study that is masked to the viewer.",
    )
    studies: list[DicomStudy] = resolved(
        dicom_conflicts.other_studies_of,
        "Studies of other patients that have the study's UID in the same root folder, and that the "
        "viewer sees; at most 100.",
    )
    sop_instance_uids: list[str] = resolved(
        dicom_conflicts.repeated_uids_of,
        "SOP Instance UIDs that occur in several series or folders of the study that the viewer "
        "sees; at most 1,000.",
    )


@row_type()
@strawberry.type(
    description="An attachment of a DICOM study, with the time at which it was attached."
)
class StudyAttachmentEdge:
    node: Item = column("The attached item.")
    cursor: str = column("Position of the item in this list, for use with `after` or `before`.")
    attached_at: datetime = resolved(
        dicom.attached_at_on_edge, "When the item was attached, in UTC."
    )


@row_type()
@strawberry.type(description="A page of the items that are attached to a DICOM study.")
class StudyAttachmentConnection:
    edges: list[StudyAttachmentEdge] = column("The items with their cursors.")
    nodes: list[Item] = column("The items on the page.")
    page_info: PageInfo = resolved(page_itself, "Position of the page in the list.")
    total_count: int = resolved(
        counted_page, "Number of attachments that the viewer can see. Counted only when selected."
    )
    total_count_is_capped: bool = resolved(capped_page, CAPPED)


@row_type()
@strawberry.type(
    description="A study of one patient in one root folder: the DICOM files there that have the same "
    "Study Instance UID and patient. Whoever sees a folder with a part of it sees the study; its "
    "lists and counts are of the parts that the viewer sees. Dates and times are those of the files, "
    "and null if missing or malformed. In a study that has a masked part, whatever identifies the "
    "patient is null for viewers without `seesPhi` there."
)
class DicomStudy(Node):
    id: strawberry.ID = resolved(dicom.id_of, "Opaque global ID, for use with `node`.")
    root_folder: StorageFolder | None = resolved(
        dicom.root_folder_of,
        "The root folder of the study's folders. Null if the viewer cannot see it.",
    )
    study_uid: str = column("The Study Instance UID (0020,000D).")
    download_url: SignedUrl | None = resolved(
        archives.study_archive_of,
        "A URL that downloads the files of the study's current instances that the viewer can see, as "
        "an archive with a directory for each series. It works for anyone who has it, "
        "with the rights that the viewer has then, and no longer than the API key that requested it. "
        "Refused without a credential. If null, see `downloadUrlUnavailableReason`.",
    )
    download_url_unavailable_reason: DownloadUnavailableReason | None = resolved(
        archives.study_reason_of, "The reason why `downloadUrl` is null; null if it is not."
    )
    patient_name: PersonName | None = resolved(
        dicom.patient_name_of, "The patient's name (0010,0010)."
    )
    patient_id: str | None = resolved(
        dicom.patient_id_of, "The Patient ID (0010,0020). Null if the patient is unknown."
    )
    patient_id_issuer: str | None = resolved(
        dicom.patient_id_issuer_of,
        "The Issuer of Patient ID (0010,0021). Null if the files name none.",
    )
    patient_birth_date: str | None = resolved(
        dicom.patient_birth_date_of,
        "The patient's date of birth (0010,0030), such as `1970-01-31`.",
    )
    patient_sex: str | None = resolved(
        dicom.patient_sex_of, "The patient's sex (0010,0040), such as `F`, `M` or `O`."
    )
    study_date: str | None = resolved(
        dicom.study_date_of, "The Study Date (0008,0020), such as `2026-01-31`."
    )
    study_time: str | None = resolved(
        dicom.study_time_of, "The Study Time (0008,0030), such as `13:05:59.25`."
    )
    accession_number: str | None = resolved(
        dicom.accession_number_of, "The Accession Number (0008,0050)."
    )
    study_id: str | None = resolved(dicom.study_id_of, "The Study ID (0020,0010).")
    description: str | None = resolved(dicom.description_of, "The Study Description (0008,1030).")
    modalities: list[str] = resolved(
        dicom_counts.modalities_of,
        "The modalities of the series, such as `CT`, in alphabetical order; at most one entry per "
        "series.",
    )
    referring_physician_name: PersonName | None = resolved(
        dicom.referring_physician_of, "The Referring Physician's Name (0008,0090)."
    )
    availability: DicomAvailability = resolved(
        dicom_counts.availability_of, "Whether the study is complete and its files can be read."
    )
    counts: DicomStudyCounts = resolved(
        dicom_counts.counts_of, "Numbers of the parts of the study that the viewer sees."
    )
    series: Connection[DicomSeries] = resolved(
        dicom_series.series_of_study,
        "The series that the viewer can see, by Series Number. A series in several folders is an "
        "entry for each.",
    )
    instances: Connection[DicomInstance] = resolved(
        dicom_instances.instances_of_study,
        "The instances that the viewer can see, by Instance Number, and in the order in which "
        "their files were added.",
    )
    attachments: StudyAttachmentConnection = resolved(
        dicom.attachments_of,
        "The items attached to the study that the viewer can see, the last attached first.",
    )
    latest_attachment: Item | None = resolved(
        dicom.latest_attachment_of, "The first of `attachments`; null if there are none."
    )
    tags: list[DicomTag] = resolved(
        dicom_tags.tags_of_study,
        "The tags that describe the patient and the study, one entry per element of the data set, "
        "in its order: those of the earliest instance that the viewer sees. Without identifying "
        "and private tags if any part of the study is in a masked folder where the viewer lacks "
        "`seesPhi`.",
    )
    tag: DicomTag | None = resolved(
        dicom_tags.tag_of_study,
        "The first of `tags` that has a name, with all its values. Null if there is none.",
    )
    phi: list[DicomTag] | None = resolved(
        dicom_tags.phi_of_study,
        "Those of `tags`, one entry per element, that identify the patient or other persons: all "
        "but UIDs that the Basic Profile of DICOM (PS3.15, Annex E) removes, empties or replaces. "
        "They have all their values. Null if the viewer may not see them, or if no file is read "
        "yet.",
    )
    dicom_json: list[JSON] = resolved(
        dicom_tags.json_of_study,
        "The tags of all instances that the viewer sees in the JSON model of DICOM (PS3.18, F.2), "
        "by series and Instance Number; at most 1,000, and for more the field fails with "
        "`LIMIT_EXCEEDED`. Large binary values, such as pixels, have only their `vr`.",
    )
    phi_version: int = column(
        "Number of times that patient and study attributes were set with `setDicomStudyPhi`."
    )
    conflicts: DicomStudyConflicts = resolved(
        dicom_conflicts.conflicts_of, "Values that differ although they should be the same."
    )
    viewer_role: StorageUserRole = resolved(
        dicom.viewer_role_on,
        "The viewer's role on the study: the weakest of those on the folders with its parts that "
        "the viewer sees.",
    )
    folders: Connection[StorageFolder] = resolved(
        dicom.folders_of, "The folders with parts of the study that the viewer can see, by name."
    )
    created_at: datetime = column("When the first file of the study was processed, in UTC.")
    last_edited_at: datetime = column("When the study last changed, in UTC.")


@row_type()
@strawberry.type(
    description="A series of a DICOM study as far as it lies in one folder. Where its files differ, "
    "it shows the value of the earliest that has one."
)
class DicomSeries(Node):
    id: strawberry.ID = resolved(dicom_series.id_of, "Opaque global ID, for use with `node`.")
    study: DicomStudy = resolved(dicom.study_by_uuid, "The study of the series.")
    series_uid: str = column("The Series Instance UID (0020,000E).")
    folder: StorageFolder = resolved(dicom_series.folder_of, "The folder with the files.")
    modality: str | None = column("The Modality (0008,0060), such as `CT`.")
    number: BigInt | None = column("The Series Number (0020,0011).")
    description: str | None = resolved(
        dicom_series.description_of, "The Series Description (0008,103E)."
    )
    body_part: str | None = column("The Body Part Examined (0018,0015).")
    conflicts: list[str] = resolved(
        dicom_conflicts.tags_of_series,
        "Tags of the attributes above of which the files have several values; at most 20. Empty in "
        "a study that is masked to the viewer.",
    )
    counts: DicomSeriesCounts = resolved(dicom_counts.counts_of_series, "Numbers of the instances.")
    instances: Connection[DicomInstance] = resolved(
        dicom_instances.instances_of_series,
        "The instances, by Instance Number, then by SOP Instance UID.",
    )
    tags: list[DicomTag] = resolved(
        dicom_tags.tags_of_series,
        "The tags that describe the series, its equipment and its frame of reference, one entry "
        "per element of the data set, in its order: those of the earliest instance. Without "
        "identifying and private tags if the folder is masked and the viewer lacks `seesPhi`.",
    )
    tag: DicomTag | None = resolved(
        dicom_tags.tag_of_series,
        "The first of `tags` that has a name, with all its values. Null if there is none.",
    )
    dicom_json: list[JSON] = resolved(
        dicom_tags.json_of_series,
        "The tags of all instances in the JSON model of DICOM (PS3.18, F.2), by Instance Number; "
        "at most 1,000, and for more the field fails with `LIMIT_EXCEEDED`. Large binary values, "
        "such as pixels, have only their `vr`.",
    )
    created_at: datetime = column("When the first file of the series was processed, in UTC.")
    last_edited_at: datetime = column("When the series last changed, in UTC.")


@row_type()
@strawberry.type(
    description="The DICOM object in an item's file. If a series in a folder has several files with "
    "the same SOP Instance UID, the newest is current, and the others are earlier versions."
)
class DicomInstance(Node):
    id: strawberry.ID = resolved(dicom_instances.id_of, "Opaque global ID, for use with `node`.")
    item: Annotated[DicomFileItem, strawberry.lazy("schema.item_types")] = resolved(
        dicom_instances.item_of, "The item with the file."
    )
    series: DicomSeries = resolved(dicom_instances.series_of, "The series of the instance.")
    sop_instance_uid: str = column("The SOP Instance UID (0008,0018).")
    sop_class: str | None = resolved(
        dicom_instances.sop_class_of,
        "The SOP Class UID (0008,0016), which tells the kind of object.",
    )
    version: str | None = resolved(
        dicom_instances.version_of,
        "The SHA-256 of the file as 64 hex digits, by which versions are told apart. Null if unknown.",
    )
    versions: list[DicomInstance] = resolved(
        dicom_instances.versions_of,
        "All versions of the instance in the series, this one included: the current one, then the "
        "others, the newest first; at most 100.",
    )
    is_current: bool = column(
        "Whether this is the version that counts. No version of which only tombstones are left does."
    )
    number: BigInt | None = column("The Instance Number (0020,0013).")
    frames: BigInt | None = column(
        "Number of frames. Null for objects without pixels, such as reports."
    )
    rows: BigInt | None = column("Height of the frames in pixels (0028,0010).")
    columns: BigInt | None = column("Width of the frames in pixels (0028,0011).")
    has_pixels: bool = column("Whether the object has pixel data.")
    transfer_syntax_uid: str | None = column(
        "The Transfer Syntax UID (0002,0010), which tells how pixels are encoded."
    )
    file_size: BigInt = column("Size of the file in bytes.")
    signed_url: SignedUrl | None = resolved(
        dicom_instances.signed_url_of_instance,
        "A URL for downloading the file, as `signedUrl` of the item; if null, the item has the reason.",
    )
    thumbnail: Thumbnail | None = resolved(
        dicom_instances.thumbnail_of_instance,
        "A small picture of the object, as `thumbnail` of the item; if null, the item has the reason.",
    )
    encapsulated_pdf_url: SignedUrl | None = resolved(
        dicom_encapsulated.pdf_url_of,
        "A URL of the PDF inside the file, which browsers show. Null if the file holds none or the "
        "viewer may not read it, and until it is extracted: that takes some seconds after an upload, "
        "and for a file in a bucket or at a public URL after the first request.",
    )
    encapsulated_video_url: SignedUrl | None = resolved(
        dicom_encapsulated.video_url_of,
        "A URL of the MPEG video inside the file, exactly as it is stored there: as MP4, or as an "
        "MPEG transport or program stream. Null in the same cases as `encapsulatedPdfUrl`.",
    )
    tags: list[DicomTag] = resolved(
        dicom_tags.tags_of_instance,
        "The tags of the file, one entry per element, in its order, without those of the file "
        "meta information. Empty until the file is read. Without identifying and private tags if "
        "the folder is masked and the viewer lacks `seesPhi`.",
    )
    tag: DicomTag | None = resolved(
        dicom_tags.tag_of_instance,
        "The first of `tags` that has a name, with all its values. Null if there is none.",
    )
    phi: list[DicomTag] | None = resolved(
        dicom_tags.phi_of_instance,
        "Those of `tags`, one entry per element, that describe the patient and the study and "
        "identify a person: all but UIDs that the Basic Profile of DICOM (PS3.15, Annex E) "
        "removes, empties or replaces. They have all their values. Null if the viewer may not see "
        "them, or if the file is not read yet.",
    )
    dicom_json: JSON | None = resolved(
        dicom_tags.json_of_instance,
        "The tags in the JSON model of DICOM (PS3.18, F.2). Large binary values, such as pixels, "
        "have only their `vr`. Null until the file is read.",
    )
    tags_complete: bool = resolved(
        dicom_tags.is_complete,
        "Whether the tags were read from the file. False if a client gave them, or until it is "
        "read.",
    )
    tag_errors: int = resolved(
        dicom_tags.errors,
        "Number of elements, and of texts, that could not be read in full.",
    )
    omitted_tags: list[str] = resolved(
        dicom_tags.omitted,
        "Tags that were left out, one entry per tag, as all together would have been larger than "
        "16 MB, or than 1 MB if a client gave them.",
    )
    character_sets: list[str] = resolved(
        dicom_tags.character_sets,
        "The Specific Character Set (0008,0005) of the file, one entry per value; that of `tags` "
        "is always UTF-8.",
    )
