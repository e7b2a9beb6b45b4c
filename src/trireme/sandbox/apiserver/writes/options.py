"""What a writing request says besides its body."""

from collections.abc import Mapping
from dataclasses import dataclass

from trireme.sandbox.apiserver.errors import bad_request
from trireme.sandbox.apiserver.target import is_true

FIELD_VALIDATION = ("Ignore", "Warn", "Strict")
MANAGER_LIMIT = 128


@dataclass(frozen=True, slots=True)
class WriteOptions:
    dry_run: bool
    field_manager: str
    field_validation: str
    force: bool


def read_options(query: Mapping[str, str], user_agent: str) -> WriteOptions:
    """Raises ApiError (400)."""
    dry_run = query.get("dryRun", "")
    if dry_run not in ("", "All"):
        raise bad_request(f'Invalid value: "{dry_run}": dryRun: supported values: "All"')
    validation = query.get("fieldValidation") or "Warn"
    if validation not in FIELD_VALIDATION:
        raise bad_request(
            f'fieldValidation: Unsupported value: "{validation}": supported values: "Ignore", "Strict", "Warn"'
        )
    manager = query.get("fieldManager") or user_agent.partition("/")[0] or "unknown"
    if len(manager) > MANAGER_LIMIT:
        raise bad_request(f"fieldManager: Too long: may not be more than {MANAGER_LIMIT} bytes")
    return WriteOptions(dry_run == "All", manager, validation, is_true(query.get("force", "false")))
