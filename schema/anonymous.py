"""Queries that viewers without a credential may send: each root field decides."""

from graphql import GraphQLSchema

from gateway.execution.anonymous import set_answers_anyone

ANSWERS_ANYONE: dict[str, bool] = {
    "viewer": False,
    "rateLimit": True,
    "node": True,
    "nodes": True,
    "resourceByPath": True,
    "search": True,
    "storageFolder": True,
    "storageFolders": True,
    "searchStorageFolders": True,
    "storageItem": True,
    "storageItems": True,
    "storageItemExists": True,
    "bitstream": True,
    "searchStorageItems": True,
    "searchStorageItemsAdvanced": True,
    "dicomStudy": True,
    "dicomStudies": True,
    "dicomInstances": True,
    "dicomIndexedTags": True,
    "uploadJob": False,
    "uploadJobs": False,
    "job": False,
    "jobs": False,
    "pendingUploads": False,
    "reencodeJob": False,
    "reencodeJobs": False,
    "cloudSyncJob": False,
    "dataset": False,
    "datasets": False,
    "community": True,
    "communities": True,
    "group": False,
    "groups": False,
    "users": False,
    "serverInfo": True,
    "user": False,
    "metricSubmission": True,
    "metadataSchema": True,
    "metadataVocabulary": True,
    "cloudIntegration": False,
    "cloudIntegrations": False,
    "organisationTags": True,
    "collection": True,
    "collections": True,
    "filterPreset": False,
    "filterPresets": False,
}
"""Whether each root field of queries answers viewers without a credential.

The rows that they get below it are those of the tables in `gateway/auth/anonymous.py`.
"""


def declare_open_fields(schema: GraphQLSchema) -> None:
    """Mark the root fields that need no credential; those that are missing here need one."""
    assert schema.query_type
    for name, field in schema.query_type.fields.items():
        if ANSWERS_ANYONE.get(name, False):
            set_answers_anyone(field)
