"""JSON patch (RFC 6902), by the jsonpatch library; the errors are Kubernetes'."""

import re
from typing import Any

import jsonpatch
import jsonpointer

from trireme.sandbox.apiserver.errors import ApiError, bad_request
from trireme.sandbox.store.interface import Object

CLASSES = re.compile(r" \(<class '\w+'>\)")
"""What the library's messages say of Python types."""

LIMIT = 10_000
"""Operations in one patch, as in Kubernetes."""


def json_patch(target: Object, operations: Any) -> Object:
    """Raises ApiError: 400 when it is no JSON patch, 422 when it does not fit the object."""
    if not isinstance(operations, list):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch"
        )
    if len(operations) > LIMIT:
        raise ApiError(
            413, "RequestEntityTooLarge", f"The allowed maximum operations in a JSON patch is {LIMIT}"
        )
    try:
        patch = jsonpatch.JsonPatch(operations)
        result: Object = patch.apply(target)
    except (jsonpatch.InvalidJsonPatch, TypeError) as error:
        raise bad_request(f"error decoding patch: {error}") from error
    except jsonpatch.JsonPatchTestFailed as error:
        raise _does_not_fit(f"the test failed: {CLASSES.sub('', str(error))}") from error
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException) as error:
        raise _does_not_fit(str(error)) from error
    return result


def _does_not_fit(message: str) -> ApiError:
    return ApiError(
        422, "Invalid", f"the server rejected our request due to an error in our request: {message}"
    )
