"""Pages of feedback; one module a subject."""
