# SPDX-License-Identifier: MIT
"""Images of `--names uid` -> the names they get where several sources are of one SOP Instance.

All are kept. The source that sorts first has the plain name, every other `-` and the first digits of its own hash
behind it. Within a run a name is given in the order of arrival; at its end names are straightened, so that neither
workers nor interruptions decide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from plainfilm.conversion.job import StagedImage
from plainfilm.errors import OutputError
from plainfilm.ledger.ledger import Ledger
from plainfilm.output.folder import FolderOutput
from plainfilm.records import Record

_AT_A_TIME = 64
_DIGITS = 8
# the UID, the digits of the source, and what follows; other names have a folder in them
_NAME = re.compile(r"([0-9.]+)(-[0-9a-f]+)?((?:_f[0-9]{4,})?\.[a-z0-9]+)")


class UidNames:
    """Gives names by UID in one run. Every method raises StorageFullError and RunError where it cannot go on."""

    def __init__(self, sink: FolderOutput, ledger: Ledger) -> None:
        self._sink = sink
        self._ledger = ledger
        ledger.index_instances()

    def named(self, staged: Iterable[StagedImage]) -> list[StagedImage]:
        """Images that are about to be published, under names that no other source has."""
        stems: dict[str, dict[str, str]] = {}
        named = []
        for one in sorted(staged, key=lambda one: (one.record.source, one.record.frame)):
            record = one.record
            if _NAME.fullmatch(record.file_name):
                of_instance = stems.get(record.sop_instance)
                if of_instance is None:
                    of_instance = stems[record.sop_instance] = self._stems(record.sop_instance)
                plain = _stem_of(record.file_name)
                stem = of_instance.get(record.source) or _stem_beside(plain, record.source, of_instance.values())
                of_instance[record.source] = stem
                one = replace(one, record=_renamed(record, stem))
            named.append(one)
        return named

    def straighten(self, is_stopped: Callable[[], bool]) -> None:
        """Rename images until of each instance the source that sorts first has the plain name."""
        instances = iter(self._ledger.numbered_instances())
        while not is_stopped() and (part := list(islice(instances, _AT_A_TIME))):
            wanted = {instance: _stems_of(self._stems(instance)) for instance in part}
            held = {source: stem for instance in part for source, stem in self._stems(instance).items()}
            changed = {
                source: stem for stems in wanted.values() for source, stem in stems.items() if held[source] != stem
            }
            # the plain name has to be free before it is given away
            stuck = self._rename({source: stem for source, stem in changed.items() if "-" in stem})
            free = {instance for instance, stems in wanted.items() if not stuck & set(stems)}
            firsts = {source: stem for instance in free for source, stem in wanted[instance].items()}
            self._rename({source: stem for source, stem in firsts.items() if source in changed and "-" not in stem})

    def _stems(self, sop_instance: str) -> dict[str, str]:
        """The sources of an instance, each with the part of its names that its frames share."""
        names = self._ledger.of_instance(sop_instance)
        return {source: _held_stem(name) for source, name in names.items() if _NAME.fullmatch(name)}

    def _rename(self, stems: Mapping[str, str]) -> set[str]:
        """Give all images of these sources other names, and return the sources whose images could not be copied.

        Whenever it ends, each image has its file under the name in its row: a copy is there before the row says so,
        and the older file goes after that.
        """
        moves = {source: list(self._moves(source, stem)) for source, stem in stems.items()}
        self._ledger.intend(new.file_name for move in moves.values() for _, new in move)
        self._ledger.commit()
        stuck = {source for source, move in moves.items() if not self._copy(move)}
        gone = []
        for source, move in moves.items():
            if source not in stuck:
                self._ledger.rename(new for _, new in move)
                self._ledger.settle(new.file_name for _, new in move)
            gone += [new.file_name if source in stuck else old.file_name for old, new in move]
        self._ledger.intend(gone)
        self._ledger.commit()
        self._sink.remove(gone)
        self._ledger.settle(gone)
        self._ledger.commit()
        return stuck

    def _moves(self, source: str, stem: str) -> Iterator[tuple[Record, Record]]:
        for record in self._ledger.images_of(source):
            yield record, _renamed(record, stem)

    def _copy(self, move: Iterable[tuple[Record, Record]]) -> bool:
        """Whether all of these files are there under their new names too."""
        staged: dict[str, str] = {}
        for old, new in move:
            try:
                staged[self._sink.stage([(self._sink.out / old.file_name).read_bytes()])] = new.file_name
            except (OSError, OutputError):
                self._sink.discard(staged)
                return False
        return not self._sink.publish(staged)


def _stems_of(held: Mapping[str, str]) -> dict[str, str]:
    """The stems that the sources of one instance are to have, whoever came first."""
    first, *others = sorted(held)
    plain = held[first].partition("-")[0]
    stems = {first: plain}
    for source in others:
        stems[source] = _stem_beside(plain, source, stems.values())
    return stems


def _stem_beside(plain: str, source: str, held: Iterable[str]) -> str:
    """The plain stem where nobody of the same instance is there, else one of the source's own."""
    taken = set(held)
    if not taken:
        return plain
    short = f"{plain}-{source[:_DIGITS]}"
    return f"{plain}-{source}" if short in taken else short


def _parts(file_name: str) -> tuple[str, str, str]:
    found = _NAME.fullmatch(file_name)
    assert found is not None
    return found[1], found[2] or "", found[3]


def _stem_of(file_name: str) -> str:
    return _parts(file_name)[0]


def _held_stem(file_name: str) -> str:
    plain, own, _ = _parts(file_name)
    return plain + own


def _renamed(record: Record, stem: str) -> Record:
    return replace(record, file_name=stem + _parts(record.file_name)[2])
