# SPDX-License-Identifier: MIT
"""An open image, whose frames can be rendered, explained and described without reading or decoding them again."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Unpack, cast

import numpy as np

from plainfilm.api.arguments import check_one_image, frame_index, options_of, python_errors
from plainfilm.api.source import Image8, Image16, Source, open_source_instance, path_of
from plainfilm.conversion.presentation_index import presentation_of
from plainfilm.conversion.pseudonyms import Key, load_key
from plainfilm.conversion.rows import record_of, source_context
from plainfilm.dicom.instance import Instance
from plainfilm.errors import ClosedError, OptionsError
from plainfilm.options.encoding import ImageFormat
from plainfilm.options.keywords import ImageKeywords, OpenKeywords
from plainfilm.options.options import Options
from plainfilm.records import Record
from plainfilm.rendering.explanation import Explanation, explanation_of
from plainfilm.rendering.frame import PlannedFrame, RenderedFrame
from plainfilm.rendering.instance_survey import InstanceSurvey, cache_budget, survey_instance
from plainfilm.rendering.opened_instance import DecodedFrames, OpenedInstance, opened_instance, with_presentation
from plainfilm.rendering.pipeline import plan_frame, render_frame
from plainfilm.sources.naming_rules import frame_name
from plainfilm.sources.reference import Reference
from plainfilm.sources.walk import iterate_references

_MOST_VIEWS = 4
_NO_REFERENCE = Reference(Path(), "", "")


class ImageFile(AbstractContextManager["ImageFile"]):
    """An image that `plainfilm.open` has opened. It is a context manager, and threads may share it.

    Header and frames are read and decoded once, also for other options, as far as 256 MiB of decoded frames allow; a
    frame beyond that is decoded when it is used. The options of `open` apply to every call, and those of a call come
    before them. All methods raise ClosedError, which is a ValueError, after `close`.
    """

    def __init__(self, source: Source, options: Options) -> None:
        """Open a source; use `plainfilm.open`. Raises the errors that it describes."""
        self._path = path_of(source)
        self._options = options
        self._key: Key | None = None if options.run.key_file is None else load_key(options.run.key_file)
        self._lock = RLock()
        self._views: dict[Options, _View] = {}
        with ExitStack() as stack:
            instance = stack.enter_context(open_source_instance(source, options))
            self._instance: Instance | None = instance
            # also checks that Pixel Data hold the frames
            budget = cache_budget(opened_instance(instance, options))
            self._decoded = DecodedFrames(budget)
            self._view(options)
            self._stack = stack.pop_all()

    @property
    def frames(self) -> int:
        """The number of frames."""
        return self._open_instance().pixel.number_of_frames

    @property
    def is_closed(self) -> bool:
        """Whether the image has been closed."""
        return self._instance is None

    def render(self, frame: int = 1, **options: Unpack[ImageKeywords]) -> Image8 | Image16:
        """Render a frame, counted from 1, as `plainfilm.render` does. Returns a new array, which belongs to the caller.

        Raises the errors of `plainfilm.render`.
        """
        with python_errors(self._path), self._lock:
            view = self._view_of("render", options)
            return cast("Image8 | Image16", view.image(frame_index(frame, self.frames)))

    def explain(self, frame: int = 1, **options: Unpack[ImageKeywords]) -> Explanation:
        """Explain what `render` does with the same arguments, and why. Raises the same errors."""
        with python_errors(self._path), self._lock:
            view = self._view_of("explain", options)
            return explanation_of(view.opened.instance, view.planned(frame_index(frame, self.frames)))

    def record(self, frame: int = 1, **options: Unpack[ImageKeywords]) -> Record:
        """Return the row that a run would write for a frame. Raises the errors of `render`.

        `sha256` and `duplicate_of` are empty, because there is no image file; `source` and `file_name` too, unless the
        source is a path. The four keyed hashes are empty without `key_file`.
        """
        with python_errors(self._path), self._lock:
            view = self._view_of("record", options)
            index = frame_index(frame, self.frames)
            reference = self._reference()
            context = source_context(reference, view.opened.instance, self._key)
            name = frame_name(reference.name, index + 1, self.frames)
            return record_of(
                context, view.rendered(index), name + ImageFormat.PNG.suffix if reference.name else "", None
            )

    def close(self) -> None:
        """Close the file and release the frames. A second call does nothing."""
        with self._lock:
            self._instance = None
            self._views.clear()
            self._decoded = DecodedFrames(0)
            self._stack.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._instance is None else f"{self.frames} frame{'s' * (self.frames > 1)}"
        return f"<plainfilm.ImageFile: {state}>"

    def __reduce__(self) -> str:
        raise TypeError("an ImageFile cannot be pickled: open the source again in the other process")

    def _open_instance(self) -> Instance:
        if self._instance is None:
            raise ClosedError("the image file is closed: open it again")
        return self._instance

    def _reference(self) -> Reference:
        if self._path is None:
            return _NO_REFERENCE
        entry = next(iter(iterate_references([self._path], None)))
        return entry if isinstance(entry, Reference) else _NO_REFERENCE

    def _view_of(self, function: str, keywords: ImageKeywords) -> _View:
        """Return the view with the options of a call. Raises OptionsError and ClosedError."""
        self._open_instance()
        if not keywords:
            return self._view(self._options)
        options_of(function, keywords, ImageKeywords)
        if "max_pixels" in keywords:
            raise OptionsError("max_pixels decides whether the file is opened: give it to open()")
        return self._view(Options.of({**self._options.to_mapping(), **keywords}))

    def _view(self, options: Options) -> _View:
        view = self._views.pop(options, None)
        if view is None:
            check_one_image(options)
            opened = replace(opened_instance(self._open_instance(), options), decoded_frames=self._decoded)
            view = _View(with_presentation(opened, presentation_of(options)))
        self._views[options] = view
        if len(self._views) > _MOST_VIEWS:
            del self._views[next(iter(self._views))]
        return view


class _View:
    """An image with one set of options: its survey, and the frame that was used last."""

    def __init__(self, opened: OpenedInstance) -> None:
        self.opened = opened
        self._survey: InstanceSurvey | None = None
        self._planned: PlannedFrame | None = None
        self._rendered: RenderedFrame | None = None

    def planned(self, index: int) -> PlannedFrame:
        """Return the plan of a frame, from 0. Raises ConversionError."""
        if self._planned is None or self._planned.frame != index:
            if self._survey is None:
                self._survey = survey_instance(self.opened, ())
            self._rendered = None
            self._planned = plan_frame(self._survey, index)
        return self._planned

    def rendered(self, index: int) -> RenderedFrame:
        """Return the rendered frame without its image. Raises ConversionError."""
        self.planned(index)
        if self._rendered is None:
            self.image(index)
        assert self._rendered is not None
        return self._rendered

    def image(self, index: int) -> np.ndarray:
        """Return the image of a frame as an array of its own. Raises ConversionError."""
        planned = self.planned(index)
        rendered = render_frame(planned)
        self._rendered = replace(rendered, levels=np.empty(0))
        # a look may return the decoded samples themselves, which are used again
        image = rendered.image
        is_shared = np.may_share_memory(image, planned.loaded.decoded.samples)
        return image.copy() if is_shared else image


def open_image(source: Source, **options: Unpack[OpenKeywords]) -> ImageFile:
    """Open an image to render, explain or describe several of its frames: `with plainfilm.open("cine.dcm") as image:`.

    source: a path, the bytes of a file, a binary file, or a pydicom Dataset, which is not changed. Bytes and binary
        files are read at once; a large file stays open until the image is closed.
    options: the options of the command, with underscores in their names; `key_file` and `columns` apply to `record`.

    Raises ConversionError, whose `reason` is a code, if the source is no image that can be read, OptionsError if the
    options are wrong, and ArgumentTypeError, which is a TypeError, for a source of a wrong type or an unknown option.
    A file that cannot be opened is also a FileNotFoundError, PermissionError, IsADirectoryError or NotADirectoryError.
    """
    with python_errors(path_of(source)):
        return ImageFile(source, options_of("open", options, OpenKeywords))
