# SPDX-License-Identifier: MIT
"""Boxes to redact cover every pixel that they touch, and a list of boxes is read exactly or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plainfilm.errors import OptionsError
from plainfilm.options.options import Options
from plainfilm.options.privacy import NO_REDACTION_BOXES, RedactionBox, RedactionBoxes, parse_boxes
from plainfilm.options.redaction_list import Redactions, load_redactions

FIRST, SECOND = RedactionBox(1, 2, 3, 4), RedactionBox(5, 6, 7, 8)


@pytest.mark.parametrize(
    ("box", "covered"),
    [
        (RedactionBox(1, 2, 3, 4), (range(2, 6), range(1, 4))),
        (RedactionBox(-5, -1, 7, 2), (range(1), range(2))),
        (RedactionBox(6, 8, 100, 100), (range(8, 10), range(6, 8))),
        (RedactionBox(-1e300, -1e300, 2e300, 2e300), (range(10), range(8))),
        (RedactionBox(1.2, 2.9, 0.5, 0.5), (range(2, 4), range(1, 2))),
        (RedactionBox(8, 0, 5, 5), None),
        (RedactionBox(0, 10, 5, 5), None),
        (RedactionBox(-5, 0, 5, 5), None),
    ],
)
def test_a_box_covers_every_pixel_that_it_touches_and_no_other(
    box: RedactionBox, covered: tuple[range, range] | None
) -> None:
    found = box.within(10, 8)
    assert (found and tuple(range(part.start, part.stop) for part in found)) == covered


@pytest.mark.parametrize(
    ("value", "boxes"),
    [
        ("1,2,3,4", (FIRST,)),
        (" 1, 2 ,3,4 ; 5,6,7,8;", (FIRST, SECOND)),
        ((1, 2, 3, 4), (FIRST,)),
        ([(1, 2, 3, 4), [5, 6, 7, 8]], (FIRST, SECOND)),
        ("-1.5,0,2e1,4", (RedactionBox(-1.5, 0, 20, 4),)),
        ("", ()),
        ([], ()),
        (RedactionBoxes((FIRST,)), (FIRST,)),
    ],
)
def test_boxes_are_read_as_text_and_numbers_and_written_as_they_are_read(
    value: Any, boxes: tuple[RedactionBox, ...]
) -> None:
    parsed = parse_boxes(value)
    assert parsed == RedactionBoxes(boxes)
    assert parse_boxes(str(parsed)) == parsed


@pytest.mark.parametrize(
    "value", ["1,2,3", "1,2,3,4,5", "1,2,3,x", "1,2,0,4", "1,2,3,-4", "nan,2,3,4", "1,inf,3,4", "a", 7, [1, 2, 3]]
)
def test_an_invalid_box_is_refused(value: Any) -> None:
    with pytest.raises(OptionsError, match=r"^--redact: "):
        Options.of({"redact": value})


def listed(tmp_path: Path, text: str, encoding: str = "utf-8") -> Redactions:
    (tmp_path / "boxes.csv").write_text(text, encoding=encoding)
    return load_redactions(tmp_path / "boxes.csv")


def test_a_list_assigns_boxes_to_sources_and_frames(tmp_path: Path) -> None:
    found = listed(
        tmp_path,
        'why,source,frame,x,y,w,h\nname,"a, b/hand.dcm",,1,2,3,4\n,"a, b/hand.dcm",2.0,5,6,7,8\n,other,1,5.0,6,7,8\n',
    )
    boxes = found.of("a, b/hand.dcm")
    assert (boxes.of(0), boxes.of(1), boxes.of(2)) == ((FIRST,), (FIRST, SECOND), (FIRST,))
    assert found.of("other").of(0) == (SECOND,)
    assert found.of("hand.dcm") == NO_REDACTION_BOXES
    assert (boxes.beyond(2), boxes.beyond(1)) == (0, 1)


def test_the_column_frame_may_be_left_out(tmp_path: Path) -> None:
    assert listed(tmp_path, "source,x,y,w,h\na.dcm,1,2,3,4\n").of("a.dcm") == RedactionBoxes((FIRST,))


def test_a_source_matches_in_every_spelling_of_a_spreadsheet(tmp_path: Path) -> None:
    text = "source,x,y,w,h\r\n''=1/Mu\N{COMBINING DIAERESIS}ller.dcm,1,2,3,4\r\n"
    found = listed(tmp_path, text, encoding="utf-8-sig")
    assert found.of("'=1/M\N{LATIN SMALL LETTER U WITH DIAERESIS}ller.dcm") == RedactionBoxes((FIRST,))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column source, x, y, w, h"),
        ("source,x,y,w\n", "no column h"),
        ("source,x,y,w,h\na,1,2,3\n", "line 2: a box is four numbers"),
        ("source,x,y,w,h\na,1,2,3,4\nb,1,2,,4\n", "line 3: a box is four numbers"),
        ("source,x,y,w,h\na,1,2,0,4\n", "line 2: a box X,Y,W,H needs"),
        ("source,frame,x,y,w,h\na,0,1,2,3,4\n", "line 2: frame is a whole number from 1"),
        ("source,frame,x,y,w,h\na,1.5,1,2,3,4\n", "line 2: frame"),
        ("source,frame,x,y,w,h\na,inf,1,2,3,4\n", "line 2: frame"),
        ("source,frame,x,y,w,h\na,all,1,2,3,4\n", "line 2: frame"),
        ('source,x,y,w,h\n"a,1,2,3,4\n', "not a valid CSV"),
        ("source,x,x,y,w,h\na,1,2,3,4,5\n", "has the column x more than once"),
        ("why,source,x,y,w,h,why\nb,a,1,2,3,4,c\n", "has the column why more than once"),
        ("source,x,y,w,h,Frame\na,1,2,3,4,2\n", "a column 'Frame': write frame"),
        ("source,x,y,w,h\na,1,2,3,4\na,1,2,3,4,5\n", "line 3: the row has more cells than the header"),
        ("source,x,y,w,h\na, b,1,2,3,4\n", "line 2: the row has more cells"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match=f"--redact-from.*{said}"):
        listed(tmp_path, text)


def test_a_missing_or_binary_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "missing.csv", tmp_path, tmp_path / "binary"):
        with pytest.raises(OptionsError, match="cannot be read"):
            load_redactions(path)


def test_lines_that_match_no_source_are_reported(tmp_path: Path) -> None:
    found = listed(tmp_path, "source,x,y,w,h\n" + "".join(f"{name},1,2,3,4\n" for name in "abcabcde"))
    assert found.unmatched({"b", "c"}) == (2, 5, 8, 9)
    assert found.note({"b", "c"}).startswith("4 rows of --redact-from name no source of this run (lines 2, 5, 8, 9)")
    assert "lines 2, 3, 4, 5, 6, ...)" in found.note(set())
    assert found.note(set("abcde")) == ""
    assert load_redactions(None).note(set()) == ""


def test_a_fingerprint_depends_on_the_boxes_and_not_on_the_order_of_sources(tmp_path: Path) -> None:
    text = "source,frame,x,y,w,h\n"
    one = listed(tmp_path, f"{text}a,,1,2,3,4\nb,,5,6,7,8\n").fingerprint
    assert one == listed(tmp_path, f"{text}b,,5,6,7,8\na,,1,2,3,4\n").fingerprint
    assert one != listed(tmp_path, f"{text}a,1,1,2,3,4\nb,,5,6,7,8\n").fingerprint
    assert load_redactions(None).fingerprint == ""
