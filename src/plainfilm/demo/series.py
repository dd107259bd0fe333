# SPDX-License-Identifier: MIT
"""A series of any number of synthetic radiographs, each defined by a seed and a number.

A radiograph depends only on its number, the seed and the size of the detector, so that several processes can write
parts of a series in any order. A series has 32 hands, which are drawn once and reused; each radiograph has its own
noise and its own vendor profile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from plainfilm.demo.catalog import demo_radiographs
from plainfilm.demo.dataset import write_ground_truth, write_radiograph
from plainfilm.demo.detector import Collimation, Marker
from plainfilm.demo.exposure import Acquisition, Beam
from plainfilm.demo.hand import Hand
from plainfilm.demo.noise import RandomStream
from plainfilm.demo.phantoms import Phantom
from plainfilm.demo.radiograph import SyntheticRadiograph
from plainfilm.demo.skeleton import Person, Pose, Side
from plainfilm.pickling import dataclass

HANDS = 32


@dataclass(frozen=True, slots=True)
class RadiographSeries:
    """The seed of a series, and the rows and columns of its detector."""

    seed: int = 1
    rows: int = 1024
    columns: int = 824

    def radiograph(self, number: int) -> SyntheticRadiograph:
        """Return the radiograph of a number, from 1: one of the hands, its own noise, one of ten vendor profiles."""
        random = RandomStream(self.seed, 6, number)
        acquisition = replace(_acquisition(self, random.integer_below(HANDS)), seed=number)
        patterns = [pattern for pattern in demo_radiographs() if not isinstance(pattern.acquisition.subject, Phantom)]
        pattern = patterns[random.integer_below(len(patterns))]
        name = f"{number:06d}-{pattern.name[3:]}"
        return SyntheticRadiograph(number, name, pattern.reason, acquisition, pattern.vendor)


@cache
def _acquisition(series: RadiographSeries, number: int) -> Acquisition:
    """Return the acquisition of one of the hands: either side, 4 to 80 years old, random pose and collimation."""
    random = RandomStream(series.seed, 7, number)
    side = (Side.LEFT, Side.RIGHT)[random.integer_below(2)]
    age = round(random.uniform(4.0, 17.0) if random.integer_below(3) == 0 else random.uniform(17.0, 80.0), 1)
    size = round(min(0.52 + 0.028 * age, 1.0) * random.uniform(0.93, 1.06), 3)
    has_fracture = random.integer_below(8) == 0
    has_ring = age > 20 and random.integer_below(5) == 0
    person = Person(side, age, size, fracture=has_fracture, ring=has_ring)
    pose = Pose(round(random.uniform(0.4, 1.6), 2), round(random.uniform(-8.0, 8.0), 1))
    marker = Marker(
        side.value,
        right=side is Side.RIGHT,
        mirrored=random.integer_below(6) == 0,
        ringed=random.integer_below(2) == 0,
        tilt=round(random.uniform(-10.0, 10.0), 1),
    )
    collimation = Collimation(round(random.uniform(3.0, 11.0), 1), round(random.uniform(-3.0, 3.0), 1))
    beam = Beam(collimation, marker, wedge=random.integer_below(6) == 0, photons=round(random.uniform(4e4, 2e5)))
    width = round(206.0 * size * max(1.0, 1.25 * series.columns / series.rows), 1)
    return Acquisition(series.rows, series.columns, width, (Hand(person, pose, 1000 + number),), beam)


def write_series(
    series: RadiographSeries, numbers: range, folder: Path, truth_folder: Path | None = None
) -> Iterator[Path]:
    """Write the radiographs of some numbers; yield the path of each.

    truth_folder: where the ground truth of each radiograph is written; None for no ground truth. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        radiograph = series.radiograph(number)
        path = folder / f"{radiograph.name}.dcm"
        write_radiograph(radiograph, path)
        if truth_folder is not None:
            write_ground_truth(radiograph, truth_folder)
        yield path
