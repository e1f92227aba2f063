"""The operations in the schema that PostGraphile derives from our tables.

It checks neither credentials nor access, so it has less to do than the others.
"""

from tests.speed.operations import FIFTEEN, TWENTY

_LEAVES = """uuid name fileSize folderByFolderUuid { name }
    groupMembersByItemUuid { totalCount } dataRowsByItemUuid { totalCount }"""
_LISTED = "condition: {{isTombstone: false, isPlaceholder: false}}"
_ITEMS = f"itemsByFolderUuidList(first: {{first}}, orderBy: [NAME_KEY_ASC], {_LISTED})"


def _folder(fields: str) -> str:
    return f"($uuid: UUID!) {{ folderByUuid(uuid: $uuid) {{ uuid name {fields} }} }}"


DOCUMENTS = {
    "Q1": "query Q1" + _folder("description createdAt folderType"),
    "Q2": "query Q2" + _folder(f"{_ITEMS.format(first=100)} {{ {FIFTEEN} }}"),
    "Q3": f"""query Q3 {{ allFoldersList(first: 20, orderBy: [NAME_KEY_ASC], condition: {{parentUuid: null}}) {{
        uuid name foldersByParentUuidList(first: 10, orderBy: [NAME_KEY_ASC]) {{
            uuid name {_ITEMS.format(first=10)} {{ {_LEAVES} }} }} }} }}""",
    "Q4": "query Q4" + _folder(f"{_ITEMS.format(first=1000)} {{ {TWENTY} }}"),
}
