"""Where the maps of a detector's boxes lie, by method."""
