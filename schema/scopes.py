"""The scope that each operation needs: one for each root field, and those of what it leads to.

Each root field has an entry here, by which its description names the scope. Fields of objects need
the scope to read these, wherever they are selected, also in the payloads of mutations; their ids do
not, so that a credential that may only write learns what it has made.
"""

from graphql import (
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
)

from gateway.execution.scopes import scope_of, set_scope
from gateway.kinds.enums import ApiKeyScope
from resolvers.nodes import object_scope

(
    READ_USER_INFO,
    WRITE_USER_INFO,
    READ_DATA,
    WRITE_DATA,
    ADMIN_DATA,
    READ_GROUPS,
    MANAGE_GROUPS,
) = ApiKeyScope

ROOT_FIELDS: dict[str, ApiKeyScope | None] = {
    "viewer": READ_USER_INFO,
    "rateLimit": None,
    "serverInfo": None,
    "node": None,
    "nodes": None,
    "resourceByPath": READ_DATA,
    "storageItemExists": READ_DATA,
    "storageFolder": READ_DATA,
    "storageFolders": READ_DATA,
    "searchStorageFolders": READ_DATA,
    "storageItem": READ_DATA,
    "storageItems": READ_DATA,
    "bitstream": READ_DATA,
    "searchStorageItems": READ_DATA,
    "searchStorageItemsAdvanced": READ_DATA,
    "search": READ_DATA,
    "dicomStudy": READ_DATA,
    "dicomStudies": READ_DATA,
    "dicomInstances": READ_DATA,
    "dicomIndexedTags": READ_DATA,
    "uploadJob": READ_DATA,
    "uploadJobs": READ_DATA,
    "job": READ_DATA,
    "jobs": READ_DATA,
    "pendingUploads": READ_DATA,
    "reencodeJob": READ_DATA,
    "reencodeJobs": READ_DATA,
    "cloudSyncJob": READ_DATA,
    "dataset": READ_DATA,
    "datasets": READ_DATA,
    "metricSubmission": READ_DATA,
    "community": READ_DATA,
    "communities": READ_DATA,
    "group": READ_GROUPS,
    "groups": READ_GROUPS,
    "users": READ_USER_INFO,
    "user": READ_USER_INFO,
    "metadataSchema": READ_DATA,
    "metadataVocabulary": READ_DATA,
    "cloudIntegration": READ_DATA,
    "cloudIntegrations": READ_DATA,
    "organisationTags": READ_DATA,
    "collection": READ_DATA,
    "collections": READ_DATA,
    "filterPreset": READ_DATA,
    "filterPresets": READ_DATA,
    "jobsUpdated": READ_DATA,
    "uploadJobUpdated": READ_DATA,
    "cloudSyncJobUpdated": READ_DATA,
    "storageChanged": READ_DATA,
    "dicomStudyReady": READ_DATA,
    "reencodeJobUpdated": READ_DATA,
    "createStorageFolder": WRITE_DATA,
    "createStorageFolders": WRITE_DATA,
    "updateStorageFolder": WRITE_DATA,
    "updateStorageFolders": WRITE_DATA,
    "moveStorageFolders": ADMIN_DATA,
    "deleteStorageFolder": ADMIN_DATA,
    "setStorageFolderVisibility": ADMIN_DATA,
    "createStorageItem": WRITE_DATA,
    "createLinkItem": WRITE_DATA,
    "updateBitstream": WRITE_DATA,
    "setThumbnail": WRITE_DATA,
    "deleteBitstreams": ADMIN_DATA,
    "restoreItemRevision": WRITE_DATA,
    "deleteItemRevisions": ADMIN_DATA,
    "updateStorageItem": WRITE_DATA,
    "updateStorageItems": WRITE_DATA,
    "setStorageItemMetadata": WRITE_DATA,
    "deleteStorageItemMetadata": ADMIN_DATA,
    "clearStorageItemMetadata": ADMIN_DATA,
    "moveStorageItems": ADMIN_DATA,
    "deleteStorageItems": ADMIN_DATA,
    "duplicateStorageItem": WRITE_DATA,
    "copyStorageItems": WRITE_DATA,
    "copyStorageFolder": WRITE_DATA,
    "shareStorageItems": ADMIN_DATA,
    "unshareStorageItems": ADMIN_DATA,
    "deleteDicomStudy": ADMIN_DATA,
    "deleteDicomInstances": ADMIN_DATA,
    "addStudyAttachment": WRITE_DATA,
    "deleteStudyAttachment": ADMIN_DATA,
    "setDicomStudyPhi": ADMIN_DATA,
    "clearDicomStudyCache": WRITE_DATA,
    "extractDicomMetadata": WRITE_DATA,
    "splitDicomStudy": ADMIN_DATA,
    "mergeDicomStudies": ADMIN_DATA,
    "cloneDicomStudy": WRITE_DATA,
    "anonymizeDicomStudies": WRITE_DATA,
    "createDataGroups": WRITE_DATA,
    "importTree": WRITE_DATA,
    "requestUploadUrls": WRITE_DATA,
    "renewUploadUrls": WRITE_DATA,
    "signUploadParts": WRITE_DATA,
    "completeUploadParts": WRITE_DATA,
    "abortUploads": WRITE_DATA,
    "startUploadJob": WRITE_DATA,
    "cancelJob": WRITE_DATA,
    "cancelUploadJob": WRITE_DATA,
    "startVideoReencode": WRITE_DATA,
    "cancelVideoReencode": WRITE_DATA,
    "startCloudFolderSync": WRITE_DATA,
    "cancelCloudFolderSync": WRITE_DATA,
    "setFolderMetadataIngestion": WRITE_DATA,
    "setFolderAutoSync": WRITE_DATA,
    "createDataset": WRITE_DATA,
    "updateDataset": WRITE_DATA,
    "deleteDataset": ADMIN_DATA,
    "linkItemsToDataset": WRITE_DATA,
    "unlinkItemsFromDataset": WRITE_DATA,
    "setStorageFolderAccess": ADMIN_DATA,
    "addStorageFolderGroups": ADMIN_DATA,
    "removeStorageFolderGroups": ADMIN_DATA,
    "addDatasetGroups": ADMIN_DATA,
    "removeDatasetGroups": ADMIN_DATA,
    "addMetricScalars": WRITE_DATA,
    "importMetricResults": WRITE_DATA,
    "linkItemToMetric": WRITE_DATA,
    "upsertCommunity": ADMIN_DATA,
    "deleteCommunity": ADMIN_DATA,
    "joinCommunity": MANAGE_GROUPS,
    "leaveCommunity": MANAGE_GROUPS,
    "inviteToCommunity": MANAGE_GROUPS,
    "answerJoinRequest": MANAGE_GROUPS,
    "setCommunityMembers": MANAGE_GROUPS,
    "createUser": WRITE_USER_INFO,
    "updateUser": WRITE_USER_INFO,
    "createGroup": MANAGE_GROUPS,
    "updateGroup": MANAGE_GROUPS,
    "deleteGroup": MANAGE_GROUPS,
    "addGroupUsers": MANAGE_GROUPS,
    "removeGroupUsers": MANAGE_GROUPS,
    "createApiKey": WRITE_USER_INFO,
    "revokeApiKey": WRITE_USER_INFO,
    "rotateApiKey": WRITE_USER_INFO,
    "createSession": None,
    "enrolOneTimePassword": WRITE_USER_INFO,
    "confirmOneTimePassword": WRITE_USER_INFO,
    "resetOneTimePassword": WRITE_USER_INFO,
    "addDicomIndexedTag": ADMIN_DATA,
    "removeDicomIndexedTag": ADMIN_DATA,
    "setMetadataSchemaField": ADMIN_DATA,
    "deleteMetadataSchemaField": ADMIN_DATA,
    "restoreMetadataSchemaField": ADMIN_DATA,
    "migrateStorageItems": ADMIN_DATA,
    "createCloudIntegration": ADMIN_DATA,
    "updateCloudIntegration": ADMIN_DATA,
    "verifyCloudIntegration": ADMIN_DATA,
    "deleteCloudIntegration": ADMIN_DATA,
    "addCloudIntegrationGroups": ADMIN_DATA,
    "removeCloudIntegrationGroups": ADMIN_DATA,
    "createOrganisationTag": WRITE_DATA,
    "deleteOrganisationTag": ADMIN_DATA,
    "addStorageFolderTags": WRITE_DATA,
    "removeStorageFolderTags": WRITE_DATA,
    "createCollection": WRITE_DATA,
    "updateCollection": WRITE_DATA,
    "deleteCollection": ADMIN_DATA,
    "addCollectionItems": WRITE_DATA,
    "removeCollectionItems": WRITE_DATA,
    "addCollectionItemsByTitle": WRITE_DATA,
    "addCollectionPresetItems": WRITE_DATA,
    "removeCollectionPresetItems": WRITE_DATA,
    "createFilterPreset": WRITE_DATA,
    "deleteFilterPreset": ADMIN_DATA,
    "addDatasetUsers": ADMIN_DATA,
    "removeDatasetUsers": ADMIN_DATA,
}
"""The scope of each root field; None if any credential may select it."""

