"""From alpha and A to maps: which axes are places, how maps are scaled, what is wrong with one."""
