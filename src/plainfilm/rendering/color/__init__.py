# SPDX-License-Identifier: MIT
"""Convert colour samples to RGB. The module `plan` describes the further steps to the output range."""

from plainfilm.rendering.color.rgb import Rgb, to_rgb

__all__ = ["Rgb", "to_rgb"]
