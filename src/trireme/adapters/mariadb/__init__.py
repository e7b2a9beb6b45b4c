"""MariaDB as this member sees it: what lies on its volume, and the one server process that it runs.

Everything here observes or executes; nothing decides. Only the standard library and PyMySQL are imported,
because this is loaded by every agent.

====================  ==================================================================================
``binaries``          finds mariadbd, its tools and the Galera provider of the installed MariaDB
``datadir``           what lies in the data directory; moving it aside; cleaning up after a broken transfer
``grastate``          Galera's own note of the position, read and written
``recover``           the position that the storage engine remembers (``mariadbd --wsrep-recover``)
``first_start``       a new data directory with its accounts
``process``           the child mariadbd: start, log, exit, ordered stop
``reaper``            ends and reaps what the server orphans, where this process is PID 1
``log``               the events worth knowing in the server's log: views, state transfers, fatal errors
``status``            a running server over its unix socket: wsrep status, a few administrative statements
``notify``            the server tells each change of its view, and waits until the agent has it on disk
``transfer``          bytes received or sent by the state transfer under way
====================  ==================================================================================

The configuration file is rendered by :mod:`trireme.manifests.server_config`, which is pure.
"""
