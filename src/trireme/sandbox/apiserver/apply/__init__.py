"""Server-side apply: which manager owns which field, and merging what one applies into what is there."""
