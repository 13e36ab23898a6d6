"""The private servers: what both have in common, PostgreSQL, Redis. Their users: embedded.py."""
