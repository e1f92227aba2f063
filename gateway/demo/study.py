"""The DICOM study of the demo: a head phantom as an axial series and a scout image."""

import numpy as np
from pydicom.dataset import FileDataset
from pydicom.uid import CTImageStorage

from gateway.demo.phantom import Voxels, head
from gateway.media import samples

SLICES = 24
_SIZE, _THICKNESS = 128, 7.0
"""Pixels of a slice in each direction; millimetres between slices."""


def axial_slice(number: int) -> bytes:
    """Return a slice of the axial series, counted from 0."""
    dataset = _image(2, number + 1, head(_SIZE, SLICES)[number : number + 1])
    dataset.SeriesDescription, dataset.ImageType = "Axial", ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.ImagePositionPatient = [-_SIZE / 2, -_SIZE / 2, number * _THICKNESS]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.SliceThickness = dataset.SpacingBetweenSlices = _THICKNESS
    return samples.dicom_bytes(dataset)


def scout() -> bytes:
    """Return the scout image: the head from the side, as far as its densities add up."""
    voxels = head(_SIZE, SLICES)
    side = np.repeat(voxels[::-1].mean(axis=2), _SIZE // SLICES, axis=0)
    dataset = _image(1, 1, side[np.newaxis].astype(np.int16))
    dataset.SeriesDescription, dataset.ImageType = "Scout", ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    return samples.dicom_bytes(dataset)


def _image(series: int, number: int, voxels: Voxels) -> FileDataset:
    dataset = samples.make_dicom_dataset(1, series, number, 0, voxels)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.PatientName, dataset.PatientID = "Phantom^Head", "PHANTOM-1"
    dataset.PatientBirthDate, dataset.PatientSex = "19740601", "O"
    dataset.StudyDate, dataset.StudyTime = "20260105", "093000"
    dataset.AccessionNumber, dataset.StudyID = "D0001", "1"
    dataset.StudyDescription, dataset.ReferringPhysicianName = "Head phantom", "Logan^Benjamin"
    dataset.Modality, dataset.BodyPartExamined, dataset.SeriesNumber = "CT", "HEAD", series
    dataset.PatientPosition, dataset.BurnedInAnnotation = "HFS", "NO"
    dataset.PixelSpacing, dataset.FrameOfReferenceUID = [1, 1], dataset.StudyInstanceUID
    dataset.WindowCenter, dataset.WindowWidth = 1_100, 2_200
    return dataset
