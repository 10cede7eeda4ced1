"""What an audit costs: time beside the plain models, memory by the number of photos."""
