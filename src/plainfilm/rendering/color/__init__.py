# SPDX-License-Identifier: MIT
"""Colour samples in, RGB out; what is done to them on the way to the output range is planned in `plan`."""

from plainfilm.rendering.color.rgb import Rgb, to_rgb

__all__ = ["Rgb", "to_rgb"]