OPENS_SESSIONS = "createSession"
"""The root field that keys may select which require a one-time password."""

_OPEN_FIELDS = {"id", "uuid"}
"""Fields of objects that need no scope."""
_OPEN_FIELDS_OF = {"User": {"name"}}
"""More of them, by type: whoever sees an object learns who has made it."""
_PAGES = {"Connection": "nodes", "Edge": "node"}
"""The field of the types around an object, by the end of their names."""


def declare_scopes(schema: GraphQLSchema) -> None:
    """Set the scope of each field, and name it in the description of each root field."""
    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    fields = {name: field for root in roots if root for name, field in root.fields.items()}
    for name, field in fields.items():
        scope = ROOT_FIELDS.get(name, ADMIN_DATA)  # what a test reports if it is missing
        if name != OPENS_SESSIONS:
            set_scope(field, scope)
        sentence = f"`{scope}`" if scope else "none"
        field.description = f"{field.description}\n\nScope: {sentence}."
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) and type_ not in roots:
            _declare_scopes_of(type_)


def _declare_scopes_of(type_: GraphQLObjectType | GraphQLInterfaceType) -> None:
    scope = scope_of_object(type_)
    open_fields = _OPEN_FIELDS | _OPEN_FIELDS_OF.get(type_.name, set())
    for name, field in type_.fields.items():
        if scope and name not in open_fields and not scope_of(field):
            set_scope(field, scope)


def scope_of_object(type_: GraphQLNamedType) -> ApiKeyScope | None:
    """Return the scope to read an object of a type, or a page of such; None if there is none."""
    if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        return None
    for ending, member in _PAGES.items():
        if type_.name.endswith(ending) and member in type_.fields:
            return scope_of_object(get_named_type(type_.fields[member].type))
    is_node = any(each.name == "Node" for each in type_.interfaces)
    return object_scope(type_.name) if is_node else None
