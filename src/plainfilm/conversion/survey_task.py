# SPDX-License-Identifier: MIT
"""The task of a worker that surveys sources: read the headers of a batch of files, and report a few facts of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from plainfilm.conversion.failures import failure_of_error
from plainfilm.conversion.pseudonyms import Key
from plainfilm.conversion.rows import source_context
from plainfilm.conversion.selection import check_selection
from plainfilm.dicom.byte_source import ByteSource
from plainfilm.dicom.frames import locate_frames
from plainfilm.dicom.instance import Instance
from plainfilm.dicom.read import read_instance
from plainfilm.errors import ConversionError
from plainfilm.findings import Finding
from plainfilm.options.options import Options
from plainfilm.options.render import Polarity
from plainfilm.pickling import FastPickle, dataclass
from plainfilm.rendering.grayscale.polarity import decide_inversion
from plainfilm.sources.member_reader import open_reference
from plainfilm.sources.reference import Reference
from plainfilm.workers.messages import FrameSkipped, FrameStarted, Job, Report, TaskResult

# of a larger file only the parts that are used are read, so that films are surveyed without their pixels
_MOST_AT_ONCE = 64 * 1024
SURVEY_TASK = "plainfilm.conversion.survey_task:survey_batch"


@dataclass(frozen=True, slots=True)
class SurveyBatch(FastPickle):
    """Files to survey in one job, in which the number of a file takes the place of the number of a frame.

    key: a key of this survey alone, which is never written: patients and studies are only counted.
    """

    references: tuple[Reference, ...]
    options: Options
    key: Key


@dataclass(frozen=True, slots=True)
class ImageFacts(FastPickle):
    """What the survey counts of an image. patient, study: keyed hashes, empty where there is none."""

    patient: str
    study: str
    modality: str
    body_part: str
    manufacturer: str
    transfer_syntax: str
    size: tuple[int, int]
    frames: int
    bits_stored: int
    polarity: str
    voi: str
    findings: tuple[str, ...]


def survey_batch(job: Job, report: Callable[[Report], None]) -> bool:
    """Read the headers of a batch of files, whose payload is a SurveyBatch, and report ImageFacts or a Failure each."""
    batch = job.payload
    assert isinstance(batch, SurveyBatch)
    for number in range(job.first_frame, len(batch.references)):
        if number in job.skipped_frames:
            report(FrameSkipped(number))
            continue
        report(FrameStarted(number))
        reference = batch.references[number]
        try:
            with open_reference(reference, _MOST_AT_ONCE) as content:
                result: object = _facts_of(content, reference, batch)
        except ConversionError as error:
            result = failure_of_error(reference, None, error)
        report(TaskResult(result))
    return False


def _facts_of(content: ByteSource, reference: Reference, batch: SurveyBatch) -> ImageFacts:
    """Return the facts of an image. Raises ConversionError, also where Pixel Data cannot hold the frames."""
    options = batch.options
    check_selection(content, options, batch.key)
    instance = read_instance(content, options.limits.max_pixels)
    locate_frames(instance.pixel, instance.data, options.decoding.allow_truncated)
    source = source_context(reference, instance, batch.key)
    description, pixel = instance.description, instance.pixel
    return ImageFacts(
        patient=source.pseudonyms.patient,
        study=source.pseudonyms.study,
        modality=description.modality,
        body_part=description.body_part or next(iter(instance.region_terms), ""),
        manufacturer=description.manufacturer,
        transfer_syntax=instance.data.transfer_syntax,
        size=(pixel.columns, pixel.rows),
        frames=pixel.number_of_frames,
        bits_stored=pixel.bits_stored,
        polarity="color" if pixel.is_color else pixel.photometric_interpretation,
        voi=_voi_of(instance),
        findings=tuple(sorted({finding.code.value for finding in (*source.findings, *_header_findings(instance))})),
    )


def _header_findings(instance: Instance) -> Iterator[Finding]:
    """Yield the findings that the header alone decides."""
    yield from instance.findings
    for frame in instance.frames:
        yield from frame.findings
    if not instance.pixel.is_color:
        photometric, shape = instance.pixel.photometric_interpretation, instance.presentation_lut_shape
        yield from decide_inversion(photometric, shape, Polarity.AUTO)[1]


def _voi_of(instance: Instance) -> str:
    """Return which kinds of VOI the levels of the first frame have: `lut`, `window`, `lut and window`, or `none`."""
    levels = instance.frame_attributes(0).voi_levels
    kinds = {"lut": any(level.luts for level in levels), "window": any(level.windows for level in levels)}
    return " and ".join(kind for kind, is_there in kinds.items() if is_there) or "none"
