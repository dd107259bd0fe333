# SPDX-License-Identifier: MIT
"""Survey the rows of a run while they are written to the tables, for the data card, the summary and the report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from plainfilm.findings import FindingCode
from plainfilm.options.counting import counted
from plainfilm.options.options import Options
from plainfilm.options.output import Layout
from plainfilm.output.card_content import CardSurvey
from plainfilm.output.imagefolder import ImagefolderSurvey
from plainfilm.output.tables import Rows
from plainfilm.records import Failure, Record

if TYPE_CHECKING:
    from plainfilm.report.report_survey import ReportSurvey


class RowSurvey:
    """Passes rows on to the tables, and surveys them. Each call of `records` or `failures` begins anew."""

    def __init__(self, rows: Rows, options: Options) -> None:
        self._rows = rows
        self._options = options.output
        self._is_predicted = options.output.layout is Layout.FOLDER and not options.data_set.split
        self._under_patient_paths = 0
        self._imagefolder = ImagefolderSurvey(options.output.table)
        self.card = CardSurvey()
        self._has_report = not options.run.no_report
        self.report: ReportSurvey | None = None
        """The survey for the report; None before the rows are read, and without a report."""

    def records(self) -> Iterator[Record]:
        """Yield the rows of the images."""
        self._under_patient_paths = 0
        self._imagefolder = ImagefolderSurvey(self._options.table)
        self.card = CardSurvey()
        report = self.report = self._new_report_survey()
        for record in self._rows.records():
            self._under_patient_paths += FindingCode.PATIENT_IN_PATH.value in record.findings.split(";")
            self._imagefolder.add(record)
            self.card.add(record)
            if report is not None:
                report.add(record)
            yield record

    def failures(self) -> Iterator[Failure]:
        """Yield the rows of the failures."""
        self.card.failures.clear()
        for failure in self._rows.failures():
            self.card.add_failure(failure)
            yield failure

    def _new_report_survey(self) -> ReportSurvey | None:
        if not self._has_report:
            return None
        # a run starts faster without the modules of the report
        from plainfilm.report.report_survey import ReportSurvey

        return ReportSurvey()

    def notes(self) -> Iterator[str]:
        """Yield the lines for the summary that follow from the rows."""
        if self._is_predicted:
            yield from self._imagefolder.notes(has_card=not self._options.no_card)
        if self._under_patient_paths:
            images = counted(self._under_patient_paths, "image lies", "images lie")
            yield f"{images} under paths that name the patient: OUT holds these names too"
