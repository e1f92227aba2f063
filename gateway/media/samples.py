"""Small valid media files, generated from a seed for the demo, benchmarks and tests."""

import functools
import gzip
import io
import json
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, Literal, cast

import av
import numpy as np
import numpy.typing as npt
import pydicom
from nibabel.nifti1 import Nifti1Image
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

WORDS = (
    "bright",
    "small",
    "moving",
    "folder",
    "frame",
    "quiet",
    "slice",
    "signal",
    "early",
    "green",
    "vessel",
    "river",
)
VideoCodec = Literal["libvpx-vp9", "mpeg4"]
AudioCodec = Literal["libmp3lame", "flac", "pcm_s16le", "libopus"]
BITEXACT = {"fflags": "+bitexact"}
VIDEO_OPTIONS = {"flags": "+bitexact", "g": "12", "deadline": "realtime", "cpu-used": "8"}
"""The last two speed up VP9 several times; other encoders ignore them."""

_cached = functools.lru_cache(maxsize=512)


def disc_pixels(width: int, height: int, seed: int, step: int = 0) -> npt.NDArray[np.uint8]:
    """Return the RGB pixels of a disc on a gradient; `step` moves the disc from frame to frame."""
    near, far, disc = np.random.default_rng(seed).integers(0, 256, (3, 3))
    y, x = np.mgrid[0:height, 0:width]
    slope = ((x + y) / max(1, width + height - 2))[..., None]
    canvas = near + (far - near) * slope
    centre = width * (0.3 + 0.03 * (step + seed % 7)) % width
    inside = (x - centre) ** 2 + (y - height / 2) ** 2 < (min(width, height) / 4) ** 2
    return cast("npt.NDArray[np.uint8]", np.where(inside[..., None], disc, canvas).astype(np.uint8))


def disc_image(width: int, height: int, seed: int, step: int = 0) -> Image.Image:
    """Return a disc on a gradient as a Pillow image."""
    return Image.fromarray(disc_pixels(width, height, seed, step))


def encode_image(image: Image.Image, kind: str, **options: object) -> bytes:
    """Encode an image in the format that Pillow calls `kind`."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@_cached
def png(width: int = 64, height: int = 48, seed: int = 0) -> bytes:
    """Return a PNG."""
    return encode_image(disc_image(width, height, seed), "PNG")


@_cached
def jpeg(width: int = 64, height: int = 48, seed: int = 0) -> bytes:
    """Return a JPEG."""
    return encode_image(disc_image(width, height, seed), "JPEG", quality=85)


@_cached
def webp(width: int = 64, height: int = 48, seed: int = 0) -> bytes:
    """Return a lossy WebP."""
    return encode_image(disc_image(width, height, seed), "WEBP", quality=80)


@_cached
def tiff(width: int = 64, height: int = 48, seed: int = 0) -> bytes:
    """Return a deflated TIFF."""
    return encode_image(disc_image(width, height, seed), "TIFF", compression="tiff_adobe_deflate")


@_cached
def gif_animated(width: int = 64, height: int = 48, seed: int = 0, frames: int = 4) -> bytes:
    """Return a GIF of several frames, 100 ms each."""
    first, *rest = (disc_image(width, height, seed, step) for step in range(frames))
    return encode_image(first, "GIF", save_all=True, append_images=rest, duration=100, loop=0)


def encode_video(
    container: str,
    codec: VideoCodec,
    fps: int,
    size: tuple[int, int],
    frames: Iterable[npt.NDArray[np.uint8]],
) -> bytes:
    """Encode RGB frames of this width and height as a video without sound."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, container_options=BITEXACT) as output:
        stream = output.add_stream(codec, rate=fps, options=VIDEO_OPTIONS)
        stream.width, stream.height = size
        stream.pix_fmt, stream.thread_count = "yuv420p", 1
        for frame in frames:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        output.mux(stream.encode())
    return file.getvalue()


def disc_video(
    container: str, codec: VideoCodec, seconds: float, fps: int, size: tuple[int, int], seed: int
) -> bytes:
    """Return a video of a moving disc, without sound."""
    frames = (disc_pixels(*size, seed, step) for step in range(round(seconds * fps)))
    return encode_video(container, codec, fps, size, frames)


