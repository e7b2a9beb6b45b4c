"""The Common Expression Language as CustomResourceDefinitions use it: parsed, type-checked, evaluated. No I/O.

The libraries on PyPI know neither optional values (``optionalOldSelf``) nor Kubernetes' functions, and all but one
do not check types, so that a misspelt field would be found by the first object instead of by the definition.
"""
