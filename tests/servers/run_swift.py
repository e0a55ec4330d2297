# SPDX-License-Identifier: Apache-2.0
"""Run a server or daemon of Swift with a ``swift_dir`` of its own.

``run_swift.py SWIFT_DIR MODULE [ARGUMENT ...]``

The option ``swift_dir`` alone is not enough: policies and constraints are
read from ``swift.conf`` when Swift's modules are imported.
"""

import importlib
import sys

from swift.common import utils

if __name__ == "__main__":
    swift_dir, module, *arguments = sys.argv[1:]
    utils.set_swift_dir(swift_dir)
    main = importlib.import_module(module).main
    sys.argv = [module, *arguments]
    sys.exit(main())
