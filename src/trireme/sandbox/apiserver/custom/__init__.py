"""Custom resources: what a CustomResourceDefinition declares, and what its schema makes of each object. No I/O."""
