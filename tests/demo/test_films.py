# SPDX-License-Identifier: MIT
"""The eight films as a set."""

from __future__ import annotations

from plainfilm.demo.films import films
from plainfilm.demo.habit import Curve, Photometric, SopClass, TransferSyntax, Voi
from plainfilm.demo.hand import Side


def test_there_are_eight_numbered_in_order() -> None:
    assert [film.number for film in films()] == list(range(1, 9))
    assert [film.name[:3] for film in films()] == [f"{number:02d}-" for number in range(1, 9)]
    assert films() == films()


def test_names_are_safe_file_names() -> None:
    assert all(film.name.replace("-", "").isalnum() and film.name.isascii() for film in films())


def test_reasons_are_one_sentence_or_two_in_one_line() -> None:
    assert all(film.reason.endswith(".") and film.reason.isprintable() for film in films())


def test_no_two_hands_are_the_same() -> None:
    assert len({film.hand.seed for film in films()}) == 8
    assert {film.hand.side for film in films()} == set(Side)


def test_the_eight_cover_every_habit() -> None:
    habits = [film.habit for film in films()]
    assert {habit.photometric for habit in habits} == set(Photometric)
    assert {habit.sop_class for habit in habits} == set(SopClass)
    assert {habit.transfer_syntax for habit in habits} == set(TransferSyntax)
    assert {habit.voi for habit in habits} == set(Voi)
    assert {habit.tone.curve for habit in habits if habit.tone is not None} == set(Curve)
    assert any(habit.signed for habit in habits)
    assert any(habit.rescale is not None and habit.padding is not None for habit in habits)
    assert [habit.hot_pixels for habit in habits] == [0, 0, 0, 0, 0, 0, 5, 0]
