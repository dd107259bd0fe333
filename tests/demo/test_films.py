# SPDX-License-Identifier: MIT
"""The twelve films as a set, and each through the very command that users run: plainfilm shows what was intended."""

from __future__ import annotations

import io

import numpy as np
import pytest

import plainfilm
from plainfilm.demo.dataset import build_film
from plainfilm.demo.film import Film, intended_picture
from plainfilm.demo.films import films, fluoroscopy_film
from plainfilm.demo.habit import Burned, Curve, Photometric, SopClass, TransferSyntax, Voi


def test_there_are_twelve_numbered_in_order() -> None:
    assert [film.number for film in films()] == list(range(1, 13))
    assert [film.name[:3] for film in films()] == [f"{number:02d}-" for number in range(1, 13)]
    assert films() == films()


def test_names_are_safe_file_names() -> None:
    assert all(film.name.replace("-", "").isalnum() and film.name.isascii() for film in films())


def test_reasons_are_one_sentence_or_two_in_one_line() -> None:
    assert all(film.reason.endswith(".") and film.reason.isprintable() for film in films())


def test_no_two_films_have_the_same_subject() -> None:
    assert len({film.radiograph.subject for film in films()}) == 12
    assert {film.radiograph.laterality for film in films()} == {"L", "R", "B", "U"}


def test_the_twelve_cover_every_habit() -> None:
    habits = [film.habit for film in films()]
    assert {habit.photometric for habit in habits} == set(Photometric)
    assert {habit.sop_class for habit in habits} == set(SopClass) - {SopClass.RF}
    assert {habit.storage.transfer_syntax for habit in habits} == set(TransferSyntax)
    assert {habit.voi for habit in habits} == set(Voi)
    assert {habit.tone.curve for habit in habits if habit.tone is not None} == set(Curve)
    assert any(habit.storage.signed for habit in habits)
    assert any(habit.shutter for habit in habits)
    assert any(habit.storage.burned is Burned.HIGH_BITS for habit in habits)
    assert any(habit.rescale is not None and habit.padding is not None for habit in habits)
    assert [habit.hot_pixels for habit in habits] == [0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("film", films(), ids=lambda film: film.name)
def test_plainfilm_shows_the_intended_picture(film: Film) -> None:
    shown = plainfilm.render(build_film(film))
    assert np.abs(shown.astype(int) - intended_picture(film)).max() <= 1


def test_each_frame_of_a_sequence_is_as_intended() -> None:
    film, content = fluoroscopy_film(3), io.BytesIO()
    build_film(film).save_as(content, enforce_file_format=True)
    for frame in (1, 2, 3):
        shown = plainfilm.render(content.getvalue(), frame=frame)
        assert np.abs(shown.astype(int) - intended_picture(film, frame - 1)).max() <= 1
