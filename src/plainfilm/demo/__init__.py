# SPDX-License-Identifier: MIT
"""Draw synthetic radiographs for `plainfilm demo` and for tests, without data of patients."""