@_cached
def webm(
    seconds: float = 1.0, fps: int = 10, size: tuple[int, int] = (64, 48), seed: int = 0
) -> bytes:
    """Return a WebM video with VP9."""
    return disc_video("webm", "libvpx-vp9", seconds, fps, size, seed)


@_cached
def mp4(
    seconds: float = 1.0, fps: int = 10, size: tuple[int, int] = (64, 48), seed: int = 0
) -> bytes:
    """Return an MP4 video with MPEG-4 part 2."""
    return disc_video("mp4", "mpeg4", seconds, fps, size, seed)


def tone_frames(seconds: float, rate: int, channels: int, seed: int) -> Iterator[av.AudioFrame]:
    """Yield a quiet tone, whose pitch depends on the seed, as frames of 16-bit samples."""
    time = np.arange(round(seconds * rate)) / rate
    yield from audio_frames(
        (6000 * np.sin(2 * np.pi * (220 + seed % 660) * time)).astype(np.int16), rate, channels
    )


def audio_frames(wave: npt.NDArray[np.int16], rate: int, channels: int) -> Iterator[av.AudioFrame]:
    """Yield samples as frames, with the same samples on every channel."""
    for start in range(0, len(wave), 4096):
        block = np.repeat(wave[start : start + 4096], channels)[None, :]
        frame = av.AudioFrame.from_ndarray(
            block, format="s16", layout="stereo" if channels == 2 else "mono"
        )
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        yield frame


def tone_audio(
    container: str, codec: AudioCodec, seconds: float, rate: int, channels: int, seed: int
) -> bytes:
    """Return a tone in a container."""
    return encode_audio(
        container, codec, rate, channels, tone_frames(seconds, rate, channels, seed)
    )


