"""DICOMweb (PS3.18): searches, metadata, retrieval and storage of DICOM objects over HTTP."""
