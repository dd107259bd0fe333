# SPDX-License-Identifier: MIT
"""The result of a survey of sources: plain values for JSON, and the options that suit the sources."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence

from plainfilm.conversion.source_survey import TABLES, SourceSurvey, SurveyCounts
from plainfilm.dicom.transfer_syntax import transfer_syntax_name
from plainfilm.options.selection import SelectionOptions
from plainfilm.pickling import dataclass
from plainfilm.sources.remote_file import public_text
from plainfilm.version import VERSION

_RADIOGRAPHS = ("CR", "DX", "IO", "MG", "PX", "RF", "RG", "XA")
"""The modalities of projection radiography (PS3.3 C.7.3.1.1.1)."""

OUT = "pictures"
"""The name of OUT in the command that is proposed."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What the sources hold, in numbers. No name, identifier, date or path of a patient is among them.

    seconds: the duration. interrupted: whether the survey was stopped before all files were counted.
    """

    counts: SurveyCounts
    selection: SelectionOptions
    seconds: float
    interrupted: bool = False

    def to_dict(self) -> dict[str, object]:
        """Return plain values for JSON. docs/survey.md describes them."""
        counts = self.counts
        return {
            "plainfilm": VERSION,
            "files": counts.files,
            "images": counts.images,
            "frames": counts.frames,
            "multi_frame": counts.multi_frame,
            "patients": len(counts.patients - {""}),
            "studies": len(counts.studies - {""}),
            "tables": {name: table_rows(counts.tables[name]) for name in TABLES},
            "transfer_syntax_names": {uid: transfer_syntax_name(uid) for uid in counts.tables["transfer_syntax"]},
            "skipped": _by_count(counts.skipped),
            "failed": _by_count(counts.failed),
            "seconds": round(self.seconds, 3),
            "interrupted": self.interrupted,
            "next_command": self.next_command(["SOURCE..."]) if counts.images else None,
        }

    def next_command(self, sources: Sequence[str]) -> str:
        """Return the command that converts the sources, as it is typed in a shell.

        If radiographs are mixed with images of other kinds, the command selects the radiographs.
        """
        words = [word if word == "SOURCE..." else shlex.quote(public_text(word)) for word in sources]
        modalities = sorted(set(self.counts.tables["modality"]) - {""})
        radiographs = [modality for modality in modalities if modality in _RADIOGRAPHS]
        options = []
        if self.selection.modality.words:
            options.append(f"--modality {shlex.quote(str(self.selection.modality))}")
        elif radiographs and len(radiographs) < len(modalities):
            options.append(f"--modality {','.join(radiographs)}")
        if self.selection.body_part.words:
            options.append(f"--body-part {shlex.quote(str(self.selection.body_part))}")
        options += [f"--where {shlex.quote(str(condition))}" for condition in self.selection.where.items]
        return " ".join(["plainfilm convert", *words, OUT, *options])


def survey_result(source_survey: SourceSurvey) -> Survey:
    """Return the result of a survey that has run."""
    return Survey(
        source_survey.counts, source_survey.options.selection, source_survey.seconds, source_survey.is_stopped
    )


def table_rows(table: Counter[str]) -> list[dict[str, object]]:
    """Return the rows of a table, the most frequent value first."""
    return [{"value": value, "images": images} for value, images in _by_count(table).items()]


def _by_count(table: Counter[str]) -> dict[str, int]:
    return dict(sorted(table.items(), key=lambda item: (-item[1], item[0])))
