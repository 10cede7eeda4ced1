"""The command line of this backend, one file a command."""
