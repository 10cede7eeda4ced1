"""Blame on models of several kinds that are quantised here."""
