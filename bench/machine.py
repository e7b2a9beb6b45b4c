"""What a measurement was made on: without it, no number means anything."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

PROGRAM_SECONDS = 20.0


def describe() -> str:
    """One paragraph: time, machine, versions, load."""
    cpus = len(os.sched_getaffinity(0))
    kernel = f"{platform.system()} {platform.release()}"
    versions = f"{_mariadb()}, Galera {_galera()}, Python {platform.python_version()}"
    load = os.getloadavg()[0]
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {_commit()}; {cpus} CPUs ({_cpu_model()}), "
        f"{_memory_gib():.0f} GiB, {_file_system()}, {kernel}; {versions}. Load before the start: {load:.1f}."
    )


def _commit() -> str:
    return _said("git", "describe", "--always", "--dirty", "--exclude=*") or "unknown"


def _mariadb() -> str:
    words = _said("mariadbd", "--no-defaults", "--version").split()
    return f"MariaDB {words[words.index('Ver') + 1].split('-')[0]}" if "Ver" in words else "MariaDB"


def _galera() -> str:
    return _said("dpkg-query", "-W", "-f=${Version}", "galera-4") or "unknown"


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _file_system() -> str:
    return _said("stat", "--file-system", "--format=%T", "/tmp")  # noqa: S108 - where the data is


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROGRAM_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
