# SPDX-License-Identifier: MIT
"""Coverage-guided fuzzing of the reader and the decoders with atheris."""
