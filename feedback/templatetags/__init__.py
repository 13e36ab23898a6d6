"""Tags that draw feedback's pieces: the level ruler and the timeline."""
