"""What data groups, time series and their display settings are in the small site."""

LAYOUT = {
    "layout_type": "CUSTOM",
    "layout": {"tile": {"key": "k0"}},
    "timeline": ["k1"],
    "fixed_layout": True,
    "tile_settings": [{"key": "k0", "title": None, "is_read_only": False}],
    "has_multilayer_labels": None,
}
SERIES = {
    "columns": [{"name": "t", "kind": "TIME"}, {"name": "v", "kind": "NUMBER"}],
    "row_count": 2,
    "start": 0.0,
    "end": 86400.5,
    "is_dated": True,
}
CHANNEL = {"label": None, "color": "#fff", "hidden": False}
SETTINGS = {
    "channels": [
        {**CHANNEL, "header": "v", "style": "LINE", "line_width": 1.5},
        {**CHANNEL, "header": "w", "style": "POINTS", "point_radius": 2.0},
    ]
}
