"""Pure functions over DICOM documents and bytes."""
