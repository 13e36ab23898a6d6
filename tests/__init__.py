"""The tests: one folder an app, one file a layer and subject."""
