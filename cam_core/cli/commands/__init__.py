"""The commands that belong to no backend, one file a command."""
