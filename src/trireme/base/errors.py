"""The three kinds of error. A message names the object, what was found, what was expected, what to do next."""


class TriremeError(Exception):
    """Root of every error that Trireme raises on purpose."""


class TemporaryError(TriremeError):
    """May pass by itself: retried with back-off, with a bound."""


class PermanentError(TriremeError):
    """Will not pass by itself: reported, needs a person."""


class UncertainError(TriremeError):
    """Nobody knows whether it happened (a time-out, a broken connection): never treated as either of the others."""
