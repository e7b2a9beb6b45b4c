"""Names and labels: the forms that Kubernetes demands, and its sentences about those that are not."""

import re

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
PORT_NAME = re.compile(r"[a-z0-9-]+")
CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")
ENV_NAME = re.compile(r"[^=\x00-\x1f\x7f-\U0010ffff]+")

LABEL_WORDS = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and "
    "end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
LABEL_1035_WORDS = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
    "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation "
    "is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN_WORDS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
QUALIFIED_WORDS = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
VALUE_WORDS = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
    "validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


def label_problem(text: str) -> str | None:
    return _problem(text, LABEL, 63, LABEL_WORDS)


def label_1035_problem(text: str) -> str | None:
    return _problem(text, LABEL_1035, 63, LABEL_1035_WORDS)


def subdomain_problem(text: str) -> str | None:
    return _problem(text, SUBDOMAIN, 253, SUBDOMAIN_WORDS)


def path_segment_problem(text: str) -> str | None:
    """Names of RBAC objects: nearly anything."""
    if text in (".", "..") or "/" in text or "%" in text:
        return "may not be '.' or '..', and may not contain '/' or '%'"
    return None


def qualified_name_problem(text: str) -> str | None:
    """A label's or annotation's key: a name, with a DNS subdomain and a slash before it or not."""
    prefix, slash, name = text.rpartition("/")
    if slash and (not prefix or subdomain_problem(prefix)):
        return f"prefix part {SUBDOMAIN_WORDS}"
    if not name:
        return "name part must be non-empty"
    return _problem(name, QUALIFIED, 63, QUALIFIED_WORDS, "name part ")


def label_value_problem(text: str) -> str | None:
    return None if not text else _problem(text, QUALIFIED, 63, VALUE_WORDS)


def port_name_problem(text: str) -> str | None:
    """An IANA service name, as containers' ports must have."""
    if len(text) > 15:
        return "must be no more than 15 characters"
    if PORT_NAME.fullmatch(text) is None:
        return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
    if re.search("[a-z]", text) is None:
        return "must contain at least one letter (a-z)"
    if "--" in text:
        return "must not contain consecutive hyphens"
    if text[0] == "-" or text[-1] == "-":
        return "must not begin or end with a hyphen"
    return None


def config_key_problem(text: str) -> str | None:
    words = (
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
        "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
    )
    return _problem(text, CONFIG_KEY, 253, words)


def port_problem(number: int) -> str | None:
    return None if 1 <= number <= 65535 else "must be between 1 and 65535, inclusive"


def _problem(text: str, form: re.Pattern[str], limit: int, words: str, prefix: str = "") -> str | None:
    if len(text) > limit:
        return f"{prefix}must be no more than {limit} bytes"
    return None if form.fullmatch(text) else words