def encode_audio(
    container: str, codec: AudioCodec, rate: int, channels: int, frames: Iterable[av.AudioFrame]
) -> bytes:
    """Encode frames of samples in a container."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, container_options=BITEXACT) as output:
        stream = output.add_stream(codec, rate=rate, options={"flags": "+bitexact"})
        stream.layout = "stereo" if channels == 2 else "mono"
        for frame in frames:
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return file.getvalue()


@_cached
def mp3(seconds: float = 1.0, rate: int = 44100, channels: int = 2, seed: int = 0) -> bytes:
    """Return an MP3."""
    return tone_audio("mp3", "libmp3lame", seconds, rate, channels, seed)


@_cached
def flac(seconds: float = 1.0, rate: int = 44100, channels: int = 2, seed: int = 0) -> bytes:
    """Return a FLAC with 16 bits."""
    return tone_audio("flac", "flac", seconds, rate, channels, seed)


@_cached
def wav(seconds: float = 1.0, rate: int = 16000, channels: int = 1, seed: int = 0) -> bytes:
    """Return a WAV with 16-bit PCM."""
    return tone_audio("wav", "pcm_s16le", seconds, rate, channels, seed)


@_cached
def ogg(seconds: float = 1.0, rate: int = 48000, channels: int = 2, seed: int = 0) -> bytes:
    """Return an Ogg with Opus."""
    return tone_audio("ogg", "libopus", seconds, rate, channels, seed)


def make_dicom_dataset(
    study: int, series: int, instance_number: int, seed: int, voxels: npt.NDArray[np.integer[Any]]
) -> FileDataset:
    """Return a secondary capture of voxels from 0 to 4095, in frames, rows and columns.

    The UIDs derive from the numbers of the study and of the series in it.
    """
    instance = generate_uid(
        entropy_srcs=["instance", *map(str, (study, series, instance_number, seed))]
    )
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = (
        SecondaryCaptureImageStorage,
        instance,
    )
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    file.SOPClassUID, file.SOPInstanceUID = SecondaryCaptureImageStorage, instance
    file.StudyInstanceUID = generate_uid(entropy_srcs=["study", str(study)])
    file.SeriesInstanceUID = generate_uid(entropy_srcs=["series", str(study), str(series)])
    file.PatientID, file.PatientName, file.Modality = f"P{study:05}", f"Sample^{study}", "OT"
    file.InstanceNumber, file.SamplesPerPixel = instance_number, 1
    file.NumberOfFrames, file.Rows, file.Columns = voxels.shape
    file.PhotometricInterpretation = "MONOCHROME2"
    file.BitsAllocated, file.BitsStored, file.HighBit, file.PixelRepresentation = 16, 12, 11, 0
    file.PixelData = voxels.astype("<u2").tobytes()
    return file


def dicom_bytes(dataset: FileDataset) -> bytes:
    """Return a DICOM data set as a part 10 file."""
    file = io.BytesIO()
    pydicom.dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


@_cached
def dicom_file(
    study: int = 1,
    series: int = 1,
    instance_number: int = 1,
    seed: int = 0,
    frames: int = 1,
    size: int = 32,
) -> bytes:
    """Return an uncompressed DICOM part 10 file with 12 of 16 bits."""
    noise = np.random.default_rng((seed, instance_number)).integers(0, 4096, (frames, size, size))
    return dicom_bytes(make_dicom_dataset(study, series, instance_number, seed, noise))


@_cached
def nifti(shape: tuple[int, ...] = (16, 12, 8), seed: int = 0, gz: bool = True) -> bytes:
    """Return a NIfTI-1 volume of 16-bit voxels, by default in gzip."""
    voxels = np.random.default_rng(seed).integers(0, 1000, shape).astype(np.int16)
    return nifti_bytes(voxels, gz)


def nifti_bytes(voxels: npt.NDArray[np.int16], gz: bool = True) -> bytes:
    """Return voxels of 1 mm as a NIfTI-1 volume, by default in gzip."""
    image: Any = Nifti1Image
    plain: bytes = image(voxels, np.eye(4)).to_bytes()  # Any: the library has no types
    return gzip.compress(plain, mtime=0) if gz else plain


def pdf_objects(pages: int, seed: int) -> Iterator[bytes]:
    """Yield the objects of a document: catalogue, page tree, font, then each page and its text."""
    kids = " ".join(f"{4 + 2 * page} 0 R" for page in range(pages))
    yield b"<< /Type /Catalog /Pages 2 0 R >>"
    yield f"<< /Type /Pages /Kids [{kids}] /Count {pages} /MediaBox [0 0 420 595] >>".encode()
    yield b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    for page in range(pages):
        words = f"BT /F1 18 Tf 40 540 Td ({sentence(seed, page)}) Tj ET".encode()
        resources = "/Resources << /Font << /F1 3 0 R >> >>"
        yield f"<< /Type /Page /Parent 2 0 R /Contents {5 + 2 * page} 0 R {resources} >>".encode()
        yield b"<< /Length %d >>\nstream\n%b\nendstream" % (len(words), words)


@_cached
def pdf(pages: int = 2, seed: int = 0) -> bytes:
    """Return a PDF of A5 pages with a sentence on each."""
    body, offsets = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, content in enumerate(pdf_objects(pages, seed), start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(offsets) + 1
    head = b"xref\n0 %d\n0000000000 65535 f \n%b" % (size, table)
    return (
        bytes(body)
        + head
        + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(body))
    )


def sentence(seed: int, line: int = 0) -> str:
    """Return a sentence of seven random words."""
    return " ".join(np.random.default_rng((seed, line)).choice(WORDS, 7)).capitalize() + "."


@_cached
def text(seed: int = 0, lines: int = 5) -> bytes:
    """Return plain text in UTF-8 with some letters beyond ASCII."""
    return "".join(f"{sentence(seed, line)} Größe {line} µm\n" for line in range(lines)).encode()


@_cached
def html(seed: int = 0) -> bytes:
    """Return an HTML page."""
    body = f"<h1>Sample {seed}</h1><p>{sentence(seed)}</p>"
    return f"<!DOCTYPE html>\n<html><body>{body}</body></html>\n".encode()


@_cached
def csv_text(seed: int = 0, rows: int = 5) -> bytes:
    """Return a CSV table with a header."""
    return "".join(
        ["number,note\n", *(f"{row},{sentence(seed, row)}\n" for row in range(rows))]
    ).encode()


@_cached
def json_text(seed: int = 0) -> bytes:
    """Return a JSON object."""
    return json.dumps(
        {"seed": seed, "lines": [sentence(seed, line) for line in range(3)]}, indent=1
    ).encode()


@_cached
def xml(seed: int = 0) -> bytes:
    """Return an XML document."""
    prolog = '<?xml version="1.0" encoding="UTF-8"?>'
    return f'{prolog}\n<note seed="{seed}">{sentence(seed)}</note>\n'.encode()
