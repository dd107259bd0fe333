# SPDX-License-Identifier: MIT
"""One instance -> its images: decode, survey, plan, look up, transform. `pipeline.py` shows the steps in order."""
