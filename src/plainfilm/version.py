# SPDX-License-Identifier: MIT
"""The version of plainfilm, from its own distribution."""

from importlib.metadata import version

VERSION = version("plainfilm")
NOT_FOR_DIAGNOSIS = "not for diagnostic use"
