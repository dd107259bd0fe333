# SPDX-License-Identifier: MIT
"""A number and a seed -> one of a series of films: drawn hands are kept, noise and habit are each film's own.

A film depends on its number, the seed and the size of the detector alone, so that parts of a series can be made one
beside the other, in any order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from plainfilm.demo.dataset import write_film, write_truth
from plainfilm.demo.exposure import Beam, Radiograph
from plainfilm.demo.film import Film
from plainfilm.demo.films import films
from plainfilm.demo.hand import Hand
from plainfilm.demo.lead import Collimation, Marker
from plainfilm.demo.noise import Dice
from plainfilm.demo.phantoms import Phantom
from plainfilm.demo.skeleton import Person, Pose, Side

HANDS = 32


@dataclass(frozen=True, slots=True)
class Series:
    """Films that belong together: their seed, and the rows and columns of the detector."""

    seed: int = 1
    rows: int = 1024
    columns: int = 824

    def film(self, number: int) -> Film:
        """The film of a number, from 1: one of the hands, with noise of its own, stored by one of ten habits."""
        dice = Dice(self.seed, 6, number)
        radiograph = replace(_radiograph(self, dice.below(HANDS)), seed=number)
        patterns = [film for film in films() if not isinstance(film.radiograph.subject, Phantom)]
        pattern = patterns[dice.below(len(patterns))]
        name = f"{number:06d}-{pattern.name[3:]}"
        return Film(number, name, pattern.reason, radiograph, pattern.habit)


@cache
def _radiograph(series: Series, number: int) -> Radiograph:
    """One of the hands, exposed: either side, 4 to 80 years old, laid down and collimated as it happens."""
    dice = Dice(series.seed, 7, number)
    side = (Side.LEFT, Side.RIGHT)[dice.below(2)]
    age = round(dice.uniform(4.0, 17.0) if dice.below(3) == 0 else dice.uniform(17.0, 80.0), 1)
    size = round(min(0.52 + 0.028 * age, 1.0) * dice.uniform(0.93, 1.06), 3)
    person = Person(side, age, size, fracture=dice.below(8) == 0, ring=age > 20 and dice.below(5) == 0)
    pose = Pose(round(dice.uniform(0.4, 1.6), 2), round(dice.uniform(-8.0, 8.0), 1))
    marker = Marker(
        side.value,
        right=side is Side.RIGHT,
        mirrored=dice.below(6) == 0,
        ringed=dice.below(2) == 0,
        tilt=round(dice.uniform(-10.0, 10.0), 1),
    )
    collimation = Collimation(round(dice.uniform(3.0, 11.0), 1), round(dice.uniform(-3.0, 3.0), 1))
    beam = Beam(collimation, marker, wedge=dice.below(6) == 0, photons=round(dice.uniform(4e4, 2e5)))
    width = round(206.0 * size * max(1.0, 1.25 * series.columns / series.rows), 1)
    return Radiograph(series.rows, series.columns, width, (Hand(person, pose, 1000 + number),), beam)


def write_series(series: Series, numbers: range, folder: Path, truth: Path | None = None) -> Iterator[Path]:
    """Write the films of some numbers, and, where a folder is given for it, what is known of each; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        film = series.film(number)
        path = folder / f"{film.name}.dcm"
        write_film(film, path)
        if truth is not None:
            write_truth(film, truth)
        yield path
