# SPDX-License-Identifier: Apache-2.0
"""One namespace in Swift's proxy: what is archived is read as if it were here.

A filter for the pipeline of a proxy server (``egg:onespace#shunt``); see
:func:`filter_factory` and the page "The shunt" of the documentation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from swift.common.utils import get_logger

from onespace_shunt.options import Options
from onespace_shunt.shunt import Shunt

__all__ = ["Options", "Shunt", "filter_factory"]


def filter_factory(
    global_conf: dict[str, str], **local_conf: str
) -> Callable[[Any], Shunt]:
    """Return what puts the shunt before an app, as Paste wants it.

    :raises ValueError: an option of the filter has no such value.
    """
    conf = {**global_conf, **local_conf}
    options = Options.parse(conf)
    logger = get_logger(conf, log_route="onespace-shunt")

    def factory(app: Any) -> Shunt:
        return Shunt(app, options, logger)

    return factory
