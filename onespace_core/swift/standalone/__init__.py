# SPDX-License-Identifier: Apache-2.0
"""A whole Swift in one process, with its data in one folder.

For trying onespace, for its tests, and for anyone who needs a small object
store with Swift's API and the S3 one: no root, no memcached, no syslog, no
rings to build. It keeps one copy of each object: no disk may fail.

``folder``
    what is where below the folder, and who may use it;
``conf``
    the configuration files;
``rings``
    one device, one replica;
``server``
    the four servers of Swift in this process;
``background``
    the daemons without which statistics and expiry would be wrong;
``process``
    for programs that need such a Swift beside them.

``folder``, ``conf`` and ``process`` import neither Swift nor eventlet.
"""
