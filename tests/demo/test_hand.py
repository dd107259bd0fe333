# SPDX-License-Identifier: MIT
"""A hand has its bones at the right positions, for its side and its parameters."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from plainfilm.demo.detector import Collimation
from plainfilm.demo.exposure import AIR, Acquisition, Beam, expose
from plainfilm.demo.hand import Hand
from plainfilm.demo.noise import RandomStream
from plainfilm.demo.skeleton import Person, Pose, Side, place_bones

WIDE = Beam(collimation=Collimation(0.0))


def exposure(person: Person, seed: int = 1) -> np.ndarray:
    return expose(Acquisition(rows=512, columns=412, subject=(Hand(person, Pose(), seed),), beam=WIDE)).values / AIR


def names(person: Person) -> list[str]:
    return [bone.name for bone in place_bones(person, Pose(), RandomStream(1)).bones]


def test_a_hand_has_all_bones() -> None:
    bones = names(Person())
    assert sum("metacarpal" in name for name in bones) == 5
    assert sum("phalanx" in name for name in bones) == 14
    assert sum("sesamoid" in name for name in bones) == 3
    carpals = {"scaphoid", "lunate", "triquetrum", "pisiform", "trapezium", "trapezoid", "capitate", "hamate"}
    assert carpals | {"radius", "ulna"} <= set(bones)
    assert len(bones) == 5 + 14 + 3 + 8 + 2


def test_another_seed_gives_another_hand() -> None:
    smooth = [cv2.GaussianBlur(exposure(Person(), seed=seed), (0, 0), 2.0) for seed in (3, 4)]
    assert np.abs(smooth[0] - smooth[1]).max() > 0.1


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("rotation", [0.0, 12.0])
def test_finger_tips_lie_where_the_soft_tissue_ends(side: Side, rotation: float) -> None:
    """Soft tissue is just within a tip and air just beyond it; the thumb of a right hand is at the left."""
    hand = Hand(Person(side), Pose(rotation=rotation))
    exposed = expose(Acquisition(rows=512, columns=412, subject=(hand,), beam=WIDE))
    smooth = cv2.GaussianBlur(exposed.values.astype(np.float32) / AIR, (0, 0), 1.0)
    for finger in ("thumb", "index", "middle", "ring", "little"):
        tip = np.array(exposed.landmarks[f"{finger} tip"])
        joint = np.array(exposed.landmarks[f"{finger} ip" if finger == "thumb" else f"{finger} dip"])
        outward = (tip - joint) / np.linalg.norm(tip - joint)
        (column, row), (beyond_column, beyond_row) = (np.rint(tip + step * outward).astype(int) for step in (-5, 5))
        assert smooth[row, column] < 0.93 * smooth[beyond_row, beyond_column]
    thumb, little = exposed.landmarks["thumb tip"], exposed.landmarks["little tip"]
    assert (thumb[0] < little[0]) == (side is Side.RIGHT)


def test_joints_are_darker_than_the_bones_beside_them() -> None:
    exposed = expose(Acquisition(subject=(Hand(),), beam=replace(WIDE, photons=1e6)))
    for name in ("index pip", "middle pip", "ring pip", "middle dip"):
        column, row = (round(at) for at in exposed.landmarks[name])
        along_finger = exposed.values[row - 20 : row + 21, column - 1 : column + 2].mean(axis=1)
        assert along_finger[16:25].max() > 1.04 * np.median(along_finger)


def test_spread_moves_the_fingers_apart() -> None:
    def width(spread: float) -> float:
        subject = (Hand(Person(), Pose(spread)),)
        landmarks = expose(Acquisition(rows=256, columns=206, subject=subject)).landmarks
        return landmarks["little tip"][0] - landmarks["index tip"][0]

    assert width(1.6) > 1.25 * width(0.6)


def test_a_child_has_growth_plates_and_small_carpals() -> None:
    child = place_bones(Person(age=6.0), Pose(), RandomStream(1)).bones
    grown = place_bones(Person(), Pose(), RandomStream(1)).bones
    assert all(bone.gap > 0 for bone in child if "metacarpal" in bone.name)
    assert all(bone.gap == 0 for bone in grown)
    scale = {bone.name: bone.scale[0] for bone in child}
    assert scale["pisiform"] < 0.1 < scale["trapezoid"] < scale["capitate"] < 1
    assert not any("sesamoid" in bone.name for bone in child)


def test_a_fracture_and_a_ring_are_visible() -> None:
    plain, broken, ringed = (exposure(Person(fracture=f, ring=r)) for f, r in ((0, 0), (1, 0), (0, 1)))
    assert 100 < (np.abs(broken - plain) > 0.05).sum() < 4000
    assert (ringed < 0.08).sum() > 100 + (plain < 0.08).sum()
    assert names(Person(fracture=True)).count("little metacarpal") == 2
