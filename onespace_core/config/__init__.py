# SPDX-License-Identifier: Apache-2.0
"""Configuration: what an operator writes, and what the program reads.

:func:`load` turns a file into a :class:`Config`. Values are frozen; every
problem of the file is collected, and one bad mapping never harms another.
"""

from onespace_core.config.loader import load, load_credentials
from onespace_core.config.mappings import Credentials, Plugins
from onespace_core.config.model import Config, Mapping, Settings
from onespace_core.provider.errors import ConfigError

__all__ = [
    "Config",
    "ConfigError",
    "Credentials",
    "Mapping",
    "Plugins",
    "Settings",
    "load",
    "load_credentials",
]
