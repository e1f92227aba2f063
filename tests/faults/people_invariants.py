"""What must be true of communities, their members and metrics, sessions and former places at rest."""

WRONG_PEOPLE_ROWS = {
    "community whose name is not that of its root folder": """
        SELECT communities.uuid FROM communities JOIN folders ON folders.uuid = folder_uuid
        WHERE folders.name <> communities.name OR folders.name_key <> communities.name_key
        OR parent_uuid IS NOT NULL""",
    "community whose groups lack their roles on its root folder": """
        SELECT uuid FROM communities WHERE 3 <> (
            SELECT COUNT(*) FROM folder_grants AS g WHERE g.folder_uuid = communities.folder_uuid AND (
                (g.group_uuid = admins_uuid AND g.role = 'ADMIN')
                OR (g.group_uuid = moderators_uuid AND g.role = 'USER')
                OR (g.group_uuid = members_uuid AND g.role = 'VIEWER')))""",
    "request of a member to join": """
        SELECT join_requests.uuid FROM join_requests JOIN communities ON communities.uuid = community_uuid
        JOIN memberships ON memberships.user_uuid = join_requests.user_uuid
        AND memberships.group_uuid IN (admins_uuid, moderators_uuid, members_uuid)""",
    "session whose key does not exist": """
        SELECT uuid FROM api_keys AS sessions WHERE parent_uuid IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM api_keys WHERE uuid = sessions.parent_uuid)""",
    "former place without a time": """
        SELECT folder_uuid, sequence FROM former_places WHERE sequence <= 0
        OR sequence > (SELECT value FROM sequences WHERE name = 'changes')""",
    "former place of another folder": """
        SELECT folder_uuid FROM former_places JOIN folders ON folders.uuid = folder_uuid
        WHERE SUBSTR(former_places.path, LENGTH(former_places.path) - 31)
        <> SUBSTR(folders.path, LENGTH(folders.path) - 31)""",
    "value of a metric in a submission of another community": """
        SELECT s.uuid FROM metric_scalars AS s JOIN metric_trends AS t ON t.uuid = s.trend_uuid
        JOIN metric_producers AS p ON p.uuid = t.producer_uuid
        JOIN metric_submissions AS m ON m.uuid = s.submission_uuid WHERE m.community_uuid <> p.community_uuid""",
    "link of a value of a metric that does not exist": """
        SELECT uuid FROM metric_links WHERE scalar_uuid NOT IN (SELECT uuid FROM metric_scalars)
        OR item_uuid NOT IN (SELECT uuid FROM items)""",
}
"""Rows that must not exist, by what each of them would be."""

PEOPLE_SEEDS = {
    "community whose name is not that of its root folder": "UPDATE communities SET name = 'x'",
    "community whose groups lack their roles on its root folder": "UPDATE folder_grants SET role = 'VIEWER'",
    "request of a member to join": """
        INSERT INTO join_requests (uuid, community_uuid, user_uuid, is_invitation, role, created_at)
        SELECT communities.uuid, communities.uuid, user_uuid, 1 = 0, 'VIEWER', '2026-01-01'
        FROM communities JOIN memberships ON group_uuid = admins_uuid LIMIT 1""",
    "session whose key does not exist": "UPDATE api_keys SET parent_uuid = user_uuid",
    "former place without a time": "UPDATE former_places SET sequence = sequence + 1000000",
    "former place of another folder": "UPDATE former_places SET path = path || '00000000000000000000000000000000'",
    "value of a metric in a submission of another community": """
        UPDATE metric_submissions SET community_uuid = user_uuid""",
    "link of a value of a metric that does not exist": "UPDATE metric_links SET scalar_uuid = item_uuid",
}
"""A statement for each, that makes a site violate it."""
