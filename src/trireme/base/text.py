"""Text files that people write."""

from pathlib import Path

from trireme.base.errors import PermanentError


def read_text(path: Path) -> str:
    """Raises OSError, or PermanentError where it is not UTF-8. The content is in no message: it may be a password."""
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise PermanentError(
            f"{path}: byte {error.start + 1} is not UTF-8 ({error.reason}); expected text in UTF-8"
        ) from None


def is_number(text: str) -> bool:
    """Digits that int() takes: a superscript two is a digit to ``str.isdigit``, and no number to int()."""
    return text.isascii() and text.isdigit()
