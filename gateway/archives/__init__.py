"""Archives of folders, items, collections and DICOM studies, made as they are sent."""
