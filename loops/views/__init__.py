"""Pages of loops; one module a subject."""
