# SPDX-License-Identifier: MIT
"""The version of plainfilm. The distribution reads it from here, because to ask the distribution takes 30 ms."""

VERSION = "0.1.0"
NOT_FOR_DIAGNOSIS = "not for diagnostic use"
