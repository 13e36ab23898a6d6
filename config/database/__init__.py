"""A database backend of Django that starts the embedded PostgreSQL when it is first needed."""
