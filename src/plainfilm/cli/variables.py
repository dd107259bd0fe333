# SPDX-License-Identifier: MIT
"""Warn of variables of the environment that look like options and are none."""

from __future__ import annotations

import re
from collections.abc import Mapping

from plainfilm.cli.output import print_message
from plainfilm.options.field import ENVIRONMENT_PREFIX
from plainfilm.options.options import Options
from plainfilm.options.suggestion import did_you_mean

# Kubernetes describes each service of a namespace in variables with the name of the service: plainfilm, plainfilm-web
_KUBERNETES = re.compile(
    r"(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)
_TEST_PREFIX = "TEST_"


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """A warning for each variable `PLAINFILM_...` that is no option; those of tests and of Kubernetes are left out."""
    known = {option.variable for option in Options.declared()}
    return [
        f"the variable {name} of the environment is not known and has no effect{did_you_mean(name, known)}"
        for name in sorted(environment)
        if name.startswith(ENVIRONMENT_PREFIX) and name not in known and not _is_foreign(name)
    ]


def warn_of_unknown_variables(environment: Mapping[str, str]) -> None:
    """Print the warnings of `unknown_variables`."""
    for warning in unknown_variables(environment):
        print_message(f"plainfilm: {warning}")


def _is_foreign(variable: str) -> bool:
    name = variable.removeprefix(ENVIRONMENT_PREFIX)
    return name.startswith(_TEST_PREFIX) or _KUBERNETES.fullmatch(name) is not None
