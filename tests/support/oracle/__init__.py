# SPDX-License-Identifier: MIT
"""An independent implementation of the rendering contract, which shares no code with plainfilm."""
